"""PCK, the percentage of correct keypoints: distances to the truth over a size of the body, against thresholds alpha.

    PCK@alpha = share of counted joints with |predicted - true| / size within alpha

JHMDB pools the frames of all clips for every joint and takes the mean over joints; a distance of exactly alpha counts.
The size of a person is 0.6 of the diagonal of the box around the true joints that count in the frame (UVC, CRW:
eval_pck), or, as a line beside it in the same code has it, the longer side of that box. BADJA pools a video's joints
and frames and takes the mean over videos; the size is the square root of the mask's area and a distance of exactly
alpha does not count (Harley et al., PIPs; CoTracker).

Shapes: T frames, J joints, N joint positions of several clips, A thresholds, 2 = (x, y).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

__all__ = ["ALPHAS", "HumanSize", "JointDistances", "human_size", "over_size", "pck", "pck_curve", "pck_name"]

HumanSize = Literal["diagonal", "longer-side"]
ALPHAS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)
"""Thresholds of a curve; every other one is reported."""
_DIAGONAL_SHARE = 0.6


def human_size(
    joint_TJ2: Float[np.ndarray, "t j 2"], counted_TJ: Bool[np.ndarray, "t j"], rule: HumanSize
) -> Float[np.ndarray, "t"]:
    """Return the size of a person in every frame, pixels, from the true joints that count; 0 without any."""
    counted_TJ1 = counted_TJ[..., None]
    lowest_T2 = np.min(joint_TJ2, axis=1, where=counted_TJ1, initial=np.inf)
    highest_T2 = np.max(joint_TJ2, axis=1, where=counted_TJ1, initial=-np.inf)
    side_T2 = np.where(counted_TJ.any(1, keepdims=True), highest_T2 - lowest_T2, 0.0)
    return _DIAGONAL_SHARE * np.hypot(*side_T2.T) if rule == "diagonal" else side_T2.max(1)


def over_size(distance_TJ: Float[np.ndarray, "t j"], size_T: Float[np.ndarray, "t"]) -> Float[np.ndarray, "t j"]:
    """Return distances over the size in their frame, infinite where there is no size."""
    has_size_T1 = size_T[:, None] > 0
    return np.divide(distance_TJ, size_T[:, None], out=np.full_like(distance_TJ, np.inf), where=has_size_T1)


@dataclass(frozen=True, slots=True, kw_only=True)
class JointDistances:
    """Joints of JHMDB that are scored: those of one clip after its first frame, or of several clips."""

    distance_NJ: Float[np.ndarray, "n j"]
    """Over the size of the person."""
    counted_NJ: Bool[np.ndarray, "n j"]
    """Where a joint counts: it was predicted."""
    asked_J: Bool[np.ndarray, "j"]
    """Whether the joint was given to begin with."""

    @classmethod
    def pooled(cls, clips: Sequence["JointDistances"]) -> "JointDistances":
        """Return the joints of several clips together."""
        return cls(
            distance_NJ=np.concatenate([clip.distance_NJ for clip in clips]),
            counted_NJ=np.concatenate([clip.counted_NJ for clip in clips]),
            asked_J=np.any([clip.asked_J for clip in clips], axis=0),
        )

    def by_joint(self) -> list[dict[str, float]]:
        """Return PCK in percent of every joint at every one of `ALPHAS`.

        A joint that was given and never predicted has 0, one that was never given is not a number.
        """
        right_AJ = np.stack([((self.distance_NJ <= alpha) & self.counted_NJ).sum(0) for alpha in ALPHAS])
        share_JA = 100 * right_AJ.T / np.maximum(self.counted_NJ.sum(0), 1)[:, None]
        known_JA = np.where(self.asked_J[:, None], share_JA, np.nan)
        return [dict(zip(map(pck_name, ALPHAS), row_A.tolist(), strict=True)) for row_A in known_JA]

    def scores(self) -> dict[str, float]:
        """Return the means over joints and `lost`, the percentage of given joints that are not predicted in a frame."""
        given = [row for row, is_asked in zip(self.by_joint(), self.asked_J, strict=True) if is_asked]
        if not given:
            return {}
        means = {name: float(np.mean([row[name] for row in given])) for name in given[0]}
        return means | {"lost": 100 * float((~self.counted_NJ[:, self.asked_J]).mean())}


def pck(distance_N: Float[np.ndarray, "n"]) -> dict[str, float]:
    """Return BADJA's PCK in percent at every one of `ALPHAS` over the joints of a video; nothing without any."""
    if not len(distance_N):
        return {}
    return {pck_name(alpha): 100 * float((distance_N < alpha).mean()) for alpha in ALPHAS}


def pck_name(alpha: float) -> str:
    """Return the name of the scalar at a threshold, as `PCK@0.1`."""
    return f"PCK@{alpha:g}"


def pck_curve(scalars: Mapping[str, float]) -> tuple[list[float], list[float]]:
    """Return thresholds from 0 on and the percentage within each, for a curve."""
    return [0.0, *ALPHAS], [0.0, *(scalars[pck_name(alpha)] for alpha in ALPHAS)]
