"""Colours of pictures: what they name is believed, what they do not name is guessed as players do."""

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Interpolation

from densewalk.datasets.picture_colours import EXACT, has_alpha, matrix_of, over_black, range_of, resizing


def _picture(size_hw: tuple[int, int] = (64, 96), pixel_format: str = "yuv420p", matrix: int = 2) -> av.VideoFrame:
    picture = av.VideoFrame(size_hw[1], size_hw[0], pixel_format)
    picture.colorspace = matrix
    return picture


@pytest.mark.parametrize(("named", "taken"), [(1, 1), (4, 4), (5, 5), (6, 5), (7, 7), (9, 9), (10, 9)])
def test_a_named_matrix_is_taken_by_its_coefficients(named: int, taken: int) -> None:
    assert matrix_of(_picture(matrix=named)) == taken


def test_a_matrix_that_is_not_named_goes_by_the_rows() -> None:
    assert matrix_of(_picture((718, 96))) == 5
    assert matrix_of(_picture((720, 96))) == 1


def test_full_range_is_named_or_meant_by_the_format() -> None:
    assert range_of(_picture()) == ColorRange.MPEG
    assert range_of(_picture(pixel_format="yuvj420p")) == ColorRange.JPEG
    assert range_of(_picture(pixel_format="rgb24")) == ColorRange.JPEG
    named = _picture()
    named.color_range = ColorRange.JPEG
    assert range_of(named) == ColorRange.JPEG


def test_pictures_shrink_by_areas_and_grow_by_cubics() -> None:
    assert resizing(_picture(), (64, 48)) == Interpolation.AREA | EXACT
    assert resizing(_picture(), (128, 192)) == Interpolation.BICUBIC | EXACT


def test_what_is_transparent_is_seen_over_black() -> None:
    assert has_alpha(_picture(pixel_format="yuva420p"))
    assert not has_alpha(_picture())
    picture_HWC = np.array([[[200, 100, 0, 255], [200, 100, 0, 0], [255, 101, 3, 128]]], np.uint8)
    np.testing.assert_array_equal(over_black(picture_HWC), [[[200, 100, 0], [0, 0, 0], [128, 51, 2]]])
