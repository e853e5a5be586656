"""A stage that is run again on saved inputs makes the same, wherever its folder lies; what differs is named."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from densewalk.cluster.engine.wire import to_text
from densewalk.cluster.replay.running import Replayed, replay
from densewalk.cluster.replay.saving import INPUTS, RECORDS, save_inputs
from densewalk.datasets.config import resolve
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.records import Source
from densewalk.pipelines.recipe import PrepareConfig
from densewalk.pipelines.records import Entry, Fetched, Held
from densewalk.pipelines.stages.quality import Quality
from tests.drifting_film import write_film

CONFIG = resolve(PrepareConfig(), overrides=["shots.detector=adaptive", "licence=CC0"])
MOTION = resolve(CONFIG, overrides=["flow.enabled=true", "tracks.enabled=true", "clips.max_seconds=2"])
SAVED_ELSEWHERE = (
    ("fetch", 0),
    ("ingest", 0),
    ("probe", 0),
    ("decode", 4),
    ("shots", 0),
    ("clips", 0),
    ("quality", 0),
    ("signatures", 0),
    ("encode", 1),
    ("stow", 2),
)
"""Stages, and how many files each makes of a source of one clip."""
Save = Callable[..., Path]


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Two seconds of 96 x 72 at 10 frames a second."""
    return write_film(tmp_path / "video.mp4")


@pytest.fixture
def save(video: Path, tmp_path: Path) -> Save:
    """Save what a stage is given of the video."""

    def run(stage: str, config: PrepareConfig = CONFIG) -> Path:
        folder = tmp_path / "saved"
        assert save_inputs([str(video)], config, stage, folder).records == 1
        return folder

    return run


def _moved(folder: Path) -> Path:
    elsewhere = folder.parent / "elsewhere" / "moved"
    elsewhere.parent.mkdir()
    shutil.move(folder, elsewhere)
    return elsewhere


def _golden(folder: Path) -> Replayed:
    done = replay(folder, update=True)
    assert done.differences == ()
    return done


@pytest.mark.parametrize(("stage", "files"), SAVED_ELSEWHERE)
def test_every_stage_makes_the_same_again_wherever_its_folder_was_moved_to(
    stage: str, files: int, save: Save, video: Path
) -> None:
    first = _golden(save(stage))
    folder = _moved(first.outputs.parent)
    video.unlink()
    inputs = {path: path.read_bytes() for path in (folder / INPUTS).rglob("*") if path.is_file()}
    again = replay(folder)
    assert (again.stage, again.records, again.files) == (stage, 1, files)
    assert again.golden == folder / "golden"
    assert again.differences == ()
    assert {path: path.read_bytes() for path in (folder / INPUTS).rglob("*") if path.is_file()} == inputs
    assert not (folder / ".work").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("stage", "file"), [("flow", "flow.npz"), ("tracks", "tracks.npz")])
def test_stages_of_motion_make_the_same_again(stage: str, file: str, save: Save) -> None:
    folder = save(stage, MOTION)
    _golden(folder)
    done = replay(folder)
    assert done.differences == ()
    assert [path.name.partition(".")[2] for path in (done.outputs / "files").rglob("*") if path.is_file()] == [file]


def test_a_changed_setting_shows_in_the_fields_it_changes(save: Save) -> None:
    folder = save("quality")
    assert replay(folder).golden is None
    _golden(folder)
    done = replay(folder, overrides=["quality.min_motion=1000"])
    assert "record 0: clips: 0 items, was 1" in done.differences
    assert "record 0: rejected: 1 items, was 0" in done.differences


def test_a_changed_number_is_named_with_both_values_unless_it_is_within_the_tolerance(
    save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save("quality")
    _golden(folder)
    true_call, version = Quality.__call__, Quality.version

    def shifted(self: Quality, records: Any) -> Any:
        for cutting in true_call(self, records):
            clips = [replace(c, quality=replace(c.quality, motion=c.quality.motion + 1e-4)) for c in cutting.clips]
            yield replace(cutting, clips=tuple(clips))

    monkeypatch.setattr(Quality, "__call__", shifted)
    monkeypatch.setattr(Quality, "version", 99)
    done = replay(folder)
    assert len(done.differences) == 1
    assert done.differences[0].startswith("record 0: clips[0].quality.motion: ")
    assert ", was " in done.differences[0]
    assert (done.version, done.golden_version) == (99, version)
    assert replay(folder, tolerance=1e-3).differences == ()


def test_files_differ_by_their_hash_and_missing_ones_are_named(save: Save, tmp_path: Path) -> None:
    folder = save("encode")
    _golden(folder)
    (clip,) = (folder / "golden" / "files").rglob("*.mp4")
    content = bytearray(clip.read_bytes())
    content[-1] ^= 1
    clip.write_bytes(content)
    (clip.parent / "more.txt").write_text("more")
    told = replay(folder).differences
    assert len(told) == 2
    assert f"{len(content):,} bytes, sha256 " in told[0]
    assert "more.txt: is missing, had 4 bytes" in told[1]
    shutil.copytree(folder / "outputs", tmp_path / "other")
    assert replay(folder, golden=tmp_path / "other").differences == ()


def test_a_verdict_is_what_a_stage_made_of_a_bad_file(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    save_inputs([str(tmp_path / "text.mp4")], CONFIG, "probe", tmp_path / "saved")
    done = replay(tmp_path / "saved")
    assert "not a video container" in (done.outputs / "outputs.jsonl").read_text()
    with pytest.raises(DataError, match=r"nothing reached the stage decode: .*not a video container"):
        save_inputs([str(tmp_path / "text.mp4")], CONFIG, "decode", tmp_path / "other")


def test_each_reel_of_a_long_video_is_an_input_of_its_own(tmp_path: Path) -> None:
    film = write_film(tmp_path / "long.mp4", num_frames=400)
    config = resolve(CONFIG, overrides=["decode.reel_frames=150"])
    assert save_inputs([str(film)], config, "shots", tmp_path / "saved").records == 2
    _golden(tmp_path / "saved")
    assert replay(tmp_path / "saved").differences == ()


@pytest.mark.parametrize(
    ("stage", "error"), [("shot", "no stage 'shot'.*shots, clips"), ("flow", "flow.enabled=true switches it on")]
)
def test_a_stage_that_is_not_there_leaves_nothing(stage: str, error: str, video: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=error):
        save_inputs([str(video)], CONFIG, stage, tmp_path / "saved")
    assert not any((tmp_path / "saved").glob("*"))


def test_a_folder_in_use_and_options_at_odds_are_refused(save: Save, video: Path) -> None:
    folder = save("probe")
    with pytest.raises(ConfigError, match="is in use"):
        save_inputs([str(video)], CONFIG, "probe", folder)
    with pytest.raises(ConfigError, match="leave out --golden"):
        replay(folder, golden=folder, update=True)
    with pytest.raises(ConfigError, match=r"no outputs.jsonl in"):
        replay(folder, golden=folder)
    with pytest.raises(DataError, match="holds no saved stage"):
        replay(video.parent)


def _held(path: str, source_id: str = "0" * 20) -> Held:
    source = Source(id=source_id, uri="a.mp4", bytes=1, sha256="0" * 64, licence="CC0")
    return Held(source=source, path=path, temporary=True)


def test_a_folder_from_anybody_reaches_nothing_outside_of_it(save: Save, tmp_path: Path) -> None:
    folder = save("probe")
    precious = tmp_path / "precious.mp4"
    precious.write_text("mine")
    fetched = Fetched(entry=Entry(uri="a"), path=f"{{here}}/{INPUTS}/0000/../../../precious.mp4")
    attacks = {
        "points to": [to_text(_held(str(precious))), to_text(fetched), to_text(Entry(uri=str(precious)))],
        "which is no record": [json.dumps({"class": "subprocess:Popen", "fields": {"args": ["true"]}})],
        "expected letters": [to_text(_held(f"{{here}}/{INPUTS}/0000/video.mp4", source_id="../../x"))],
        "is no record": ["{", "3", json.dumps({"class": "densewalk.pipelines.records:Held", "fields": {"path": ""}})],
    }
    for said, lines in attacks.items():
        for line in lines:
            (folder / RECORDS).write_text(line + "\n")
            with pytest.raises(DataError, match=said):
                replay(folder)
    assert precious.read_text() == "mine"
