"""Films of tracked points: queries on an even grid, exact still tracks, any file through the sandbox."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from densewalk.cluster.tracking import FilmConfig, grid_queries, read_video, seen_size, write_track_film
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.ssl.matchers.position import PositionMatcher


@given(st.integers(1, 40), st.integers(20, 600), st.integers(20, 600))
def test_queries_lie_evenly_inside_the_first_frame(points: int, height: int, width: int) -> None:
    query_K3 = grid_queries(points, (height, width))
    frame_K, x_K, y_K = query_K3.T
    assert (frame_K == 0).all()
    columns, rows = np.unique(x_K.round(6)), np.unique(y_K.round(6))
    assert max(len(columns), len(rows)) == points
    assert len(query_K3) == len(columns) * len(rows)
    for place, side in ((columns, width), (rows, height)):
        assert place[0] == pytest.approx(side - place[-1])
        assert 0 < place[0] <= side / 2


def _moving_ramp(num_frames: int, height: int = 120, width: int = 160) -> np.ndarray:
    x = np.arange(width)
    return np.stack(
        [
            np.broadcast_to(((x + 4 * t) % 256).astype(np.uint8)[None, :, None], (height, width, 3))
            for t in range(num_frames)
        ]
    )


def _write(path: Path, video_THWC: np.ndarray, fps: int) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(fps), options={"crf": "8"})
        stream.height, stream.width = video_THWC.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for frame_HWC in video_THWC:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame_HWC), format="rgb24")))
        container.mux(stream.encode())
    return path


def test_a_matcher_that_stands_still_makes_still_tracks_and_two_films(tmp_path: Path) -> None:
    config = FilmConfig(grid=4, short_side_px=64)
    video_THWC = _moving_ramp(5)
    film = write_track_film(PositionMatcher(stride=4), video_THWC, 10.0, tmp_path / "a" / "film.mp4", config)
    expected_K2 = grid_queries(4, (120, 160))[:, 1:]
    np.testing.assert_allclose(film.tracks.track_KT2, np.repeat(expected_K2[:, None], 5, axis=1), atol=0.6)
    assert film.tracks.visible_KT.all()
    assert film.gif == tmp_path / "a" / "film.gif"
    assert film.gif.read_bytes()[:4] == b"GIF8"
    with av.open(str(film.mp4)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 5


def test_a_video_is_read_from_its_start_for_its_seconds(tmp_path: Path) -> None:
    video_THWC = _moving_ramp(30)
    path = _write(tmp_path / "ramp.mp4", video_THWC, fps=10)
    frames_THWC, fps = read_video(path, FilmConfig(start_seconds=1.0, seconds=0.5))
    assert fps == pytest.approx(10)
    assert frames_THWC.shape == (5, 120, 160, 3)
    assert np.abs(frames_THWC.astype(int) - video_THWC[10:15].astype(int)).mean() < 4


def test_a_name_without_a_video_suffix_is_read_all_the_same(tmp_path: Path) -> None:
    path = _write(tmp_path / "ramp.mp4", _moving_ramp(5), fps=10).rename(tmp_path / "ramp")
    assert len(read_video(path, FilmConfig())[0]) == 5


def test_a_start_behind_the_end_and_a_text_file_are_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / "ramp.mp4", _moving_ramp(5), fps=10)
    with pytest.raises(DataError, match="lower --start"):
        read_video(path, FilmConfig(start_seconds=3.0))
    text = tmp_path / "notes.mp4"
    text.write_text("not a film at all")
    with pytest.raises(DataError, match=r"cannot track .*notes\.mp4: not a"):
        read_video(text, FilmConfig())


@pytest.mark.parametrize("wrong", [{"grid": 0}, {"seconds": 0.0}, {"start_seconds": -1.0}, {"short_side_px": 8}])
def test_wrong_settings_name_their_option(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="--"):
        FilmConfig(**wrong)
    with pytest.raises(ConfigError, match="first hour"):
        read_video(Path("any"), FilmConfig(start_seconds=3600.0))


def test_the_network_never_sees_more_than_there_is() -> None:
    config = FilmConfig(short_side_px=100)
    assert seen_size((200, 400), config) == (100, 200)
    assert seen_size((50, 60), config) == (50, 60)
