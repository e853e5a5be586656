"""Every pixel counts in the cell of its nearest node, which lies in the middle of it."""

import numpy as np
import pytest

from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.probe.cells import cell_middles, cell_shares, count_labels


@pytest.mark.parametrize(("size_hw", "grid_hw"), [((8, 12), (2, 3)), ((7, 5), (3, 2)), ((4, 4), (6, 6))])
def test_every_pixel_belongs_to_the_cell_of_its_nearest_node(
    size_hw: tuple[int, int], grid_hw: tuple[int, int]
) -> None:
    label = np.random.default_rng(0).integers(0, 3, size_hw).astype(np.uint8)
    label[0, 0] = 255
    expected, pixels = np.zeros((*grid_hw, 3)), np.zeros(grid_hw)
    for y, x in np.ndindex(size_hw):
        cell = tuple(
            int(np.abs((np.arange(n) + 0.5) / n - (place + 0.5) / side).argmin())
            for place, n, side in zip((y, x), grid_hw, size_hw, strict=True)
        )
        pixels[cell] += 1
        if label[y, x] != 255:
            expected[(*cell, label[y, x])] += 1
    found = cell_shares(label, grid_hw, num_classes=3)
    if size_hw != (7, 5):  # pixels half way between two nodes belong to either
        assert np.allclose(found, (expected / np.maximum(pixels, 1)[..., None]).reshape(-1, 3))
    assert found.sum() <= grid_hw[0] * grid_hw[1]
    assert np.isclose(found.sum(1), 1).sum() >= (pixels > 0).sum() - 1


def test_labels_are_counted_in_the_cell_that_holds_the_middle_of_their_pixel() -> None:
    label = np.array([[0, 1, 1, 255, 2], [0, 0, 1, 2, 2]], np.uint8)
    counts = count_labels(label, (1, 2), num_classes=3)
    # the middle of the third column lies on the border and so in the right cell
    assert counts.tolist() == [[3, 1, 0], [0, 2, 3]]
    with pytest.raises(BenchmarkError, match="label 2, expected 0 to 1 or 255"):
        count_labels(label, (1, 2), num_classes=2)


def test_nodes_lie_in_the_middle_of_their_cells() -> None:
    assert cell_middles((10, 30), (1, 3)).tolist() == [[5, 5], [15, 5], [25, 5]]
    assert cell_middles((5, 4), (2, 2)).tolist() == [[1, 1.25], [3, 1.25], [1, 3.75], [3, 3.75]]
