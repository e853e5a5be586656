"""Scores of depth, as public code computes them (BTS, AdaBins, DINOv3's dinov3/eval/depth/metrics.py).

With the predicted depth p and the true one t in metres over the valid pixels, and g = log t - log p:

* RMSE = sqrt(mean (t - p)^2), AbsRel = mean |t - p| / t, SqRel = mean (t - p)^2 / t;
* RMSE_log = sqrt(mean g^2), log10 = mean |log10 t - log10 p|, SILog = 100 sqrt(mean g^2 - (mean g)^2);
* delta1, delta2, delta3: percentage with max(t / p, p / t) below 1.25, 1.25^2, 1.25^3.

Published numbers are means over images of each one's own scores; sums over pixels can be added up as well, which gives
the scores of all pixels together.

Shapes: H W rows and columns, S sums.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64

__all__ = ["DepthSums", "depth_sums", "mean_over_images", "over_pixels"]

_RATIO = 1.25


@dataclass(frozen=True, slots=True)
class DepthSums:
    """Sums over pixels from which every score follows."""

    count: int
    total_S: Float64[np.ndarray, "9"]
    """Of (t - p)^2, |t - p| / t, (t - p)^2 / t, g^2, g, |g| / ln 10, and of the pixels within each of three ratios."""

    def scores(self) -> dict[str, float]:
        """Return the scores; there must be a pixel."""
        square, relative, square_relative, square_log, log, log10, *within = (self.total_S / self.count).tolist()
        return {
            "RMSE": square**0.5,
            "AbsRel": relative,
            "SqRel": square_relative,
            "RMSE_log": square_log**0.5,
            "log10": log10,
            "SILog": 100 * max(0.0, square_log - log**2) ** 0.5,
            **{f"delta{power}": 100 * share for power, share in enumerate(within, start=1)},
        }


def depth_sums(
    predicted_HW: Float[np.ndarray, "h w"], true_HW: Float[np.ndarray, "h w"], valid_HW: Bool[np.ndarray, "h w"]
) -> DepthSums:
    """Return the sums of one image over its valid pixels, where both depths must be positive, in metres."""
    predicted_N, true_N = predicted_HW[valid_HW].astype(np.float64), true_HW[valid_HW].astype(np.float64)
    square_N, log_N = np.square(true_N - predicted_N), np.log(true_N) - np.log(predicted_N)
    ratio_N = np.maximum(true_N / predicted_N, predicted_N / true_N)
    each = (
        square_N,
        np.abs(true_N - predicted_N) / true_N,
        square_N / true_N,
        np.square(log_N),
        log_N,
        np.abs(log_N) / np.log(10),
        *(ratio_N < _RATIO**power for power in (1, 2, 3)),
    )
    return DepthSums(len(true_N), np.array([value_N.sum() for value_N in each], np.float64))


def mean_over_images(images: Sequence[DepthSums]) -> dict[str, float]:
    """Return the means over images of each one's scores; images without a valid pixel are left out.

    Nothing is returned when no image has one.
    """
    scores = [image.scores() for image in images if image.count]
    return {name: sum(score[name] for score in scores) / len(scores) for name in scores[0]} if scores else {}


def over_pixels(images: Sequence[DepthSums]) -> dict[str, float]:
    """Return the scores of the pixels of all images together, nothing when there is none."""
    count = sum(image.count for image in images)
    return DepthSums(count, np.sum([image.total_S for image in images], axis=0)).scores() if count else {}
