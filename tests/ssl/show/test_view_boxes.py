"""Boxes of views stand where the views read the clip, and what was not read stays dark."""

import numpy as np

from densewalk.datasets.view_geometry import ViewGeometry
from densewalk.ssl.show.colours import SLATE
from densewalk.ssl.show.view_boxes import NamedBox, boxed_clip, view_colour


def make_box(number: int, x: float, y: float, width: float, height: float, *, flip: bool = False) -> NamedBox:
    geometry = ViewGeometry(box_xywh=(x, y, width, height), flip=flip, size_hw=(32, 32))
    return NamedBox(name=f"view {number}", geometry=geometry, colour=view_colour(number))


def spread(picture: np.ndarray, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero((picture == colour).all(-1))
    return int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())


def coloured(picture: np.ndarray, number: int) -> int:
    return int((np.abs(picture.astype(int) - view_colour(number)).max(-1) < 80).sum())


def test_an_outline_goes_around_the_box() -> None:
    picture = boxed_clip(np.zeros((150, 200, 3), np.uint8), [make_box(0, 20, 30, 80, 60)], clip_hw=(150, 200))
    assert picture.shape == (300, 400, 3)
    assert np.abs(np.subtract(spread(picture, view_colour(0)), (40, 60, 200, 180))).max() <= 2


def test_what_was_not_read_is_dark_and_the_rest_lies_in_its_place() -> None:
    read = np.full((60, 80, 3), 200, np.uint8)
    picture = boxed_clip(read, [], clip_hw=(150, 200), corner_xy=(20, 30))
    assert (picture[70:170, 50:190] == 200).all()
    assert (picture[:50] == SLATE).all()
    assert (picture[:, 210:] == SLATE).all()


def test_equal_boxes_are_both_named_and_a_mirrored_one_says_so() -> None:
    plain = [make_box(0, 20, 30, 80, 60), make_box(1, 20, 30, 80, 60)]
    mirrored = [plain[0], make_box(1, 20, 30, 80, 60, flip=True)]
    ground = np.zeros((150, 200, 3), np.uint8)
    first, second = (boxed_clip(ground, boxes, clip_hw=(150, 200)) for boxes in (plain, mirrored))
    inner = (slice(64, 170), slice(44, 196))
    assert coloured(first[inner], 0) > 20
    assert coloured(first[inner], 1) > 20
    assert coloured(second[inner], 1) > 1.5 * coloured(first[inner], 1)


def test_a_box_beyond_the_raster_is_drawn_as_far_as_it_is_there() -> None:
    picture = boxed_clip(np.zeros((150, 200, 3), np.uint8), [make_box(0, -10, -10, 300, 60)], clip_hw=(150, 200))
    assert picture.shape == (300, 400, 3)
    assert (picture == view_colour(0)).all(-1).sum() > 300
