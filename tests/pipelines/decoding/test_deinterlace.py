"""Interlaced frames lose their comb, one for one and at their times; progressive ones pass untouched."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import av.filter
import numpy as np
import pytest

from densewalk.pipelines.decoding.deinterlace import deinterlaced

WIDTH, HEIGHT = 128, 96


def _fields(number: int, *, top_first: bool = True) -> np.ndarray:
    """A bar that moves 4 px a field, both fields in one frame."""
    image = np.full((HEIGHT * 3 // 2, WIDTH), 128, dtype=np.uint8)
    for field in range(2):
        rows = slice(field if top_first else 1 - field, HEIGHT, 2)
        left = 10 + 8 * number + 4 * field
        image[rows] = 40
        image[rows, left : left + 24] = 220
    return image


def _flagged(frame: av.VideoFrame, flags: str) -> av.VideoFrame:
    """Say of a frame in which order its fields are shown."""
    graph = av.filter.Graph()
    source = graph.add_buffer(width=WIDTH, height=HEIGHT, format=frame.format, time_base=frame.time_base)
    graph.link_nodes(source, graph.add("setfield", flags), graph.add("buffersink")).configure()
    graph.vpush(frame)
    return graph.vpull()


def _write(path: Path, images: list[np.ndarray], *, flags: str) -> Path:
    options = {"crf": "4", "preset": "ultrafast"} | ({"flags": "+ildct+ilme"} if flags != "prog" else {})
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(_flagged(frame, flags)))
        container.mux(stream.encode(None))
    return path


def _frames(path: Path) -> Iterator[av.VideoFrame]:
    with av.open(str(path)) as container:
        yield from container.decode(video=0)


def _comb(image: np.ndarray) -> float:
    """Energy of rows that differ from both neighbours in the same way."""
    luma = image[:HEIGHT].astype(int)
    return float(np.abs(2 * luma[1:-1] - luma[:-2] - luma[2:]).mean())


@pytest.mark.parametrize("flags", ["tff", "bff"])
def test_a_moving_edge_has_no_comb_and_shows_the_first_field(tmp_path: Path, flags: str) -> None:
    images = [_fields(k, top_first=flags == "tff") for k in range(8)]
    path = _write(tmp_path / "v.mp4", images, flags=flags)
    woven, plain = list(_frames(path)), list(deinterlaced(_frames(path)))
    assert [frame.pts for frame in plain] == [frame.pts for frame in woven]
    assert min(_comb(frame.to_ndarray()) for frame in woven) > 5
    assert max(_comb(frame.to_ndarray()) for frame in plain[1:-1]) < 0.5
    for number, frame in enumerate(plain[1:-1], start=1):
        bright = np.flatnonzero(frame.to_ndarray()[HEIGHT // 2] > 150)
        assert bright[0] == pytest.approx(10 + 8 * number, abs=1)


def test_progressive_frames_are_the_same_objects(tmp_path: Path) -> None:
    frames = list(_frames(_write(tmp_path / "v.mp4", [_fields(k) for k in range(4)], flags="prog")))
    assert all(a is b for a, b in zip(deinterlaced(frames), frames, strict=True))


@pytest.mark.parametrize("order", ["progressive first", "interlaced first", "one size, then another"])
def test_mixed_streams_keep_every_frame_in_order(tmp_path: Path, order: str) -> None:
    calm = np.full((HEIGHT * 3 // 2, WIDTH), 90, dtype=np.uint8)
    progressive = list(_frames(_write(tmp_path / "p.mp4", [calm] * 3, flags="prog")))
    interlaced = list(_frames(_write(tmp_path / "i.mp4", [_fields(k) for k in range(3)], flags="tff")))
    frames = progressive + interlaced if order == "progressive first" else interlaced + progressive
    if order == "one size, then another":
        frames = [*interlaced, *(frame.reformat(width=64, height=48) for frame in progressive)]
    for number, frame in enumerate(frames):
        frame.pts = 100 + 7 * number
    found = list(deinterlaced(frames))
    assert [frame.pts for frame in found] == [100 + 7 * number for number in range(6)]
    assert [frame.width for frame in found] == [frame.width for frame in frames]
    for before, after in zip(frames, found, strict=True):
        if not before.interlaced_frame:
            assert np.array_equal(before.to_ndarray(), after.to_ndarray())


def test_one_interlaced_frame_is_answered(tmp_path: Path) -> None:
    (frame,) = deinterlaced(_frames(_write(tmp_path / "v.mp4", [_fields(0)], flags="tff")))
    assert frame.pts == 0


@pytest.mark.real_data
def test_a_real_interlaced_file_gives_a_frame_for_each(real_data: Path) -> None:
    path = real_data / "videos" / "odd" / "libopenshot__test1.mp4"
    frames = list(_frames(path))
    assert all(frame.interlaced_frame for frame in frames)
    assert len(list(deinterlaced(frames))) == len(frames)
