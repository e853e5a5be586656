"""Boxes of views stand where the views read the clip, and what was not read stays dark."""

import numpy as np

from densewalk.datasets.samples import ClipSample
from densewalk.datasets.view_geometry import ViewGeometry
from densewalk.ssl.show.view_boxes import NamedBox, boxed_clip, in_its_clip, view_colour


def make_box(number: int, x: float, y: float, width: float, height: float, *, flip: bool = False) -> NamedBox:
    geometry = ViewGeometry(box_xywh=(x, y, width, height), flip=flip, size_hw=(32, 32))
    return NamedBox(name=f"view {number}", geometry=geometry, colour=view_colour(number))


def spread(picture: np.ndarray, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero((picture == colour).all(-1))
    return int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())


def coloured(picture: np.ndarray, number: int) -> int:
    return int((np.abs(picture.astype(int) - view_colour(number)).max(-1) < 80).sum())


def test_an_outline_goes_around_the_box() -> None:
    picture = boxed_clip(np.zeros((150, 200, 3), np.uint8), [make_box(0, 20, 30, 80, 60)])
    assert picture.shape == (300, 400, 3)
    assert np.abs(np.subtract(spread(picture, view_colour(0)), (40, 60, 200, 180))).max() <= 2


def test_what_no_view_shows_is_darker() -> None:
    picture = boxed_clip(np.full((150, 200, 3), 200, np.uint8), [make_box(0, 20, 30, 80, 60)])
    assert (picture[100:170, 60:190] == 200).all()
    assert (picture[:50] == 90).all()
    assert (picture[:, 210:] == 90).all()


def test_what_a_sample_kept_lies_in_its_place_in_the_clip() -> None:
    kept = ClipSample(
        key="a", frames=(3, 5), video_THWC=np.full((2, 60, 80, 3), 200, np.uint8), corner_xy=(20, 30), views=()
    )
    clip_THWC = in_its_clip(kept, (150, 200))
    assert clip_THWC.shape == (2, 150, 200, 3)
    assert (clip_THWC[:, 30:90, 20:100] == 200).all()
    assert (clip_THWC == 200).sum() == kept.video_THWC.size


def test_equal_boxes_are_both_named_and_a_mirrored_one_says_so() -> None:
    plain = [make_box(0, 20, 30, 80, 60), make_box(1, 20, 30, 80, 60)]
    mirrored = [plain[0], make_box(1, 20, 30, 80, 60, flip=True)]
    ground = np.zeros((150, 200, 3), np.uint8)
    first, second = (boxed_clip(ground, boxes) for boxes in (plain, mirrored))
    inner = (slice(64, 170), slice(44, 196))
    assert coloured(first[inner], 0) > 20
    assert coloured(first[inner], 1) > 20
    assert coloured(second[inner], 1) > 1.5 * coloured(first[inner], 1)


def test_a_box_beyond_the_raster_is_drawn_as_far_as_it_is_there() -> None:
    picture = boxed_clip(np.zeros((150, 200, 3), np.uint8), [make_box(0, -10, -10, 300, 60)])
    assert picture.shape == (300, 400, 3)
    assert (picture == view_colour(0)).all(-1).sum() > 300
