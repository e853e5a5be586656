"""report.html of a dataset: what is in it, what was left out and why, what was measured, and what it cost.

Tables are gone through once, pictures are a few spread over the dataset, so the page takes seconds and some megabytes
whatever the size. Whatever cannot be shown (shards that lie elsewhere, no clip at all, no runs.jsonl) is said instead.
"""

from collections.abc import Callable, Sequence
from pathlib import Path, PurePath

import numpy as np
from jaxtyping import UInt8

from densewalk.cluster.corpus_report.clip_pictures import clip_sheet, source_strips
from densewalk.cluster.corpus_report.clip_rows import spread_clips
from densewalk.cluster.corpus_report.cost import cost_blocks
from densewalk.cluster.corpus_report.flow_pictures import flow_sheet, lively_clips
from densewalk.cluster.corpus_report.measured import measured_blocks
from densewalk.cluster.corpus_report.outcomes import Outcomes, candidate_steps, read_outcomes, source_steps
from densewalk.cluster.corpus_report.rejected_pictures import by_reason, pair_sheet, rejected_sheet
from densewalk.cluster.corpus_report.survey import SourceSurvey, survey_clips, survey_sources
from densewalk.cluster.history import read_runs
from densewalk.datasets.dataset_card import SHARDS, DatasetCard, read_card
from densewalk.datasets.errors import DataError
from densewalk.pipelines.corpus.homes.home import CONFIG
from densewalk.pipelines.corpus.rejects import REJECTED, Rejection, read_rejected
from densewalk.pipelines.dedup.signed import twin_of
from densewalk.ssl.report.blocks import Block, Chart, Code, Facts, Fold, Listing, Note, Picture
from densewalk.ssl.report.page import Page
from densewalk.ssl.report.table import Column, Row, Table
from densewalk.ssl.show.funnel import funnel
from densewalk.ssl.show.still import jpeg_bytes

__all__ = ["write_corpus_report"]

_CLIPS, _STRIPS, _FLOWS, _PAIRS = 24, 4, 4, 8
_OF_REASON = 6
_REASONS_SHOWN = 60
_JPEG_QUALITY = 82

_FUNNEL_TEXT = (
    "First every name that the sources gave, and what of it became clips; then every stretch of video that might have "
    "become a clip. What is lost on the way stands between the bars, and has its row in `ledger.parquet`."
)
_REJECTED_TEXT = (
    "First, middle and last frame of a few candidates for each reason, drawn by a hash of their names, with what was "
    "found and the setting it broke. If something you want is among them, that setting is the one to change."
)
_PAIR_TEXT = (
    "Left the clip that is kept, right the one that shows the same and was left out: after re-encoding, scaling, "
    "cropping, or within a longer piece. Of two, the one of the sharper source stays."
)
_CUT_TEXT = (
    "Sources with the most cuts, from left to right in time. Red lines are cuts, yellow bars gradual transitions; no "
    "clip reaches over one, unless whoever named the segments asked for it."
)
_FLOW_TEXT = (
    "Two frames of a clip and where its pixels go from the first to the second: the hue is the direction, the strength "
    "of the colour the distance, as on the wheel. White stands still. All clips share one scale."
)
_NUMBERS_TEXT = (
    "The dashed line is the median. Every score is a column of `index.parquet`, by which clips can be chosen."
)


def write_corpus_report(folder: Path, *, name: str = "") -> Path:
    """Write FOLDER/report.html and return its path; `name` is that of the dataset, if not the folder's.

    Raises `DataError` when `folder` is not a finished dataset or one of its tables cannot be read.
    """
    card, clips, sources = read_card(folder), survey_clips(folder), survey_sources(folder)
    outcomes, runs = read_outcomes(folder), read_runs(folder)
    page = Page(f"Dataset {name or folder.absolute().name}", _lead(card))
    page.section("In short", "", _facts(card), _details(card, sources))
    page.section("From sources to clips", _FUNNEL_TEXT, *_funnels(outcomes), *_reasons(outcomes))
    _add_pictures(page, folder, card, outcomes)
    if clips.clips:
        page.section("In numbers", _NUMBERS_TEXT, *measured_blocks(clips, sources))
    page.section("What it cost", "Time that was spent on this dataset.", *cost_blocks(runs, frames=sources.frames))
    page.section("Configuration", "", *_configuration(folder))
    page.write(folder / "report.html")
    return folder / "report.html"


def _add_pictures(page: Page, folder: Path, card: DatasetCard, outcomes: Outcomes) -> None:
    has_shards = any((folder / SHARDS / name).is_file() for name in card.shard_sha256)
    rejections, fault = _rejections(folder)
    twins = [rejection for rejection in rejections if has_shards and twin_of(rejection.detail)]
    groups = by_reason([rejection for rejection in rejections if rejection not in twins], most=_OF_REASON)
    if has_shards:
        page.section("What is in it", "Clips spread evenly over the dataset.", *_shown(lambda: _clip_pictures(folder)))
    elif card.num_clips:
        page.section("What is in it", "", Note(text="The shards are not in this folder, so no clip is shown here."))
    if groups or fault:
        page.section("What was rejected", _REJECTED_TEXT, *fault, *_shown(lambda: _rejected(groups, outcomes)))
    if twins:
        page.section("What shows the same", _PAIR_TEXT, *_shown(lambda: _pairs(folder, twins)))
    if has_shards:
        page.section("Shots", _CUT_TEXT, *_shown(lambda: _strips(folder)))
        page.section("Motion", _FLOW_TEXT, *_shown(lambda: _flow(folder)))


def _lead(card: DatasetCard) -> str:
    if not card.num_clips:
        return "This dataset holds no clips. The ledger below says what became of everything that was handed in."
    return (
        f"{_counted(card.num_clips, 'clip')} cut from {_counted(card.num_sources, 'source')}: what is in it, what was "
        "left out and why, what was measured, and what it took."
    )


def _facts(card: DatasetCard) -> Facts:
    handed_in = sum(card.source_outcomes.values())
    hours = f"{card.seconds / 3600:,.1f} h" if card.seconds >= 3600 else f"{card.seconds / 60:,.1f} min"
    size = f"{card.bytes / 1e9:,.2f} GB" if card.bytes >= 1e9 else f"{card.bytes / 1e6:,.1f} MB"
    return Facts(
        facts=(
            (f"{card.num_clips:,}", "clip" if card.num_clips == 1 else "clips"),
            (hours, "of video"),
            (f"{card.num_sources:,}", f"of {handed_in:,} sources gave clips"),
            (size, f"of H.264 in {_counted(len(card.shard_sha256), 'shard')}"),
        )
    )


def _counted(number: int, name: str) -> str:
    return f"{number:,} {name}{'' if number == 1 else 's'}"


def _details(card: DatasetCard, sources: SourceSurvey) -> Listing:
    entries = [
        *((f"sources {name}", f"{count:,}") for name, count in card.source_outcomes.items() if count),
        *((f"candidates {name}", f"{count:,}") for name, count in card.clip_outcomes.items() if count),
        ("frames decoded", f"{sources.frames:,}"),
        ("decoded video", f"{sources.seconds / 3600:,.2f} h"),
        ("cuts found", f"{sources.cuts:,}"),
        ("gradual transitions", f"{sources.transitions:,}"),
        ("licences", f"{len(card.licences):,}"),
        ("recipe", card.recipe_hash),
    ]
    return Listing(entries=tuple(entries))


def _funnels(outcomes: Outcomes) -> list[Block]:
    of_sources = _counted(outcomes.sources_with_candidates, "source")
    drawn = [("sources", source_steps(outcomes)), (f"clips, from {of_sources}", candidate_steps(outcomes))]
    return [Chart(svg=funnel(steps, label=label)) for label, steps in drawn if steps[0].count]


def _reasons(outcomes: Outcomes) -> list[Block]:
    columns = (Column(title="reason"), Column(title="of"), Column(title="outcome"), Column(title="count", digits=0))
    ordered = sorted(outcomes.reasons.items(), key=lambda item: (item[0].outcome, -item[1], item[0].reason))
    rows = [
        Row(values=(why.reason, why.kind, why.outcome, count, _examples(outcomes.examples[why])))
        for why, count in ordered[:_REASONS_SHOWN]
    ]
    if not rows:
        return [Note(text="Nothing failed and nothing was rejected.")]
    caption = "Every reason for which something is not in the dataset, failures first."
    return [Table(columns=(*columns, Column(title="for example")), rows=tuple(rows), caption=caption)]


def _examples(examples: Sequence[tuple[str, str]]) -> str:
    names = [f"{PurePath(uri).name}: {detail}" if detail else PurePath(uri).name for uri, detail in examples]
    return "; ".join(name if len(name) <= 110 else f"{name[:107]}..." for name in names[:2])


def _shown(draw: Callable[[], list[Block]]) -> list[Block]:
    """Return pictures, or why there are none: a page without them is worth more than none."""
    try:
        return draw()
    except DataError as error:
        return [Note(text=f"These pictures cannot be shown: {error}", tone="warning")]


def _clip_pictures(folder: Path) -> list[Block]:
    caption = "First, middle and last frame of a clip. A red edge means that the source cuts there."
    return [_picture(clip_sheet(folder, most=_CLIPS), "first, middle and last frames of clips", caption)]


def _strips(folder: Path) -> list[Block]:
    return [
        _picture(strip, f"frames of {PurePath(source.uri).name} over time, {len(source.cuts)} cuts as red lines")
        for source, strip in source_strips(folder, most=_STRIPS)
    ]


def _flow(folder: Path) -> list[Block]:
    sheet = flow_sheet(folder, lively_clips(spread_clips(folder, _CLIPS), _FLOWS))
    return [] if sheet is None else [_picture(sheet, "pairs of frames, their optical flow in colours, and the wheel")]


def _rejections(folder: Path) -> tuple[list[Rejection], list[Block]]:
    try:
        return list(read_rejected(folder / REJECTED)), []
    except DataError as error:
        return [], [Note(text=f"These pictures cannot be shown: {error}", tone="warning")]


def _rejected(groups: dict[str, list[Rejection]], outcomes: Outcomes) -> list[Block]:
    counts = {why.reason: count for why, count in outcomes.reasons.items() if why.kind == "clip"}
    blocks: list[Block] = []
    for reason, rejections in sorted(groups.items(), key=lambda item: (-counts.get(item[0], 0), item[0])):
        caption = f"{reason}: {counts.get(reason, len(rejections)):,} candidates"
        blocks.append(_picture(rejected_sheet(rejections), f"candidates that were rejected: {reason}", caption))
    return blocks


def _pairs(folder: Path, twins: Sequence[Rejection]) -> list[Block]:
    sheet = pair_sheet(folder, twins, most=_PAIRS)
    if sheet is None:
        return [Note(text="The clips that stay are no longer in this dataset.")]
    return [_picture(sheet, "clips that are kept beside clips that show the same")]


def _configuration(folder: Path) -> list[Block]:
    try:
        text = (folder / CONFIG).read_text()
    except (OSError, UnicodeDecodeError):
        return [Note(text=f"This dataset has no {CONFIG}.")]
    return [Fold(summary="All settings", blocks=(Code(text=text),))]


def _picture(image_HWC: UInt8[np.ndarray, "h w 3"], alt: str, caption: str = "") -> Picture:
    return Picture(content=jpeg_bytes(image_HWC, quality=_JPEG_QUALITY), alt=alt, caption=caption)
