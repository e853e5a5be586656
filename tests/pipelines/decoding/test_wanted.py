"""Entering a video in the middle: where that is sound, at the right frame, and under its number in the source."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from densewalk.pipelines.decoding.container import opened
from densewalk.pipelines.decoding.limits import MediaLimits
from densewalk.pipelines.decoding.reels import LEAD, TRAIL
from densewalk.pipelines.decoding.wanted import Entrance, Wanted, find_entrance
from densewalk.pipelines.records import Reel, Segment
from densewalk.pipelines.spool import frame_seconds, read_thumbnails, spooled_frames

RATE, LENGTH = 10, 420
DecodeReels = Callable[..., list[Reel]]


def _write(path: Path, codec: str = "libx264", *, start_ms: int = 0) -> Path:
    """42 seconds whose brightness tells the time, a key frame every 2 seconds, with B-frames."""
    options = {"g": "20", "bf": "2", "preset": "ultrafast", "crf": "10"} if codec == "libx264" else {"g": "20"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for number in range(LENGTH):
            image = np.full((96, 64), 128, dtype=np.uint8)
            image[:64, :32], image[:64, 32:] = 20 + 10 * (number % 20), 20 + 10 * (number // 20)
            frame = av.VideoFrame.from_ndarray(image, format="yuv420p")
            frame.pts, frame.time_base = start_ms + 100 * number, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _entrance(path: Path, *segments: tuple[float, float | None]) -> Entrance | None:
    wanted = Wanted.of(segments)
    if not wanted.is_late:
        return None
    with opened(path, MediaLimits()) as (container, stream):
        return find_entrance(container, stream, wanted)


def _numbers(reel: Reel) -> list[int]:
    luma_NHW = spooled_frames(reel)[:, : reel.height]
    fast, slow = (np.rint((luma_NHW[..., columns].mean((1, 2)) - 20) / 10) for columns in (slice(4, 28), slice(36, 60)))
    return [int(number) for number in fast + 20 * slow]


def test_segments_are_spanned() -> None:
    assert Wanted.of([]) == Wanted(0.0, None)
    assert Wanted.of([(30.0, 40.0), (12.0, 20.0)]) == Wanted(12.0, 40.0)
    assert Wanted.of([(30.0, 40.0), (50.0, None)]) == Wanted(30.0, None)


@pytest.mark.parametrize(("name", "start_ms"), [("v.mp4", 0), ("v.mkv", 0), ("v.mkv", 5000)])
def test_the_entrance_is_a_key_frame_with_frames_between_it_and_what_is_wanted(
    tmp_path: Path, name: str, start_ms: int
) -> None:
    entrance = _entrance(_write(tmp_path / name, start_ms=start_ms), (33.0, 35.0))
    assert entrance is not None
    assert entrance.number == (330 - LEAD) // 20 * 20
    assert entrance.tick > entrance.zero_tick


def test_an_early_part_is_not_worth_an_entrance(tmp_path: Path) -> None:
    path = _write(tmp_path / "v.mp4")
    assert _entrance(path, (3.0, 5.0)) is None
    assert _entrance(path, (15.0, 17.0)) is None


@pytest.mark.parametrize(("name", "codec"), [("v.avi", "mpeg4"), ("v.ts", "libx264"), ("v.webm", "libvpx")])
def test_containers_and_codecs_without_a_packet_for_each_frame_are_not_entered(
    tmp_path: Path, name: str, codec: str
) -> None:
    assert _entrance(_write(tmp_path / name, codec), (33.0, 35.0)) is None


@pytest.mark.parametrize("name", ["v.mp4", "v.mkv", "v.ts"])
def test_wanted_parts_have_the_numbers_times_and_pixels_of_the_whole_video(
    tmp_path: Path, decode_reels: DecodeReels, name: str
) -> None:
    path = _write(tmp_path / name)
    (whole,) = decode_reels(path)
    whole_NRW, whole_seconds = np.array(spooled_frames(whole)), frame_seconds(whole)
    whole_thumbnails = read_thumbnails(whole)
    (part,) = decode_reels(path, segments=(Segment(start_seconds=33.0, end_seconds=34.5),))
    end = part.first_frame + part.num_frames
    assert part.first_frame == (0 if name.endswith("ts") else 220)
    assert end == min(LENGTH, 345 + TRAIL)
    assert _numbers(part) == list(range(part.first_frame, end))
    assert np.array_equal(spooled_frames(part), whole_NRW[part.first_frame : end])
    assert np.array_equal(read_thumbnails(part), whole_thumbnails[part.first_frame : end])
    assert np.array_equal(frame_seconds(part), whole_seconds[part.first_frame : end])
    assert (part.zero_seconds, part.fps, part.time_base) == (whole.zero_seconds, whole.fps, whole.time_base)
    assert part.fault == ""


def test_decoding_ends_behind_the_last_part(tmp_path: Path, decode_reels: DecodeReels) -> None:
    (part,) = decode_reels(_write(tmp_path / "v.mp4"), segments=(Segment(start_seconds=1.0, end_seconds=2.0),))
    assert (part.first_frame, part.num_frames) == (0, 20 + TRAIL)


def test_a_part_behind_the_end_gives_the_last_frames(tmp_path: Path, decode_reels: DecodeReels) -> None:
    (part,) = decode_reels(_write(tmp_path / "v.mp4"), segments=(Segment(start_seconds=99.0, end_seconds=100.0),))
    assert part.first_frame + part.num_frames == LENGTH
    assert frame_seconds(part)[-1] < 99


def test_damage_before_the_wanted_part_does_not_matter(tmp_path: Path, decode_reels: DecodeReels) -> None:
    path = _write(tmp_path / "v.mp4")
    content = bytearray(path.read_bytes())
    start = content.find(b"mdat") + 4000
    content[start : start + 600] = bytes(600)
    path.write_bytes(content)
    (part,) = decode_reels(path, segments=(Segment(start_seconds=33.0, end_seconds=34.5),))
    assert (part.first_frame, part.fault) == (220, "")
    assert 330 in _numbers(part)
