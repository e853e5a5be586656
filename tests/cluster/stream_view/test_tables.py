"""The tables say how much of a source is usable, what of it is in use, and what each sample shows."""

from pathlib import Path

from densewalk.cluster.stream_view.sample_places import place_of
from densewalk.cluster.stream_view.tables import cost_table, sample_table, source_table
from densewalk.datasets.dataset import Dataset
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.samples import SampleSource
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.source import SceneSource
from densewalk.datasets.stream.clip_source import ClipSource
from densewalk.ssl.report.table import Table
from densewalk.ssl.train.config import DataConfig

PLAN = PalindromePlan(size=32)
SCENES = SceneSource(SceneConfig(height=48, width=64), PLAN)


def cells(table: Table) -> list[dict[str, str]]:
    titles = [column.title for column in table.columns]
    return [dict(zip(titles, (cell.text for cell in row), strict=True)) for _, row in table.shown()]


def test_sources_are_told_with_their_order(small_dataset: Path) -> None:
    source = ClipSource(Dataset.open(small_dataset), PLAN, draws_per_clip=2)
    shares: list[tuple[float, SampleSource]] = [(0.75, source), (0.25, SCENES)]
    stored, scenes = cells(source_table(shares, DataConfig()))
    assert (stored["source"], stored["share"]) == (str(small_dataset), "75.0")
    assert (stored["clips"], stored["too short"], stored["samples an epoch"]) == ("3", "0", "6")
    assert (stored["shards"], stored["columns"], stored["shuffled over"]) == ("2", "1", "3")
    assert stored["in use at a time"].startswith("2 shards")
    assert "cache" not in stored["in use at a time"]
    assert scenes["source"] == "generated scenes"
    assert scenes["clips"] == "\N{EN DASH}"


def test_costs_stand_beside_each_other_in_milliseconds() -> None:
    table = cost_table({"a": {"made": 0.01, "decoded": 0.002}, "b": {"made": 0.1}}, caption="")
    assert [tuple(row.values()) for row in cells(table)] == [
        ("made", "10.00", "100.00"), ("decoded", "2.00", "\N{EN DASH}"),
    ]  # fmt: skip


def test_a_sample_is_told_with_its_frames_and_seconds() -> None:
    long = SceneSource(SCENES.config, PalindromePlan(size=32, num_frames=6, gap_seconds=(0.09, 0.2)))
    rows = []
    for source in (SCENES, long):
        sample = source.samples([5])[0]
        (row,) = cells(sample_table([(5, sample, place_of(source, 5, sample))]))
        rows.append((row, sample))
    (short_row, short_sample), (long_row, long_sample) = rows
    assert short_row["sample"] == "5"
    assert short_row["frames"] == ", ".join(map(str, short_sample.frames))
    assert long_row["frames"] == f"{long_sample.frames[0]}, {long_sample.frames[1]} ... {long_sample.frames[-1]}"
    assert long_row["seconds"].endswith(f"{long_sample.frames[-1] / SCENES.config.fps:.2f}")
