"""The tables of a stream: its sources, what a sample costs, and where the samples of a batch come from."""

from collections.abc import Mapping, Sequence
from math import ceil

from densewalk.cluster.stream_view.sample_places import SamplePlace
from densewalk.datasets.dataset import Dataset
from densewalk.datasets.samples import ClipSample, SampleSource
from densewalk.datasets.stream.clip_source import ClipSource
from densewalk.ssl.report.table import Column, Row, Table, Value
from densewalk.ssl.train.config import DataConfig

__all__ = ["cost_table", "sample_table", "source_name", "source_table"]

_SOURCE_COLUMNS = (
    Column(title="source"),
    Column(title="share", unit="%"),
    Column(title="clips", digits=0),
    Column(title="too short", digits=0),
    Column(title="samples an epoch", digits=0),
    Column(title="shards", digits=0),
    Column(title="columns", digits=0),
    Column(title="shuffled over", unit="clips", digits=0),
    Column(title="in use at a time"),
)


def source_name(source: SampleSource) -> str:
    """Return what the user calls a source."""
    return source.collection.name if isinstance(source, ClipSource) else "generated scenes"


def source_table(shares: Sequence[tuple[float, SampleSource]], config: DataConfig) -> Table:
    """Return a row a source: how much of it is usable, how it is ordered, what of it must be near."""
    rows = [Row(values=(source_name(source), 100 * share, *_sizes(source, config))) for share, source in shares]
    return Table(
        columns=_SOURCE_COLUMNS,
        rows=tuple(rows),
        caption="Clips that do not span the plan's smallest times are too short. What is in use at a time should fit "
        "into the cache (`data.cache.bytes`) when it lies elsewhere.",
    )


def cost_table(costs: Mapping[str, Mapping[str, float]], *, caption: str) -> Table:
    """Return milliseconds a sample for each part (rows) of each source (columns)."""
    parts = dict.fromkeys(part for seconds in costs.values() for part in seconds)
    columns = (Column(title="part"), *(Column(title=name, unit="ms", digits=2) for name in costs))
    rows = [Row(values=(part, *(_milliseconds(seconds.get(part)) for seconds in costs.values()))) for part in parts]
    return Table(columns=columns, rows=tuple(rows), caption=caption)


def sample_table(placed: Sequence[tuple[int, ClipSample, SamplePlace]]) -> Table:
    """Return a row a sample of a batch, in the batch's order."""
    columns = tuple(
        Column(title=title, digits=0)
        for title in ("sample", "clip", "shard", "epoch", "column", "frames", "seconds", "passed over")
    )
    return Table(columns=columns, rows=tuple(Row(values=_sample_cells(*entry)) for entry in placed))


def _sample_cells(number: int, sample: ClipSample, place: SamplePlace) -> tuple[Value, ...]:
    frames, seconds = _span(sample.frames, "d", 1.0), _span(sample.frames, ".2f", place.fps)
    damaged = ", ".join(clip.key for clip in sample.passed_over)
    return number, sample.key, place.group, place.epoch, place.column, frames, seconds, damaged


def _span(frames: Sequence[int], form: str, fps: float) -> str:
    """Return all of a few frames or seconds, the ends of many."""
    shown = [format(frame / fps if fps != 1.0 else frame, form) for frame in frames]
    return ", ".join(shown) if len(shown) <= 4 else f"{shown[0]}, {shown[1]} ... {shown[-1]}"


def _sizes(source: SampleSource, config: DataConfig) -> tuple[Value, ...]:
    if not isinstance(source, ClipSource):
        return None, None, len(source), None, None, None, ""
    table, order = source.collection.table, source.order
    return (
        len(table),
        source.too_short,
        len(source),
        len(table.groups),
        order.columns,
        min(order.window, len(order)),
        _in_use(source, config),
    )


def _in_use(source: ClipSource, config: DataConfig) -> str:
    """Return how many shards the columns read from at a time, and their bytes where a card tells them."""
    collection, order = source.collection, source.order
    num_groups = len(collection.table.groups)
    a_column = ceil(min(order.window, len(order)) * num_groups / len(order)) + 2
    used = min(num_groups, order.columns * a_column)
    if not isinstance(collection, Dataset):
        return f"{used} shards"
    used_bytes = used * collection.card.bytes / num_groups
    room = f" of {config.cache.bytes / 1e9:,.1f} GB of cache" if "://" in collection.name else ""
    return f"{used} shards, {used_bytes / 1e9:,.2f} GB{room}"


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else 1e3 * seconds
