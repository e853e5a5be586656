"""A decoder that met other videos before gives the same bytes of a damaged one."""

import gc
import hashlib
import weakref
from dataclasses import asdict
from pathlib import Path

import pytest

from densewalk.pipelines.decoding.collecting import collect_frames
from densewalk.pipelines.decoding.limits import MediaLimits
from densewalk.pipelines.decoding.sandbox import Sandbox
from densewalk.pipelines.stages.probe import CODECS


def _digest(sandbox: Sandbox, path: Path, folder: Path) -> str:
    request = {
        "folder": str(folder),
        "rotation": 0,
        "sample_aspect": (1, 1),
        "segments": [],
        "short_side": 256,
        "reel_frames": 9000,
        "white_nits": 203.0,
        "motion_vectors": True,
        "limits": asdict(MediaLimits()),
        "codecs": CODECS,
    }
    (answer,) = sandbox.stream(request, file=path)
    files = sorted(Path(answer["folder"]).iterdir())
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


@pytest.mark.real_data
def test_what_was_decoded_before_does_not_show_in_damaged_frames(real_data: Path, tmp_path: Path) -> None:
    damaged = real_data / "videos/odd/firefox-src__bug1535980.webm"
    others = [real_data / "videos/odd" / f"torchcodec__testsrc2_{name}" for name in ("vp8.webm", "12bit_hdr.mp4")]
    sandbox = Sandbox(
        "densewalk.pipelines.decoding.decode_child", deadline_seconds=60, memory_bytes=4 << 30, writable=tmp_path
    )
    try:
        digests = set()
        for number, before in enumerate([*others, damaged, *others]):
            _digest(sandbox, before, tmp_path / f"{number}-before")
            digests.add(_digest(sandbox, damaged, tmp_path / f"{number}"))
    finally:
        sandbox.close()
    assert len(digests) == 1


class _Cycle:
    def __init__(self) -> None:
        self.own = self


@pytest.mark.parametrize("by_itself", [True, False])
def test_cycles_go_at_set_places_when_the_collector_is_off(by_itself: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gc, "isenabled", lambda: by_itself)
    gc.disable()
    try:
        cycle = weakref.ref(_Cycle())
        collect_frames()
        assert (cycle() is not None) == by_itself
    finally:
        gc.enable()
