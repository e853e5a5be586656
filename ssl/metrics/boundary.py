"""Boundary accuracy F of a mask: how much of its outline lies near the true one, and the other way round.

    precision = share of the predicted boundary within the tolerance of the true one, recall the reverse
    F = 2 precision recall / (precision + recall)

A boundary pixel differs from its right, lower or lower right neighbour; the tolerance is a disk of 0.008 of the image
diagonal, rounded up (Perazzi et al., 2016, section 4). Two empty boundaries agree, one that is empty matches nothing.

Both boundaries lie in the box around both masks, and what is near them is only asked for there, so everything is
computed on that crop with one pixel around it.

Shapes: H W rows and columns.
"""

from math import ceil, isqrt, sqrt

import cv2
import numpy as np
from jaxtyping import Bool, UInt8

__all__ = ["MaskOverlap", "overlap"]

_BOUNDARY_RATIO = 0.008
"""Tolerance of the boundary match over the image diagonal."""

MaskOverlap = tuple[float, float]
"""Region similarity J and boundary accuracy F, in 0-1."""


def overlap(predicted_HW: Bool[np.ndarray, "h w"], truth_HW: Bool[np.ndarray, "h w"]) -> MaskOverlap:
    """Return intersection over union and the F score of the boundaries; both are 1 when both masks are empty."""
    predicted, truth = predicted_HW.view(np.uint8), truth_HW.view(np.uint8)
    x, y, width, height = cv2.boundingRect(cv2.bitwise_or(predicted, truth))
    if not width:
        return 1.0, 1.0
    box = (slice(max(y - 1, 0), y + height + 1), slice(max(x - 1, 0), x + width + 1))
    predicted, truth = predicted[box], truth[box]
    union = cv2.countNonZero(cv2.bitwise_or(predicted, truth))
    region = cv2.countNonZero(cv2.bitwise_and(predicted, truth)) / union
    return region, _boundary_accuracy(_boundary(predicted), _boundary(truth), truth_HW.shape)


def _boundary_accuracy(predicted: np.ndarray, truth: np.ndarray, size_hw: tuple[int, ...]) -> float:
    num_predicted, num_true = cv2.countNonZero(predicted), cv2.countNonZero(truth)
    if not num_predicted or not num_true:
        return float(num_predicted == num_true)
    radius = ceil(_BOUNDARY_RATIO * sqrt(size_hw[0] ** 2 + size_hw[1] ** 2))
    precision = cv2.countNonZero(cv2.bitwise_and(predicted, _near(truth, radius))) / num_predicted
    recall = cv2.countNonZero(cv2.bitwise_and(truth, _near(predicted, radius))) / num_true
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _boundary(mask: UInt8[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w"]:
    """Return the pixels that differ from their right, lower or lower right neighbour, as far as these exist."""
    edge = np.zeros_like(mask)
    edge[:, :-1] |= mask[:, :-1] ^ mask[:, 1:]
    edge[:-1] |= mask[:-1] ^ mask[1:]
    edge[:-1, :-1] |= mask[:-1, :-1] ^ mask[1:, 1:]
    return edge


def _near(points: UInt8[np.ndarray, "h w"], radius: int) -> UInt8[np.ndarray, "h w"]:
    """Return the pixels within a disk of some point.

    A disk is a stack of rows: every row's reach to the sides is grown from that of the row above it, then laid at its
    height. Columns of zeros keep what leaves a row from entering the next, so that every shift is one of plain memory.
    """
    height, width = points.shape
    padded = np.zeros((height, width + radius), np.uint8)
    padded[:, :width] = points
    line, grown, near = padded.ravel(), padded.ravel().copy(), np.zeros(padded.size, np.uint8)
    reached = 0
    for rows in range(radius, -1, -1):
        reach = isqrt(radius**2 - rows**2)
        for column in range(reached + 1, reach + 1):
            grown[column:] |= line[:-column]
            grown[:-column] |= line[column:]
        reached = reach
        shift = min(rows * (width + radius), near.size)
        near[shift:] |= grown[: near.size - shift]
        near[: near.size - shift] |= grown[shift:]
    return near.reshape(padded.shape)[:, :width]
