"""Boxes lie in the image and have the areas and shapes that were asked for."""

import numpy as np
import pytest

from densewalk.ssl.probe.random_box import random_box


def test_boxes_lie_in_the_image_and_their_areas_and_shapes_in_their_ranges() -> None:
    rng = np.random.default_rng(0)
    boxes = [random_box((300, 400), rng, area=(0.2, 0.4)) for _ in range(500)]
    sides = np.array([(rows.stop - rows.start, columns.stop - columns.start) for rows, columns in boxes])
    assert min(min(rows.start, columns.start) for rows, columns in boxes) == pytest.approx(0, abs=4)
    assert max(rows.stop for rows, _ in boxes) == pytest.approx(300, abs=4)
    assert max(columns.stop for _, columns in boxes) == pytest.approx(400, abs=4)
    share, aspect = sides.prod(1) / (300 * 400), sides[:, 1] / sides[:, 0]
    np.testing.assert_allclose(np.quantile(share, [0, 0.5, 1]), [0.2, 0.3, 0.4], atol=0.015)
    np.testing.assert_allclose(np.quantile(aspect, [0, 0.5, 1]), [3 / 4, 1, 4 / 3], atol=0.04)


@pytest.mark.parametrize(("size_hw", "box"), [((10, 90), (0, 10, 38, 51)), ((90, 10), (38, 51, 0, 10))])
def test_where_none_fits_it_is_the_middle_of_the_image(size_hw: tuple[int, int], box: tuple[int, ...]) -> None:
    rows, columns = random_box(size_hw, np.random.default_rng(0), area=(0.9, 1.0))
    assert (rows.start, rows.stop, columns.start, columns.stop) == box
