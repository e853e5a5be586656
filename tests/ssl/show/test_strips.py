"""Strips show the same frames of every film, the first and the last among them, and say which is which."""

import numpy as np
import pytest

from densewalk.datasets.errors import DataError
from densewalk.ssl.show.masks import overlay_masks
from densewalk.ssl.show.strips import MaskFilm, frame_strip, mask_strip, track_strip
from densewalk.ssl.track.tracks import Tracks

VIDEO = np.stack([np.full((40, 60, 3), 20 * t, np.uint8) for t in range(9)])
MASKS = np.zeros((9, 40, 60), np.uint8)
MASKS[:, 10:30, 10:30] = 1


def holds(picture: np.ndarray, value: int) -> bool:
    return bool((picture == value).all(-1).sum() > 500)


def test_a_strip_goes_from_the_first_frame_to_the_last() -> None:
    strip = frame_strip({"film": VIDEO}, count=3)
    assert [t for t in range(9) if holds(strip, 20 * t)] == [0, 4, 8]


def test_frames_can_be_chosen_and_a_short_film_is_shown_whole() -> None:
    assert [t for t in range(9) if holds(frame_strip({"": VIDEO}, frames=[1, 7]), 20 * t)] == [1, 7]
    assert [t for t in range(9) if holds(frame_strip({"": VIDEO[1:3]}, count=6), 20 * t)] == [1, 2]


@pytest.mark.parametrize("case", ["none", "lengths", "frame"])
def test_what_cannot_be_a_strip_is_refused(case: str) -> None:
    rows = {"none": {}, "lengths": {"a": VIDEO, "b": VIDEO[1:]}, "frame": {"a": VIDEO}}[case]
    with pytest.raises(DataError, match="a strip"):
        frame_strip(rows, frames=[9] if case == "frame" else None)


def test_masks_stand_below_the_true_ones() -> None:
    alone, both = mask_strip(VIDEO, MASKS, count=3), mask_strip(VIDEO, MASKS, 2 * MASKS, count=3)
    assert both.shape[1] == alone.shape[1]
    assert len(both) > 1.8 * len(alone)
    assert (both[-len(alone) + 40 :] == alone[40:]).all()


def test_a_film_of_masks_has_the_truth_to_its_right() -> None:
    film = MaskFilm(VIDEO, MASKS, 2 * MASKS)
    assert film.shape == (9, 40, 128, 3)
    assert (film[3][:, :60] == overlay_masks(VIDEO[3], MASKS[3])).all()
    assert (film[3][:, 68:] == overlay_masks(VIDEO[3], 2 * MASKS[3])).all()


def test_masks_of_another_size_are_refused() -> None:
    with pytest.raises(DataError, match="do not lie on a video"):
        MaskFilm(VIDEO, MASKS[:, 1:])


def test_tracks_are_painted_where_they_are() -> None:
    track_KT2 = np.full((1, 9, 2), 30.0, np.float32)
    tracks = Tracks(track_KT2=track_KT2, visible_KT=np.ones((1, 9), bool))
    painted, plain = track_strip(VIDEO, tracks, count=2), frame_strip({"predicted": VIDEO}, count=2)
    assert (painted != plain).any()
    assert len(track_strip(VIDEO, tracks, tracks, count=2)) > 1.8 * len(painted)
