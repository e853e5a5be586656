"""What a recipe's stream looks like, on one page: the first batches, where they come from, what a sample costs.

The samples are those that a run of this configuration sees first, in its order, and they are rendered as a run renders
them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from densewalk.cluster.stream_view.costs import part_seconds, stream_rate
from densewalk.cluster.stream_view.pictures import batch_blocks
from densewalk.cluster.stream_view.sample_places import sources_of
from densewalk.cluster.stream_view.tables import cost_table, source_name, source_table
from densewalk.datasets.collection import ClipCollection
from densewalk.datasets.config import to_yaml
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.samples import SampleSource
from densewalk.ssl.objectives import build_objective
from densewalk.ssl.report.blocks import Block, Code, Facts, Fold
from densewalk.ssl.report.page import Page
from densewalk.ssl.report.table import Table
from densewalk.ssl.train.config import DataConfig, TrainConfig
from densewalk.ssl.train.training_stream import open_collections, training_source, training_stream

__all__ = ["PAGE", "StreamView", "show_stream"]

PAGE = "stream.html"
_MEASURED_SAMPLES = 16
_MEASURED_SECONDS = 4.0
_PICTURE_TEXT = (
    "Above the clip with the boxes of the views, as far as it was kept; below it every view. A column is a moment of "
    "the clip, the number before a view's name says when a walker comes there. Points of one colour are one point, "
    "carried from view to view by the crops and, where the clip's motion is known, from moment to moment; a hollow "
    "point is hidden there."
)
_COST_TEXT = (
    "Each part by itself in one process, one sample at a time. What a training run gets per second depends on how many "
    "workers make samples; it is told above for this machine as it is now."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamView:
    """What was found, for the terminal."""

    page: Path
    sources: Table
    costs: Table
    clips_per_second: float


def show_stream(config: TrainConfig, out: Path, *, batches: int, tell: Callable[[int, int], None]) -> StreamView:
    """Write pictures and a page of the first batches into `out`; `tell` hears how many of them are drawn.

    Raises `ConfigError`, `DataError` and `UnreachableError` as a run of this configuration would.
    """
    plan = build_objective(config.objective).plan
    device = torch.device("cuda" if config.device != "cpu" and torch.cuda.is_available() else "cpu")
    collections = open_collections(config.data)
    source = training_source(config.data, collections, plan, seed=config.seed)
    sources = source_table(_shares(config.data, collections, source), config.data)
    sections: dict[str, list[Block]] = {}
    with training_stream(config, source, device) as stream:
        for number in range(batches):
            tell(number, batches)
            numbers = stream.numbers(number)
            title = f"Batch {number + 1}: samples {min(numbers)} to {max(numbers)}"
            sections[title] = batch_blocks(source, numbers, out)
        tell(batches, batches)
        costs = cost_table(_costs(source, device), caption=f"Milliseconds a sample; rendered on {device}.")
        rate = stream_rate(stream, seconds=_MEASURED_SECONDS)
    page = Page("What a stream looks like", _lead(config, plan))
    page.section("In short", "", _facts(config, source, rate), sources)
    for position, (title, blocks) in enumerate(sections.items()):
        page.section(title, "" if position else _PICTURE_TEXT, *blocks)
    page.section("What a sample costs", _COST_TEXT, costs)
    page.section("Configuration", "", Fold(summary="All settings", blocks=(Code(text=to_yaml(config)),)))
    page.write(out / PAGE)
    return StreamView(page=out / PAGE, sources=sources, costs=costs, clips_per_second=rate)


def _shares(
    config: DataConfig, collections: Mapping[str, tuple[float, ClipCollection]], source: SampleSource
) -> list[tuple[float, SampleSource]]:
    """Return each source with its share of the samples, scenes last."""
    total = sum(weight for weight, _ in collections.values())
    shares = [(1 - config.scene_weight) * weight / total for weight, _ in collections.values()]
    if config.scene_weight > 0:
        shares.append(config.scene_weight)
    return list(zip(shares, sources_of(source), strict=True))


def _costs(source: SampleSource, device: torch.device) -> dict[str, dict[str, float]]:
    return {
        source_name(each): part_seconds(each, range(min(_MEASURED_SAMPLES, len(each))), device)
        for each in sources_of(source)
    }


def _lead(config: TrainConfig, plan: PalindromePlan) -> str:
    low, high = plan.gap_seconds
    gap = f"{low:g} s" if low == high else f"{low:g} to {high:g} s"
    return (
        f"The first batches that `{config.objective.name}` is trained on: palindromes of {plan.num_frames} frames "
        f"{gap} apart, {plan.size} x {plan.size} pixels, {config.batch_size} clips a step."
    )


def _facts(config: TrainConfig, source: SampleSource, rate: float) -> Facts:
    workers = config.data.workers
    made_by = f"{workers} worker process{'' if workers == 1 else 'es'}" if workers else "no worker process"
    return Facts(
        facts=(
            (f"{len(source):,}", "samples an epoch"),
            (f"{config.batch_size:,}", "clips a step"),
            (f"{rate:,.1f}", f"clips a second with {made_by}"),
        )
    )
