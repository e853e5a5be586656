"""The decode stage: one child for many files; a child that dies or hangs costs only its file."""

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.ledger import Verdict
from densewalk.datasets.records import Source, file_sha256
from densewalk.pipelines.container import DecodeLimits
from densewalk.pipelines.records import Decoded
from densewalk.pipelines.sandbox import ChildDiedError, DeadlinePassedError, Sandbox
from densewalk.pipelines.stages.decode import Decode, DecodeConfig

MakeVideo = Callable[..., Path]


def _source(path: Path) -> Source:
    sha256 = file_sha256(path)
    return Source(id=sha256[:20], uri=str(path), bytes=path.stat().st_size, sha256=sha256)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Decode]:
    stage = Decode(DecodeConfig(), tmp_path / "scratch")
    stage.setup()
    yield stage
    stage.close()


def test_good_and_bad_files_come_back_in_their_order(make_video: MakeVideo, tmp_path: Path, stage: Decode) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("this is no video at all")
    good, other = make_video("good.mp4"), make_video("other.mp4", num_frames=5, shade=120)
    first, second, third = stage([_source(good), _source(text), _source(other)])
    assert isinstance(first, Decoded)
    assert isinstance(third, Decoded)
    assert (first.num_frames, third.num_frames) == (24, 5)
    assert Path(first.folder).is_dir()
    assert first.folder != third.folder
    assert isinstance(second, Verdict)
    assert (second.outcome, second.reason) == ("failed", "not a video container")
    assert not (tmp_path / "scratch" / second.id).exists()


@pytest.mark.parametrize(
    ("error", "reason", "detail"),
    [
        (ChildDiedError("killed by SIGSEGV"), "decoder died", "killed by SIGSEGV"),
        (DeadlinePassedError("late"), "deadline passed", "decode.deadline_seconds=900"),
    ],
)
def test_a_lost_child_fails_its_file_only(
    make_video: MakeVideo, stage: Decode, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str, detail: str
) -> None:
    honest_call = Sandbox.call

    def call(self: Sandbox, request: dict[str, Any]) -> dict[str, Any]:
        if request["path"].endswith("poison.mp4"):
            raise error
        return honest_call(self, request)

    monkeypatch.setattr(Sandbox, "call", call)
    poison, good = make_video("poison.mp4", shade=50), make_video("good.mp4")
    lost, kept = stage([_source(poison), _source(good)])
    assert isinstance(lost, Verdict)
    assert isinstance(kept, Decoded)
    assert (lost.outcome, lost.reason, lost.detail) == ("failed", reason, detail)


def test_a_full_disk_is_nobodys_video(make_video: MakeVideo, stage: Decode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sandbox, "call", lambda self, request: {"no_space": "No space left on device"})
    with pytest.raises(DataError, match="--out"):
        stage([_source(make_video())])


def test_the_stage_travels_before_setup(tmp_path: Path) -> None:
    stage = pickle.loads(pickle.dumps(Decode(DecodeConfig(), tmp_path)))
    assert stage.config == DecodeConfig()


def test_settings_are_checked_together() -> None:
    with pytest.raises(ConfigError, match=r"decode\.short_side_px=32.*\n.*decode\.memory_bytes"):
        DecodeConfig(short_side_px=32, memory_bytes=1)
    assert DecodeConfig(short_side_px=64, limits=DecodeLimits(min_side_px=64)).short_side_px == 64
