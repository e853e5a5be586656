"""Costs are those of the parts of making a sample, and their sum is that of a sample."""

from pathlib import Path

import pytest

from densewalk.cluster.stream_view.costs import part_seconds, stream_rate
from densewalk.datasets.dataset import Dataset
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.source import SceneSource
from densewalk.datasets.stream.batch_stream import BatchStream
from densewalk.datasets.stream.clip_source import ClipSource

PLAN = PalindromePlan(size=32)
SCENES = SceneSource(SceneConfig(height=48, width=64), PLAN)


def test_a_stored_sample_is_read_decoded_and_cut(small_dataset: Path) -> None:
    costs = part_seconds(ClipSource(Dataset.open(small_dataset), PLAN), range(3), "cpu")
    assert list(costs) == [
        "made, the first time", "made again", "- read and checked", "- decoded", "- drawn and cut", "rendered",
    ]  # fmt: skip
    assert all(seconds >= 0 for seconds in costs.values())
    assert costs["- decoded"] > 0
    assert costs["rendered"] > 0


def test_reading_and_decoding_are_one_where_the_bytes_are_nobodys_business(small_dataset: Path) -> None:
    costs = part_seconds(ClipSource(_Foreign(Dataset.open(small_dataset)), PLAN), range(3), "cpu")
    assert "- read and decoded" in costs
    assert "- decoded" not in costs


def test_a_scene_is_made_and_rendered() -> None:
    assert list(part_seconds(SCENES, range(2), "cpu")) == ["made, the first time", "made again", "rendered"]


def test_a_rate_counts_clips_not_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(range(1000))
    monkeypatch.setattr("densewalk.cluster.stream_view.costs.time.perf_counter", lambda: float(next(now)))
    with BatchStream(SCENES, 3) as stream:
        # Looks at the clock: once to begin, before each of the four batches and to end, then for the sum.
        assert stream_rate(stream, seconds=4.5) == pytest.approx(4 * 3 / 6)


class _Foreign:
    """The same clips as a collection that is no dataset of ours."""

    def __init__(self, dataset: Dataset) -> None:
        self.table, self.name, self.identity, self.has_motion = dataset.table, "foreign", dataset.identity, False
        self.read, self.motion, self.ahead = dataset.read, dataset.motion, dataset.ahead
