"""Tracks in the pixels of the video whatever the network sees, and films of them, never the whole video at a time."""

import weakref
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from densewalk.cluster.track_queries import grid_queries
from densewalk.cluster.tracking import FilmConfig, enlargement, seen_size, track_video, write_film
from densewalk.datasets.errors import ConfigError
from densewalk.ssl.matchers.position import PositionMatcher
from densewalk.ssl.track.tracker import TrackerConfig, Tracks


def _moving_ramp(num_frames: int, height: int = 120, width: int = 160) -> np.ndarray:
    shade_TW = (np.arange(width) + 30 * np.arange(num_frames)[:, None]) % 256
    return np.broadcast_to(shade_TW[:, None, :, None], (num_frames, height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize("size_hw", [(120, 160), (131, 97), (40, 50)])
@pytest.mark.parametrize("mode", ["chained", "direct", "combined"])
def test_a_matcher_that_stands_still_makes_still_tracks_at_every_size(size_hw: tuple[int, int], mode: Any) -> None:
    config = FilmConfig(short_side_px=64, tracker=TrackerConfig(mode=mode))
    height, width = size_hw
    query = np.concatenate((grid_queries(4, size_hw), [[2, 0, 0], [1, width, height]]))
    tracks = track_video(PositionMatcher(stride=4), _moving_ramp(3, *size_hw), query, config)
    np.testing.assert_allclose(tracks.track_KT2, np.repeat(query[:, None, 1:], 3, axis=1), atol=1e-3)
    assert tracks.visible_KT.all()


def _still(num_frames: int, size_hw: tuple[int, int]) -> Tracks:
    query_K3 = grid_queries(3, size_hw)
    track_KT2 = np.repeat(query_K3[:, None, 1:], num_frames, axis=1)
    return Tracks(track_KT2=track_KT2, visible_KT=np.ones(track_KT2.shape[:2], bool))


def test_a_film_is_an_mp4_and_a_gif_of_every_frame(tmp_path: Path) -> None:
    out = tmp_path / "a" / "film.mp4"
    gif = write_film(out, _moving_ramp(5), _still(5, (120, 160)), fps=10.0, gif_bytes=1_000_000)
    with av.open(str(out)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 5
    assert gif == out.with_suffix(".gif")
    with Image.open(gif) as pictures:
        assert (pictures.n_frames, pictures.info["duration"]) == (5, 100)


def test_a_video_of_one_frame_is_filmed(tmp_path: Path) -> None:
    write_film(tmp_path / "film.mp4", _moving_ramp(1), _still(1, (120, 160)), fps=10.0, gif_bytes=1_000_000)
    with av.open(str(tmp_path / "film.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 1


class Reel:
    """A long video that makes its frames one at a time and counts those alive."""

    def __init__(self, num_frames: int) -> None:
        self.shape = (num_frames, 16, 16, 3)
        self.alive: list[weakref.ref] = []
        self.most = 0

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, frame: int) -> np.ndarray:
        picture = np.full(self.shape[1:], 8 * frame % 256, np.uint8)
        self.alive = [made for made in [*self.alive, weakref.ref(picture)] if made() is not None]
        self.most = max(self.most, len(self.alive))
        return picture


def test_a_long_film_is_written_frame_by_frame_and_its_gif_leaves_frames_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("densewalk.cluster.tracking._GIF_FRAMES", 8)
    reel = Reel(30)
    gif = write_film(tmp_path / "film.mp4", reel, _still(30, (16, 16)), fps=20.0, gif_bytes=1_000_000)
    assert reel.most <= 2
    with av.open(str(tmp_path / "film.mp4")) as container:
        shades = [frame.to_ndarray(format="rgb24")[0, 0, 0] for frame in container.decode(video=0)]
    assert len(shades) == 30
    assert all(later >= earlier for earlier, later in pairwise(shades))
    with Image.open(gif) as pictures:
        assert (pictures.n_frames, pictures.info["duration"]) == (8, 200)


@pytest.mark.parametrize(
    "wrong",
    [{"grid": 0}, {"seconds": 0.0}, {"start_seconds": -1.0}, {"short_side_px": 8}, {"start_seconds": 3600.0}],
)
def test_wrong_settings_name_their_option(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="--"):
        FilmConfig(**wrong)


def test_the_network_never_sees_more_than_there_is() -> None:
    config = FilmConfig(short_side_px=100)
    assert seen_size((200, 400), config) == (100, 200)
    assert seen_size((50, 60), config) == (50, 60)


def test_a_finer_stride_is_an_enlargement_of_the_frames() -> None:
    matcher = PositionMatcher(stride=4)
    assert [enlargement(matcher, stride) for stride in (4, 2, 1)] == [1, 2, 4]
    for impossible in (3, 8, 0, -2):
        with pytest.raises(ConfigError, match=rf"--stride {impossible}: .* choose 4, 2, 1"):
            enlargement(matcher, impossible)
