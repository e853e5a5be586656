"""Streams of files from anywhere: the first that is no cover, and claims that no camera makes."""

import io
from fractions import Fraction

import av
import numpy as np
import pytest

from densewalk.datasets.video_streams import has_other_shape, moving_pictures, sample_aspect, sound_picture


def _film(aspect: Fraction = Fraction(1), *, with_sound: bool = False) -> io.BytesIO:
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        if with_sound:
            container.add_stream("pcm_s16le", rate=8000)
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 16, "yuv420p"
        stream.codec_context.sample_aspect_ratio = aspect
        for level in (10, 200):
            frame = av.VideoFrame.from_ndarray(np.full((16, 32, 3), level, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    file.seek(0)
    return file


def test_only_packets_of_the_moving_pictures_are_read() -> None:
    with av.open(_film(with_sound=True)) as container:
        stream = moving_pictures(container)
        assert stream is not None
        assert (stream.width, stream.height) == (32, 16)
        assert [each.discard == av.stream.Discard.all for each in container.streams] == [True, False]


def test_a_file_of_sound_has_no_moving_pictures() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="wav") as container:
        container.add_stream("pcm_s16le", rate=8000)
        container.start_encoding()
    file.seek(0)
    with av.open(file) as container:
        assert moving_pictures(container) is None


@pytest.mark.parametrize(("claimed", "taken"), [("4/3", "4/3"), ("1/8", "1/8"), ("9/1", "1"), ("1/100", "1")])
def test_pixels_that_no_camera_has_count_as_square(claimed: str, taken: str) -> None:
    with av.open(_film(Fraction(claimed))) as container:
        assert sample_aspect(container.streams.video[0]) == Fraction(taken)


def test_a_packet_that_cannot_be_decoded_leaves_its_fault_in_words() -> None:
    faults: list[str] = []
    with av.open(_film()) as container:
        packet = next(container.demux(video=0))
        broken = av.Packet(b"\xff" * 64)
        broken.stream = packet.stream
        assert sound_picture(broken, faults) is None
        assert len(faults) == 1
        assert sound_picture(packet, faults) is not None
        assert len(faults) == 1


def test_shapes_are_told_apart_from_sizes() -> None:
    picture = av.VideoFrame(640, 360, "yuv420p")
    assert not has_other_shape(picture, (720, 1280))
    assert not has_other_shape(picture, (361, 640))
    assert has_other_shape(picture, (480, 640))
