"""Stages run by name over a file say what they found, and leave nothing behind."""

import tempfile
from pathlib import Path

import pytest

from densewalk.cluster.stage_notes import describe, run_until
from densewalk.datasets.config import resolve
from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.recipe import PrepareConfig
from tests.drifting_film import write_film

CONFIG = resolve(PrepareConfig(), overrides=["shots.detector=none", "dedup.near=false"])


def _notes(path: Path, last: str, *, tell_all: bool = True) -> str:
    return "\n".join(run_until([str(path)], CONFIG, last, tell_all=tell_all))


@pytest.mark.parametrize(
    ("last", "found"),
    [
        ("fetch", "bytes in"),
        ("ingest", "sha256"),
        ("probe", "h264"),
        ("decode", "reel 0, frames [0, 20), 96x72, 10.000 fps"),
        ("shots", "shots        [0,20)"),
        ("clips", "-0000000-0000020 0.000-2.000 s 96x72+0+0  10.000 fps"),
        ("quality", "motion"),
        ("encode", "mp4 "),
    ],
)
def test_every_stage_tells_what_it_found(video: Path, last: str, found: str) -> None:
    text = _notes(video, last)
    assert found in text
    assert f"1 sources: 1 went through {last}" in text
    assert f"{last} " in text.splitlines()[-1]


def test_without_details_only_counts_and_early_ends_are_told(video: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "text.mp4").write_text("no video")
    (tmp_path / "in" / "a.mp4").write_bytes(video.read_bytes())
    text = _notes(tmp_path / "in", "decode", tell_all=False)
    assert "text.mp4: failed: not a video container" in text
    assert "2 sources: 1 ended early, 1 went through decode" in text
    assert "reel 0" not in text


def test_a_stage_that_is_not_there_is_named_with_those_that_are(video: Path) -> None:
    with pytest.raises(ConfigError, match=r"no stage 'shot'.*decode, shots, clips"):
        _notes(video, "shot")


def test_a_stage_that_is_switched_off_comes_with_its_switch(video: Path) -> None:
    with pytest.raises(ConfigError, match=r"no stage 'flow'.*flow.enabled=true"):
        _notes(video, "flow")


def test_a_source_of_many_reels_is_one_source_and_leaves_no_frames_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing after the named stage removes frames, and a folder of videos would fill the disk."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    config = resolve(CONFIG, overrides=["decode.reel_frames=150"])
    notes = run_until([str(write_film(tmp_path / "long.mp4", num_frames=400))], config, "shots", tell_all=True)
    first = next(notes)
    assert "reel 0, frames [0, 150)" in first
    frames = list(tmp_path.glob("densewalk-*/scratch/*/0000"))
    second = next(notes)
    assert "reel 1" in second
    assert len(frames) == 1
    assert not frames[0].exists()
    assert "1 sources: 1 went through shots" in "\n".join(notes)


def test_signatures_and_encoded_frames_are_told(video: Path) -> None:
    config = resolve(PrepareConfig(), overrides=["shots.detector=none"])
    text = "\n".join(run_until([str(video)], config, "encode", tell_all=True))
    assert "signature of" in text
    assert "20 frames" in text


def test_records_without_words_are_a_fault_of_the_code() -> None:
    with pytest.raises(TypeError, match="no words for a int"):
        describe(3)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Two seconds of 96 x 72 at 10 frames a second."""
    return write_film(tmp_path / "video.mp4")
