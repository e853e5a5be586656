"""What the memory sees of a training image: pixels, labels and places belong together."""

from typing import Any

import numpy as np
import pytest

from densewalk.datasets.readers.labelled import LabelledImage
from densewalk.ssl.probe.memory_views import random_view, whole_view


def _ramp() -> LabelledImage:
    """An image of 60 x 90 whose red tells the column and whose labels do so too."""
    column = np.broadcast_to(np.arange(90, dtype=np.uint8), (60, 90))
    image = np.stack((2 * column, np.zeros_like(column), np.zeros_like(column)), axis=-1)
    return LabelledImage(name="ramp", image_HWC=image, label_HW=np.ascontiguousarray(column))


def test_a_whole_view_places_nodes_in_the_image() -> None:
    view = whole_view(_ramp(), 30, at="centre")
    assert view.label_SS[0].tolist() == list(range(1, 90, 3))
    assert view.places((1, 3)).tolist() == [[15, 30], [45, 30], [75, 30]]


@pytest.mark.parametrize("at", ["centre", "corner"])
@pytest.mark.parametrize("seed", range(6))
def test_a_random_view_shows_the_labels_and_places_of_its_pixels(seed: int, at: Any) -> None:
    view = random_view(_ramp(), 24, np.random.default_rng(seed), at=at)
    place = view.places((24, 24)).numpy().reshape(24, 24, 2)
    pixel = view.box_xywh[2] / 24
    shift = 0 if at == "centre" else pixel / 2
    assert np.abs(view.label_SS + 0.5 + shift - place[..., 0]).max() <= 0.5 + pixel / 2
    assert place.min() >= 0
    assert (place[-1, -1] <= (90, 60)).all()
    assert 0.49 <= view.box_xywh[2] * view.box_xywh[3] / (60 * 90) <= 1


def test_where_no_crop_fits_the_middle_is_shown() -> None:
    wide = LabelledImage(name="wide", image_HWC=np.zeros((10, 90, 3), np.uint8), label_HW=np.zeros((10, 90), np.uint8))
    view = random_view(wide, 24, np.random.default_rng(0), at="centre")
    assert view.box_xywh == (38, 0, 13, 10)


def test_views_repeat_with_the_seed_and_differ_without() -> None:
    first, again, other = (random_view(_ramp(), 24, np.random.default_rng(seed), at="centre") for seed in (0, 0, 1))
    assert np.array_equal(first.image_SSC, again.image_SSC)
    assert first.box_xywh == again.box_xywh
    assert first.box_xywh != other.box_xywh
