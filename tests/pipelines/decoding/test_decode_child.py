"""Decoding untrusted files: true frames at true times, used up to the fault, never more than the limits."""

from collections.abc import Callable
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from densewalk.datasets.records import Source
from densewalk.pipelines.decoding.decode_child import decode
from densewalk.pipelines.decoding.limits import MediaLimits
from densewalk.pipelines.records import Reel
from densewalk.pipelines.spool import frame_seconds, read_motion, read_thumbnails, spooled_frames
from densewalk.pipelines.stages.probe import CODECS
from tests.known_reels import STREAM

MakeVideo = Callable[..., Path]
ReadNumbers = Callable[[np.ndarray], list[int]]
DecodeReels = Callable[..., list[Reel]]


def _answers(path: Path, *, settings: dict[str, Any] | None = None, **limits: float) -> list[dict[str, Any]]:
    request = {
        "folder": str(path.parent / "spool"),
        "rotation": 0,
        "sample_aspect": (1, 1),
        "segments": [],
        "short_side": 256,
        "reel_frames": 9000,
        "white_nits": 203.0,
        "motion_vectors": True,
        "limits": asdict(MediaLimits(**limits)),
        "codecs": CODECS,
    }
    with path.open("rb") as file:
        return list(decode(request | (settings or {}) | {"descriptor": file.fileno()}))


def _decode(path: Path, *, settings: dict[str, Any] | None = None, **limits: float) -> dict[str, Any]:
    (answer,) = _answers(path, settings=settings, **limits)
    return answer


def _record(answer: dict[str, Any]) -> Reel:
    return Reel(source=Source(id="s", uri="u", bytes=1, sha256="0" * 64), facts=STREAM, **answer)


def test_frames_thumbnails_and_times_are_spooled_together(make_video: MakeVideo, read_numbers: ReadNumbers) -> None:
    path = make_video(num_frames=20, fps=10)
    answer = _decode(path)
    decoded = _record(answer)
    assert (answer["width"], answer["height"], answer["num_frames"], answer["fps"]) == (96, 64, 20, 10.0)
    assert answer["fault"] == ""
    frames_NRW = spooled_frames(decoded)
    assert read_numbers(frames_NRW[:, :64]) == list(range(20))
    assert frame_seconds(decoded) == pytest.approx(np.arange(20) / 10)
    thumbnail_NHWC = read_thumbnails(decoded)
    assert thumbnail_NHWC.shape == (20, 27, 48, 3)
    assert read_numbers(thumbnail_NHWC) == list(range(20))


def test_thumbnails_have_the_colours_of_the_video(make_video: MakeVideo) -> None:
    path = make_video(num_frames=2, shade=200)
    thumbnail_NHWC = read_thumbnails(_record(_decode(path)))
    assert thumbnail_NHWC[:, -3:].reshape(-1, 3).mean(0) == pytest.approx([200, 200, 200], abs=3)


def test_true_times_of_a_variable_rate_are_kept(make_video: MakeVideo) -> None:
    times = [0, 40, 80, 240, 280, 700, 740, 780]
    path = make_video("vfr.mkv", times=times)
    answer = _decode(path)
    assert answer["fps"] == pytest.approx(25)
    assert frame_seconds(_record(answer)) == pytest.approx(np.array(times) / 1000, abs=1e-3)


def test_the_first_time_need_not_be_zero(make_video: MakeVideo) -> None:
    path = make_video("late.mkv", times=[8000 + 100 * k for k in range(10)])
    assert frame_seconds(_record(_decode(path)))[0] == pytest.approx(8.0, abs=0.01)


def test_the_first_time_and_the_usual_rate_are_told(make_video: MakeVideo) -> None:
    answer = _decode(make_video("late.mkv", times=[8000 + 40 * k for k in range(10)]))
    assert answer["zero_seconds"] == pytest.approx(8.0)
    assert answer["fps"] == 25.0


def test_pixels_that_are_not_square_become_square(make_video: MakeVideo) -> None:
    path = make_video(size_wh=(96, 80), sample_aspect=Fraction(3, 2))
    answer = _decode(path, settings={"sample_aspect": (3, 2)})
    assert (answer["width"], answer["height"]) == (144, 80)


@pytest.mark.parametrize(("rotation", "corner"), [(90, "bottom left"), (-90, "top right"), (180, "bottom right")])
def test_turned_frames_are_upright(make_video: MakeVideo, rotation: int, corner: str) -> None:
    path = make_video("turned.mp4", size_wh=(128, 96), rotation=rotation)
    answer = _decode(path, settings={"rotation": rotation})
    assert (answer["width"], answer["height"]) == ((96, 128) if rotation in (90, -90) else (128, 96))
    luma_HW = spooled_frames(_record(answer))[0, : answer["height"]]
    patches = {
        "top left": luma_HW[:8, :8],
        "top right": luma_HW[:8, -8:],
        "bottom left": luma_HW[-8:, :8],
        "bottom right": luma_HW[-8:, -8:],
    }
    assert max(patches, key=lambda name: float(patches[name].mean())) == corner


def test_a_long_video_is_divided_and_nothing_differs_from_the_undivided_one(
    make_video: MakeVideo, decode_reels: DecodeReels
) -> None:
    path = make_video(num_frames=330, fps=30, times=[round(1000 * k / 30) + 7 * (k % 3) for k in range(330)])
    (whole,) = decode_reels(path)
    frame_NRW, thumbnail_NHWC = np.array(spooled_frames(whole)), read_thumbnails(whole)
    second_N, motion_N = frame_seconds(whole), read_motion(whole)
    reels = decode_reels(path, reel_frames=150)
    assert [(reel.first_frame, reel.num_frames) for reel in reels] == [(0, 150), (150, 180)]
    for reel in reels:
        own = slice(reel.first_frame, reel.first_frame + reel.num_frames)
        around = slice(own.start - reel.lead, own.stop + reel.trail)
        assert np.array_equal(spooled_frames(reel), frame_NRW[own])
        assert np.array_equal(read_thumbnails(reel), thumbnail_NHWC[around])
        assert np.array_equal(frame_seconds(reel), second_N[around])
        assert np.array_equal(read_motion(reel), motion_N[own], equal_nan=True)
        assert (reel.fps, reel.zero_seconds) == (whole.fps, whole.zero_seconds)


def test_the_next_reel_is_decoded_when_it_is_asked_for(make_video: MakeVideo) -> None:
    path = make_video(num_frames=600, fps=30)
    spool = path.parent / "spool"
    request = {"rotation": 0, "sample_aspect": (1, 1), "segments": [], "short_side": 64, "reel_frames": 150}
    request |= {"white_nits": 203.0, "motion_vectors": False, "limits": asdict(MediaLimits())}
    request |= {"codecs": CODECS, "folder": str(spool)}
    with path.open("rb") as file:
        reels = decode(request | {"descriptor": file.fileno()})
        next(reels)
        assert sorted(folder.name for folder in spool.iterdir()) == ["0000", "0001"]
        assert (spool / "0001" / "frames.i420").stat().st_size == 126 * 96 * 96
        reels.close()


def test_a_fault_stands_in_the_last_reel(make_video: MakeVideo) -> None:
    path = make_video("broken.mkv", num_frames=500, fps=30)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 9 // 10])
    full, *_ = answers = _answers(path, settings={"reel_frames": 150})
    assert len(answers) == 3
    assert full["fault"] == ""
    assert sum(answer["num_frames"] for answer in answers) < 500
    limited = _answers(path, settings={"reel_frames": 150}, max_frames=200)
    assert [answer["num_frames"] for answer in limited] == [200]
    assert limited[-1]["fault"] == "stopped at probe.limits.max_frames=200"


def _varied(path: Path, sizes: list[tuple[int, int]]) -> Path:
    """A transport stream whose frames change their size."""
    with path.open("wb") as file:
        for number, (width, height) in enumerate(sizes):
            with av.open(str(path.parent / "part.ts"), "w") as container:
                stream = container.add_stream("mpeg2video", rate=25)
                stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
                for k in range(5):
                    image = np.full((height * 3 // 2, width), 100 + 20 * number, dtype=np.uint8)
                    frame = av.VideoFrame.from_ndarray(image, format="yuv420p")
                    frame.pts, frame.time_base = 5 * number + k, Fraction(1, 25)
                    container.mux(stream.encode(frame))
                container.mux(stream.encode(None))
            file.write((path.parent / "part.ts").read_bytes())
    return path


def test_frames_of_another_size_are_used_and_of_another_shape_end_the_video(tmp_path: Path) -> None:
    larger = _decode(_varied(tmp_path / "larger.ts", [(96, 64), (192, 128)]))
    assert (larger["width"], larger["height"]) == (96, 64)
    assert larger["num_frames"] > 5
    luma_NHW = spooled_frames(_record(larger))[:, :64]
    assert luma_NHW[-1].mean() == pytest.approx(120, abs=5)
    squeezed = _decode(_varied(tmp_path / "squeezed.ts", [(96, 64), (64, 96)]))
    assert squeezed["num_frames"] in (4, 5), "the decoder may keep the last one"
    assert "has another shape, 64x96 behind 96x64" in squeezed["fault"]


def test_motion_is_known_where_the_codec_tells_and_only_when_it_is_asked(
    make_video: MakeVideo,
) -> None:
    path = make_video(num_frames=12)
    told = read_motion(_record(_decode(path)))
    assert told.shape == (12,)
    assert np.isfinite(told).any()
    assert np.isnan(read_motion(_record(_decode(path, settings={"motion_vectors": False})))).all()


def test_large_frames_are_stored_smaller_and_small_ones_as_they_are(make_video: MakeVideo) -> None:
    large = _decode(make_video("large.mp4", num_frames=2, size_wh=(640, 360)), settings={"short_side": 128})
    assert (large["width"], large["height"]) == (228, 128)
    small = _decode(make_video("small.mp4", num_frames=2, size_wh=(96, 64)), settings={"short_side": 128})
    assert (small["width"], small["height"]) == (96, 64)


def test_a_file_that_breaks_off_is_used_up_to_the_fault(make_video: MakeVideo, read_numbers: ReadNumbers) -> None:
    path = make_video("broken.mkv", num_frames=30)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    answer = _decode(path)
    assert 5 <= answer["num_frames"] < 30
    numbers = read_numbers(spooled_frames(_record(answer))[:, :64])
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
    assert (by_frames["num_frames"], by_frames["fault"]) == (7, "stopped at probe.limits.max_frames=7")
    by_seconds = _decode(path, max_seconds=1.5)
    assert (by_seconds["num_frames"], by_seconds["fault"]) == (15, "stopped at probe.limits.max_seconds=1.5")


def test_a_header_without_frames_fails(make_video: MakeVideo) -> None:
    path = make_video("empty.mkv", num_frames=8)
    content = path.read_bytes()
    path.write_bytes(content[: content.find(b"\x1f\x43\xb6\x75")])
    assert _decode(path)["outcome"] == "failed"


@pytest.mark.real_data
def test_phone_videos_held_four_ways_show_the_same_scene_upright(
    real_data: Path, tmp_path: Path, decode_reels: DecodeReels
) -> None:
    found = {}
    for turn in (0, 90, 180, 270):
        path = tmp_path / f"{turn}.mov"
        path.write_bytes((real_data / "videos" / "odd" / f"decord__video_{turn}.mov").read_bytes())
        (reel,) = decode_reels(path)
        found[turn] = (reel.facts.rotation, reel.width > reel.height)
    assert found == {0: (0, True), 90: (-90, False), 180: (180, True), 270: (90, False)}


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "num_frames"),
    [
        ("torchcodec__testsrc2_444_12bit_hevc.mp4", 25),
        ("torchcodec__testsrc2_odd_height_and_width_vp9_10bit.mp4", 25),
        ("torchcodec__testsrc2_12bit_hdr.mp4", 60),
        ("torchcodec__testsrc2_odd_height_and_width_mpeg2.mp4", 10),
        ("firefox-src__A4.ogv", 90),
        ("libopenshot__test1.mp4", 21),
        ("moviepy__transparent.webm", 150),
        ("decord__unordered.mov", 4),
    ],
)
def test_odd_files_give_every_frame(
    real_data: Path, tmp_path: Path, decode_reels: DecodeReels, name: str, num_frames: int
) -> None:
    path = tmp_path / name
    path.symlink_to(real_data / "videos" / "odd" / name)
    (reel,) = decode_reels(path)
    assert (reel.num_frames, reel.fault) == (num_frames, "")
    assert np.array(spooled_frames(reel)).std() > 1


@pytest.mark.real_data
def test_a_vp8_frame_that_ends_early_ends_the_frames(real_data: Path, tmp_path: Path) -> None:
    """One thread of the decoder would give it out, with rows of whatever memory held."""
    path = real_data / "videos/odd/firefox-src__bug1535980.webm"
    answer = _decode(path, settings={"folder": str(tmp_path)})
    assert answer["num_frames"] == 20
    assert "Invalid data" in answer["fault"]


@pytest.mark.real_data
def test_a_real_hdr_frame_is_as_bright_as_a_video(real_data: Path, tmp_path: Path, decode_reels: DecodeReels) -> None:
    """A beach by day, PQ in BT.2020; taken for SDR it would be a grey veil around luma 116."""
    path = tmp_path / "hdr.mp4"
    path.symlink_to(real_data / "videos" / "odd" / "firefox-src__av1hdr2020.mp4")
    (reel,) = decode_reels(path)
    luma_HW = spooled_frames(reel)[0, : reel.height]
    assert np.percentile(luma_HW, 95) > 205
    assert np.percentile(luma_HW, 1) < 60
