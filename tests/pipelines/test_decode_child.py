"""Decoding untrusted files: true frames at true times, used up to the fault, never more than the limits."""

from collections.abc import Callable
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from densewalk.datasets.records import Source
from densewalk.pipelines.container import DecodeLimits
from densewalk.pipelines.decode_child import decode
from densewalk.pipelines.records import Decoded, StreamFacts
from densewalk.pipelines.spool import frame_seconds, read_thumbnails, spooled_frames

MakeVideo = Callable[..., Path]
ReadNumbers = Callable[[np.ndarray], list[int]]


def _decode(path: Path, *, short_side: int = 256, **limits: float) -> dict[str, Any]:
    request = {
        "path": str(path),
        "folder": str(path.parent / "spool"),
        "short_side": short_side,
        "limits": asdict(DecodeLimits(**limits)),
    }
    return decode(request)


def _record(path: Path, answer: dict[str, Any]) -> Decoded:
    source = Source(id="s", uri=str(path), bytes=1, sha256="0" * 64)
    facts = StreamFacts(**answer["facts"])
    rest = {name: value for name, value in answer.items() if name not in ("facts", "time_base")}
    folder = str(path.parent / "spool")
    return Decoded(source=source, folder=folder, facts=facts, time_base=tuple(answer["time_base"]), **rest)


def test_frames_thumbnails_and_times_are_spooled_together(make_video: MakeVideo, read_numbers: ReadNumbers) -> None:
    path = make_video(num_frames=20, fps=10)
    answer = _decode(path)
    decoded = _record(path, answer)
    assert (answer["width"], answer["height"], answer["num_frames"], answer["fps"]) == (96, 64, 20, 10.0)
    assert answer["fault"] == ""
    assert not answer["variable_rate"]
    frames_NRW = spooled_frames(decoded)
    assert read_numbers(frames_NRW[:, :64]) == list(range(20))
    assert frame_seconds(decoded) == pytest.approx(np.arange(20) / 10)
    thumbnail_NHWC = read_thumbnails(decoded)
    assert thumbnail_NHWC.shape == (20, 27, 48, 3)
    assert read_numbers(thumbnail_NHWC) == list(range(20))


def test_thumbnails_have_the_colours_of_the_video(make_video: MakeVideo) -> None:
    path = make_video(num_frames=2, shade=200)
    thumbnail_NHWC = read_thumbnails(_record(path, _decode(path)))
    assert thumbnail_NHWC[:, -3:].reshape(-1, 3).mean(0) == pytest.approx([200, 200, 200], abs=3)


def test_true_times_of_a_variable_rate_are_kept(make_video: MakeVideo) -> None:
    times = [0, 40, 80, 240, 280, 700, 740, 780]
    path = make_video("vfr.mkv", times=times)
    answer = _decode(path)
    assert answer["variable_rate"]
    assert answer["fps"] == pytest.approx(25)
    assert frame_seconds(_record(path, answer)) == pytest.approx(np.array(times) / 1000, abs=1e-3)


def test_the_first_time_need_not_be_zero(make_video: MakeVideo) -> None:
    path = make_video("late.mkv", times=[8000 + 100 * k for k in range(10)])
    assert frame_seconds(_record(path, _decode(path)))[0] == pytest.approx(8.0, abs=0.01)


def test_pixels_that_are_not_square_become_square(make_video: MakeVideo) -> None:
    answer = _decode(make_video(size_wh=(96, 80), sample_aspect=Fraction(3, 2)))
    assert (answer["width"], answer["height"]) == (144, 80)
    assert answer["facts"]["sample_aspect"] == 1.5


@pytest.mark.parametrize(("rotation", "corner"), [(90, "bottom left"), (-90, "top right"), (180, "bottom right")])
def test_turned_frames_are_upright(make_video: MakeVideo, rotation: int, corner: str) -> None:
    path = make_video("turned.mp4", size_wh=(128, 96), rotation=rotation)
    answer = _decode(path)
    assert answer["facts"]["rotation"] == rotation
    assert (answer["width"], answer["height"]) == ((96, 128) if rotation in (90, -90) else (128, 96))
    luma_HW = spooled_frames(_record(path, answer))[0, : answer["height"]]
    patches = {
        "top left": luma_HW[:8, :8],
        "top right": luma_HW[:8, -8:],
        "bottom left": luma_HW[-8:, :8],
        "bottom right": luma_HW[-8:, -8:],
    }
    assert max(patches, key=lambda name: float(patches[name].mean())) == corner


def test_large_frames_are_stored_smaller_and_small_ones_as_they_are(make_video: MakeVideo) -> None:
    large = _decode(make_video("large.mp4", num_frames=2, size_wh=(640, 360)), short_side=128)
    assert (large["width"], large["height"]) == (228, 128)
    small = _decode(make_video("small.mp4", num_frames=2, size_wh=(96, 64)), short_side=128)
    assert (small["width"], small["height"]) == (96, 64)


def test_a_file_that_breaks_off_is_used_up_to_the_fault(make_video: MakeVideo, read_numbers: ReadNumbers) -> None:
    path = make_video("broken.mkv", num_frames=30)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    answer = _decode(path)
    assert 5 <= answer["num_frames"] < 30
    numbers = read_numbers(spooled_frames(_record(path, answer))[:, :64])
    assert numbers[:-1] == list(range(len(numbers) - 1))


def test_damaged_bytes_end_the_frames_and_are_named(make_video: MakeVideo) -> None:
    path = make_video("damaged.mp4", num_frames=30)
    content = bytearray(path.read_bytes())
    start = content.find(b"mdat") + (len(content) - content.find(b"mdat")) // 2
    content[start : start + 400] = bytes(400)
    path.write_bytes(content)
    answer = _decode(path)
    assert 0 < answer["num_frames"] < 30
    assert answer["fault"]


def test_limits_end_the_frames_and_are_named(make_video: MakeVideo) -> None:
    path = make_video(num_frames=30, fps=10)
    by_frames = _decode(path, max_frames=7)
    assert (by_frames["num_frames"], by_frames["fault"]) == (7, "stopped at decode.limits.max_frames=7")
    by_seconds = _decode(path, max_seconds=1.5)
    assert (by_seconds["num_frames"], by_seconds["fault"]) == (15, "stopped at decode.limits.max_seconds=1.5")


@pytest.mark.parametrize(
    ("size_wh", "outcome", "reason"), [((48, 48), "rejected", "too small"), ((1280, 64), "rejected", "too narrow")]
)
def test_unsuitable_sizes_are_rejected(
    make_video: MakeVideo, size_wh: tuple[int, int], outcome: str, reason: str
) -> None:
    answer = _decode(make_video(num_frames=2, size_wh=size_wh))
    assert (answer["outcome"], answer["reason"]) == (outcome, reason)


def test_a_header_without_frames_fails(make_video: MakeVideo) -> None:
    path = make_video("empty.mkv", num_frames=8)
    content = path.read_bytes()
    path.write_bytes(content[: content.find(b"\x1f\x43\xb6\x75")])
    assert _decode(path)["outcome"] == "failed"


def test_a_file_that_vanished_fails(tmp_path: Path) -> None:
    answer = _decode(tmp_path / "gone.mp4")
    assert (answer["outcome"], answer["reason"]) == ("failed", "not readable")


@pytest.mark.real_data
def test_phone_videos_held_four_ways_show_the_same_scene_upright(real_data: Path, tmp_path: Path) -> None:
    corners = {}
    for turn in (0, 90, 180, 270):
        path = tmp_path / f"{turn}" / "video.mov"
        path.parent.mkdir()
        path.write_bytes((real_data / "videos" / "odd" / f"decord__video_{turn}.mov").read_bytes())
        answer = _decode(path)
        corners[turn] = (answer["facts"]["rotation"], answer["width"] > answer["height"])
    assert corners == {0: (0, True), 90: (-90, False), 180: (180, True), 270: (90, False)}
