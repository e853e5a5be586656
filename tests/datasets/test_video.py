import io
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from densewalk.datasets.errors import DataError
from densewalk.datasets.video import read_frames

NUM_FRAMES = 27


@pytest.fixture(scope="module")
def mp4(encode_clip: Callable[..., bytes]) -> bytes:
    """Three groups of pictures, the last of them short."""
    return encode_clip(0, NUM_FRAMES)


def _frame_numbers(video_THWC: np.ndarray) -> list[int]:
    """Read the frame's number back from its colour."""
    return [round((float(red) - 16) / 8) for red in video_THWC[..., 0].mean((1, 2))]


@given(frames=st.lists(st.integers(0, NUM_FRAMES - 1), min_size=1, max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
def test_exactly_the_asked_frames_come_in_the_asked_order(mp4: bytes, frames: list[int]) -> None:
    assert _frame_numbers(read_frames(mp4, frames)) == frames


def test_random_access_gives_the_pixels_of_sequential_decoding(mp4: bytes) -> None:
    everything_THWC = read_frames(mp4, range(NUM_FRAMES))
    with av.open(io.BytesIO(mp4)) as container:
        sequential_THWC = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
    np.testing.assert_array_equal(everything_THWC, sequential_THWC)
    for frame in (26, 0, 11, 12, 13):
        np.testing.assert_array_equal(read_frames(mp4, [frame])[0], everything_THWC[frame])


def test_colours_follow_the_matrix_the_clip_names(tmp_path: Path) -> None:
    """Pure red is (63, 102, 240) in BT.709 limited range; read as BT.601 it would be (232, 0, 1)."""
    planes = [np.full(48 * 64, 63), np.full(24 * 32, 102), np.full(24 * 32, 240)]
    with av.open(str(tmp_path / "red.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=12, options={"crf": "5", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.colorspace, stream.codec_context.color_range = Colorspace.ITU709, ColorRange.MPEG
        frame = av.VideoFrame.from_ndarray(np.concatenate(planes).astype(np.uint8).reshape(72, 64), format="yuv420p")
        frame.pts, frame.time_base = 0, Fraction(1, 12)
        frame.colorspace, frame.color_range = Colorspace.ITU709, ColorRange.MPEG
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    red_HWC = read_frames((tmp_path / "red.mp4").read_bytes(), [0])[0].astype(int)
    assert np.abs(red_HWC - [255, 0, 0]).max() <= 2


def test_shape_and_kind_are_those_of_the_clip(mp4: bytes) -> None:
    video_THWC = read_frames(mp4, [])
    assert (video_THWC.shape, video_THWC.dtype) == ((0, 48, 64, 3), np.uint8)


@pytest.mark.parametrize("frame", [-1, NUM_FRAMES])
def test_frame_outside_the_clip_is_named(mp4: bytes, frame: int) -> None:
    with pytest.raises(DataError, match=f"has {NUM_FRAMES} frames; frame {frame} was asked for"):
        read_frames(mp4, [0, frame])


def test_bytes_that_are_no_clip_are_a_data_error(mp4: bytes) -> None:
    for content in (b"", b"hello, this is a text", bytes(5000), mp4[:300]):
        with pytest.raises(DataError):
            read_frames(content, [0])


def test_clip_cut_off_gives_its_whole_frames_and_an_error_for_the_others(mp4: bytes) -> None:
    cut = mp4[: len(mp4) * 2 // 3]
    assert _frame_numbers(read_frames(cut, [0, 5])) == [0, 5]
    with pytest.raises(DataError):
        read_frames(cut, [0, NUM_FRAMES - 1])


def test_damaged_pictures_are_refused(mp4: bytes) -> None:
    start = mp4.index(b"mdat") + 4
    broken = mp4[:start] + bytes(len(mp4) - start)
    with pytest.raises(DataError):
        read_frames(broken, [3])


def test_picture_the_decoder_had_to_patch_up_is_refused(mp4: bytes) -> None:
    with av.open(io.BytesIO(mp4)) as container:
        start, size = [(entry.pos, entry.size) for entry in container.streams.video[0].index_entries][12]
    broken = bytearray(mp4)
    for byte in range(start + size // 2, start + size):
        broken[byte] ^= 0x55
    assert _frame_numbers(read_frames(bytes(broken), [11])) == [11]
    with pytest.raises(DataError, match="frame 12 of the clip is missing or damaged"):
        read_frames(bytes(broken), [12])


def test_sound_alone_is_no_clip() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(DataError, match="no video stream"):
        read_frames(file.getvalue(), [0])


@pytest.mark.parametrize("b_frames", ["1", "3"])
def test_clip_with_b_frames_is_refused_rather_than_misread(encode_clip: Callable[..., bytes], b_frames: str) -> None:
    with pytest.raises(DataError, match="B-frames"):
        read_frames(encode_clip(0, NUM_FRAMES, bf=b_frames, tune="animation"), [2])


def test_threads_read_the_same_frames_at_once(mp4: bytes) -> None:
    asked = [[number % NUM_FRAMES, (number * 7) % NUM_FRAMES] for number in range(60)]
    with ThreadPoolExecutor(4) as pool:
        for frames, video_THWC in zip(asked, pool.map(lambda frames: read_frames(mp4, frames), asked), strict=True):
            assert _frame_numbers(video_THWC) == frames


def test_forked_process_reads_after_its_parent_did(mp4: bytes) -> None:
    assert _frame_numbers(read_frames(mp4, [13])) == [13]
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    child = context.Process(target=lambda: sending.send(_frame_numbers(read_frames(mp4, [20, 2]))))
    child.start()
    assert receiving.poll(30)
    assert receiving.recv() == [20, 2]
    child.join()
