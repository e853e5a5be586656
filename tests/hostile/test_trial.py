"""The means of the fuzzer: the same seed gives the same files, and what our code does wrong is noticed."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from densewalk.pipelines.stages.decode import Decode
from densewalk.pipelines.stages.probe import Probe
from tests.hostile.base_videos import base_video
from tests.hostile.boxes import edited, find
from tests.hostile.mutations import mutated
from tests.hostile.trial import BUG, Trial


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "video.mp4"
    path.write_bytes(base_video("mp4"))
    return path


def test_a_case_is_a_function_of_its_seed() -> None:
    plain = base_video("mp4")
    files = [mutated(plain, random.Random(seed), [plain]) for seed in (*range(50), *range(50))]
    assert files[:50] == files[50:]
    assert len(set(files)) > 45


def test_a_box_can_be_replaced_by_a_longer_one() -> None:
    plain = base_video("mp4")
    longer = edited(plain, "moov/trak/mdia/minf/dinf/dref", bytes(100))
    assert len(longer) - len(plain) == find(longer, "moov")[0].end - find(plain, "moov")[0].end
    assert find(longer, "moov/trak/mdia/minf/stbl")[-1].kind == "stbl"


def test_sound_files_decode_and_leave_nothing(video: Path, tmp_path: Path) -> None:
    with Trial(tmp_path / "scratch") as trial:
        first, second = trial(video), trial(video)
    assert (first.outcome, first.num_frames) == ("decoded", 24)
    assert first.digest == second.digest


def test_an_exception_of_ours_is_a_bug(video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyError("ours")

    monkeypatch.setattr(Probe, "__call__", fail)
    with Trial(tmp_path / "scratch") as trial:
        ending = trial(video)
    assert (ending.outcome, ending.reason) == (BUG, "KeyError")


def test_files_left_behind_are_a_bug(video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Decode.__call__

    def litter(self: Decode, records: Sequence[Any]) -> Iterator[Any]:
        yield from honest(self, records)
        (self.scratch / "litter").mkdir()

    monkeypatch.setattr(Decode, "__call__", litter)
    with Trial(tmp_path / "scratch") as trial:
        assert trial(video).reason == "files left behind"
        monkeypatch.undo()
        assert trial(video).outcome == "decoded", "what was left behind is not held against the next file"
