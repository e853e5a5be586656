"""Points painted on views lie where the crops, and the motion between moments, put them."""

import numpy as np
import pytest
import torch

from densewalk.datasets.view_geometry import ViewGeometry
from densewalk.datasets.views import ClipBatch, Motion, View
from densewalk.ssl.show.matched_points import matched_films
from densewalk.ssl.show.tails import PaintedVideo, track_colours

SIDE, CLIP_HW = 100, (160, 200)
WIDE = ViewGeometry(box_xywh=(20.0, 10.0, 120.0, 140.0), size_hw=(SIDE, SIDE))
GRID_K2 = np.stack(np.meshgrid([10, 30, 50, 70, 90], [10, 30, 50, 70, 90]), -1).reshape(-1, 2).astype(np.float64)
COLOURS = [tuple(colour) for colour in track_colours(GRID_K2[:, None], np.ones((25, 1), bool)).tolist()]
MIRRORED = ViewGeometry(box_xywh=(60.5, 30.25, 80.0, 90.0), flip=True, size_hw=(SIDE, SIDE))


def make_view(geometry: ViewGeometry, frames: list[int]) -> View:
    return View(
        video_BTCHW=torch.zeros(1, len(frames), 3, SIDE, SIDE, dtype=torch.uint8),
        clip_from_view_B33=geometry.clip_from_view[None],
        frame_BT=torch.tensor([frames]),
    )


def make_motion(pairs: list[tuple[int, int]], shift_xy: tuple[float, float]) -> Motion:
    count, (height, width) = len(pairs), CLIP_HW
    return Motion(
        source_frame_BP=torch.tensor([[a for a, _ in pairs]]),
        target_frame_BP=torch.tensor([[b for _, b in pairs]]),
        flow_BP2HW=torch.tensor(shift_xy)[:, None, None].expand(1, count, 2, height, width).contiguous(),
        visible_BPHW=torch.ones(1, count, height, width, dtype=torch.bool),
    )


def cut_off(places: np.ndarray, side: int) -> bool:
    return bool(places.min() == 0 or places.max() == side - 1)


def marks(film: PaintedVideo, position: int, geometry: ViewGeometry, *, filled: bool = True) -> dict[bytes, np.ndarray]:
    """Return where markers lie in the clip, by colour; those that are cut by the border are left out."""
    picture = film[position]
    scale = picture.shape[0] / SIDE
    found = {}
    for colour in COLOURS:
        rows, columns = np.nonzero((picture == colour).all(-1))
        if len(rows) < 60 or cut_off(rows, len(picture)) or cut_off(columns, len(picture)):
            continue
        centre = np.array([columns.mean() + 0.5, rows.mean() + 0.5]) / scale
        middle = picture[round(rows.mean()), round(columns.mean())]
        if (tuple(middle.tolist()) == colour) == filled:
            place = geometry.clip_from_view.numpy() @ [*centre, 1.0]
            found[bytes(colour)] = place[:2]
    return found


def test_a_point_of_one_colour_is_one_point_of_the_clip() -> None:
    batch = ClipBatch(keys=("a",), views=(make_view(WIDE, [3, 8]), make_view(MIRRORED, [8, 3])))
    there, back = matched_films(batch)
    seen, again = marks(there, 1, WIDE), marks(back, 0, MIRRORED)
    shared = seen.keys() & again.keys()
    assert len(seen) == 25
    assert len(shared) >= 6
    assert np.abs(np.stack([seen[c] - again[c] for c in shared])).max() < 0.5


def test_motion_carries_the_points_of_the_first_moment_through_all_others() -> None:
    motion = make_motion([(0, 2), (2, 0), (2, 5), (5, 2)], (6.0, -4.0))
    batch = ClipBatch(keys=("a",), views=(make_view(WIDE, [0, 2, 5]), make_view(MIRRORED, [5, 2, 0])), motion=motion)
    there, back = matched_films(batch)
    start, end, end_mirrored = marks(there, 0, WIDE), marks(there, 2, WIDE), marks(back, 0, MIRRORED)
    for moved in (end, end_mirrored):
        shared = start.keys() & moved.keys()
        assert len(shared) >= 6
        shift = np.stack([moved[c] - start[c] for c in shared])
        assert shift == pytest.approx(np.tile((12.0, -8.0), (len(shared), 1)), abs=0.6)


def test_a_point_that_was_hidden_once_stays_hollow() -> None:
    motion = make_motion([(0, 2), (2, 5)], (0.0, 0.0))
    motion.visible_BPHW[:, 0, :, :100] = False
    batch = ClipBatch(keys=("a",), views=(make_view(WIDE, [0, 2, 5]),), motion=motion)
    (film,) = matched_films(batch)
    assert len(marks(film, 0, WIDE)) == 25
    hollow, filled = marks(film, 2, WIDE, filled=False), marks(film, 2, WIDE)
    assert len(hollow) + len(filled) == 25
    assert all(place[0] < 100 for place in hollow.values())
    assert all(place[0] > 100 for place in filled.values())
    assert hollow


def test_a_moment_that_only_the_second_view_shows_has_points_of_its_own() -> None:
    batch = ClipBatch(keys=("a",), views=(make_view(WIDE, [1]), make_view(MIRRORED, [4])))
    there, back = matched_films(batch)
    assert len(marks(there, 0, WIDE)) == len(marks(back, 0, MIRRORED)) == 25
