"""Any file through the sandbox: the part that was asked for, and its place in the video's own frames and pixels."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from densewalk.cluster.footage import Footage, opened_footage, scene_footage
from densewalk.cluster.tracking import FilmConfig
from densewalk.datasets.errors import DataError
from densewalk.ssl.track.frames import FrameSequence


def _ramp(num_frames: int, height: int, width: int) -> np.ndarray:
    shade_TW = (np.arange(width) + 4 * np.arange(num_frames)[:, None]) % 256
    return np.broadcast_to(shade_TW[:, None, :, None], (num_frames, height, width, 3)).astype(np.uint8)


def _write(
    path: Path, video_THWC: np.ndarray, *, fps: int = 10, rotation: int = 0, aspect: Fraction = Fraction(1)
) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(fps), options={"crf": "8"})
        stream.height, stream.width = video_THWC.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.sample_aspect_ratio = aspect
        if rotation:
            stream.set_display_rotation(rotation)
        for frame_HWC in video_THWC:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame_HWC), format="rgb24")))
        container.mux(stream.encode())
    return path


def test_a_video_is_read_from_its_start_for_its_seconds(tmp_path: Path) -> None:
    video_THWC = _ramp(30, 120, 160)
    path = _write(tmp_path / "ramp.mp4", video_THWC)
    with opened_footage(path, FilmConfig(start_seconds=1.0, seconds=0.5)) as footage:
        assert isinstance(footage.video_THWC, FrameSequence)
        assert footage.video_THWC.shape == (5, 120, 160, 3)
        frames_THWC = np.stack([footage.video_THWC[t] for t in range(5)])
    assert footage.fps == pytest.approx(10)
    assert footage.first_frame == 10
    assert footage.second_T == pytest.approx([1.0, 1.1, 1.2, 1.3, 1.4])
    assert np.abs(frames_THWC.astype(int) - video_THWC[10:15].astype(int)).mean() < 4


def test_a_late_part_has_the_numbers_of_the_video(tmp_path: Path) -> None:
    path = _write(tmp_path / "long.mp4", _ramp(400, 64, 80))
    with opened_footage(path, FilmConfig(start_seconds=38.0, seconds=0.3)) as footage:
        frame_HWC = footage.video_THWC[0]
    assert footage.first_frame == 380
    assert footage.second_T == pytest.approx([38.0, 38.1, 38.2])
    assert np.abs(frame_HWC.astype(int) - _ramp(400, 64, 80)[380].astype(int)).mean() < 4


@pytest.mark.parametrize(("start", "seconds", "frames"), [(0.3, 0.4, 4), (0.35, 0.1, 1), (0.3, 0.01, 1), (0.7, 9.0, 3)])
def test_as_many_frames_are_read_as_the_seconds_hold_and_at_least_one(
    start: float, seconds: float, frames: int, tmp_path: Path
) -> None:
    path = _write(tmp_path / "ramp.mp4", _ramp(10, 64, 64))
    with opened_footage(path, FilmConfig(start_seconds=start, seconds=seconds)) as footage:
        assert len(footage.video_THWC) == len(footage.second_T) == frames


@pytest.mark.parametrize(
    ("rotation", "aspect", "own_hw", "shown_hw"),
    [
        (0, Fraction(1), (200, 300), (100, 150)),
        (90, Fraction(1), (300, 200), (150, 100)),
        (180, Fraction(1), (200, 300), (100, 150)),
        (0, Fraction(2), (200, 300), (100, 300)),
    ],
    ids=["as it is", "on its side", "upside down", "wide pixels"],
)
def test_the_videos_own_raster_is_the_coded_one_upright(
    rotation: int, aspect: Fraction, own_hw: tuple[int, int], shown_hw: tuple[int, int], tmp_path: Path
) -> None:
    path = _write(tmp_path / "v.mp4", _ramp(3, 200, 300), rotation=rotation, aspect=aspect)
    config = FilmConfig(shown_side_px=100, short_side_px=64)
    with opened_footage(path, config) as footage:
        assert footage.own_hw == own_hw
        assert footage.video_THWC.shape[1:3] == shown_hw
        corner = np.array([[0, own_hw[1], own_hw[0]], [2, 0, 0]], dtype=float)
        assert footage.shown_queries(corner).tolist() == [[0, shown_hw[1], shown_hw[0]], [2, 0, 0]]
        assert footage.own_from_shown_xy == (own_hw[1] / shown_hw[1], own_hw[0] / shown_hw[0])


def test_a_network_that_sees_more_than_is_shown_gets_more(tmp_path: Path) -> None:
    path = _write(tmp_path / "v.mp4", _ramp(2, 200, 300))
    with opened_footage(path, FilmConfig(shown_side_px=64, short_side_px=151)) as footage:
        assert footage.video_THWC.shape[1] == 152


def test_small_videos_and_names_without_a_suffix_are_read_all_the_same(tmp_path: Path) -> None:
    path = _write(tmp_path / "ramp.mp4", _ramp(5, 16, 18)).rename(tmp_path / "ramp")
    with opened_footage(path, FilmConfig()) as footage:
        assert footage.video_THWC.shape == (5, 16, 18, 3)


def test_a_start_behind_the_end_and_a_text_file_are_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / "ramp.mp4", _ramp(5, 64, 64))
    with pytest.raises(DataError, match="lower --start"), opened_footage(path, FilmConfig(start_seconds=3.0)):
        pass
    text = tmp_path / "notes.mp4"
    text.write_text("not a film at all")
    with pytest.raises(DataError, match=r"cannot track .*notes\.mp4: not a"), opened_footage(text, FilmConfig()):
        pass


def test_a_scene_is_square_and_numbered_from_its_start() -> None:
    footage = scene_footage(3, FilmConfig(start_seconds=0.5, seconds=0.25, short_side_px=32))
    assert footage.video_THWC.shape == (3, 32, 32, 3)
    assert footage.own_hw == (32, 32)
    assert footage.first_frame == 6
    assert footage.second_T == pytest.approx(np.array([6, 7, 8]) / 12)


@pytest.mark.parametrize("query", [[9, 5, 5], [15, 5, 5], [10, 301, 5], [10, 5, -1], [10, np.nan, 5], [np.inf, 5, 5]])
def test_a_query_outside_is_refused_in_the_videos_own_terms(query: list[float]) -> None:
    footage = Footage(
        video_THWC=np.zeros((5, 20, 30, 3), np.uint8),
        own_hw=(200, 300),
        first_frame=10,
        second_T=np.arange(10, 15) / 10,
        fps=10.0,
    )
    with pytest.raises(DataError, match=r"query 1 asks for frame .* 300 x 200 pixels and its frames 10 to 14"):
        footage.shown_queries(np.array([[14, 300, 200], query], dtype=float))
