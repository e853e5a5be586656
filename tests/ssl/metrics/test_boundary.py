"""The accuracy of a mask's border, against its rules written out pixel by pixel."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densewalk.ssl.metrics.boundary import overlap

EMPTY = np.zeros((12, 16), bool)
SQUARE = EMPTY.copy()
SQUARE[3:8, 4:9] = True


def _boundary_pixels(mask: np.ndarray) -> set[tuple[int, int]]:
    """Pixels unlike their right, lower or lower right neighbour, as far as these exist; by hand."""
    height, width = mask.shape
    found = set()
    for y in range(height):
        for x in range(width):
            neighbours = [(y, x + 1), (y + 1, x), (y + 1, x + 1)]
            if any(j < height and i < width and mask[j, i] != mask[y, x] for j, i in neighbours):
                found.add((y, x))
    return found


def _f_by_definition(predicted: np.ndarray, truth: np.ndarray) -> float:
    radius = math.ceil(0.008 * math.sqrt(truth.shape[0] ** 2 + truth.shape[1] ** 2))
    ours, theirs = _boundary_pixels(predicted), _boundary_pixels(truth)
    if not ours and not theirs:
        precision = recall = 1.0
    elif not ours:
        precision, recall = 1.0, 0.0
    elif not theirs:
        precision, recall = 0.0, 1.0
    else:
        precision = sum(any(math.dist(a, b) <= radius for b in theirs) for a in ours) / len(ours)
        recall = sum(any(math.dist(a, b) <= radius for b in ours) for a in theirs) / len(theirs)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _blobs(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Random masks with regions of a few pixels."""
    coarse = rng.random((*shape[:-2], math.ceil(shape[-2] / 4), math.ceil(shape[-1] / 4))) < 0.3
    return coarse.repeat(4, -2).repeat(4, -1)[..., : shape[-2], : shape[-1]]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), height=st.integers(2, 30), width=st.integers(2, 30))
def test_boundary_accuracy_equals_its_rules_written_out_pixel_by_pixel(seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    predicted, truth = _blobs(rng, (2, height, width))
    assert overlap(predicted, truth)[1] == pytest.approx(_f_by_definition(predicted, truth))


def test_the_tolerance_grows_with_the_diagonal_and_is_a_disk() -> None:
    truth = np.zeros((300, 400), bool)  # diagonal 500, tolerance exactly 4 pixels
    truth[:, :200] = True
    moved = {shift: np.roll(truth, shift, axis=1) for shift in (4, 5)}
    for mask in moved.values():
        mask[:, :100] = True
    assert overlap(moved[4], truth)[1] == 1
    assert overlap(moved[5], truth)[1] == 0


@pytest.mark.parametrize(
    ("predicted", "truth", "region", "boundary"),
    [
        (SQUARE, SQUARE, 1.0, 1.0),
        (EMPTY, EMPTY, 1.0, 1.0),
        (EMPTY, SQUARE, 0.0, 0.0),
        (SQUARE, EMPTY, 0.0, 0.0),
        (~EMPTY, EMPTY, 0.0, 1.0),  # a full mask has no boundary either
        (np.roll(SQUARE, 7, axis=1), SQUARE, 0.0, 0.0),
    ],
    ids=["equal", "both empty", "nothing predicted", "nothing there", "full against empty", "apart"],
)
def test_corner_cases_have_their_published_values(
    predicted: np.ndarray, truth: np.ndarray, region: float, boundary: float
) -> None:
    assert overlap(predicted, truth) == (region, boundary)


@pytest.mark.parametrize("height", [2, 3, 5, 12])
def test_a_tolerance_larger_than_the_image_is_high_reaches_no_further_than_it_should(height: int) -> None:
    rng = np.random.default_rng(height)
    predicted, truth = _blobs(rng, (2, height, 620)) & (np.arange(620) % 90 < 20)
    assert overlap(predicted, truth)[1] == pytest.approx(_f_by_definition(predicted, truth))


@pytest.mark.parametrize("corner", [(0, 0), (0, -5), (-5, 0), (-5, -5)])
def test_masks_at_the_edge_of_the_image_have_no_border_there(corner: tuple[int, int]) -> None:
    mask, beside = EMPTY.copy(), EMPTY.copy()
    rows, columns = (slice(start, start + 5 or None) for start in corner)
    mask[rows, columns] = True
    beside[2:7, 3:9] = True
    assert overlap(mask, beside)[1] == pytest.approx(_f_by_definition(mask, beside))
    assert overlap(mask, mask) == (1, 1)
