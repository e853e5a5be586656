"""Region similarity J and boundary accuracy F of propagated masks, as the DAVIS-2017 semi-supervised protocol has them.

Objects are the numbers from 1 to the largest of the first true mask (0 is background, 255 void, which counts as
background); one that comes in later under a larger number is not scored. The first frame is given and the last one is
not scored. Per object: mean over frames, recall (share of frames above 0.5) and decay (mean of the first quarter minus
mean of the last). The result of a data set is the mean over all objects of all sequences, which for DAVIS-2016, with
one object each, is the mean over sequences. (Pont-Tuset et al., The 2017 DAVIS Challenge; Perazzi et al., 2016.)

The official tool counts frames in 8 bits, so its decay is of other frames, or not a number, beyond 256 scored ones;
here it is right at any length.

Shapes: T frames, H W rows and columns.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.metrics.boundary import overlap

__all__ = [
    "decay",
    "largest_object",
    "mean_over_objects",
    "object_row",
    "overlaps",
    "score_sequence",
]

_VOID = 255
_SCORES = frozenset(f"{letter}_{what}" for letter in "JF" for what in ("mean", "recall", "decay"))


def score_sequence(
    predicted_THW: UInt8[np.ndarray, "t h w"],
    truth_THW: UInt8[np.ndarray, "t2 h2 w2"],
    *,
    objects: Sequence[int] | None = None,
) -> list[dict[str, float]]:
    """Return one row an object: its id and `J_mean`, `J_recall`, `J_decay`, `F_mean`, `F_recall`, `F_decay` in percent.

    `objects` are the ids to score, by default those of the official rule. Raises `BenchmarkError` when shapes differ,
    frames are fewer than 3, the first frame shows no object, or, under the official rule, a scored frame predicts a
    larger number than the truth has.
    """
    if predicted_THW.shape != truth_THW.shape:
        raise BenchmarkError(f"predicted masks have shape {predicted_THW.shape}, the true ones {truth_THW.shape}")
    if len(truth_THW) < 3:
        raise BenchmarkError(f"a sequence of {len(truth_THW)} frames has none to score: the first and the last are not")
    if objects is None:
        objects = _objects(predicted_THW[1:-1], truth_THW)
    return [object_row(i, overlaps(i, predicted_THW[1:-1], truth_THW[1:-1])) for i in objects]


def mean_over_objects(objects: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the mean of every score over the objects of all sequences, and `J&F` = (J mean + F mean) / 2.

    What else the rows hold (names, numbers of objects) is passed over.
    """
    if not objects:
        raise BenchmarkError("no object to average; the data holds no sequence")
    means = {name: float(np.mean([row[name] for row in objects])) for name in objects[0] if name in _SCORES}
    return {"J&F": (means["J_mean"] + means["F_mean"]) / 2} | means


def overlaps(
    number: int, predicted_THW: UInt8[np.ndarray, "t h w"], truth_THW: UInt8[np.ndarray, "t h w"]
) -> Float[np.ndarray, "t 2"]:
    """Return J and F of one object in 0-1 at every frame."""
    return np.array([overlap(p == number, t == number) for p, t in zip(predicted_THW, truth_THW, strict=True)])


def object_row(number: int, overlap_T2: Float[np.ndarray, "t 2"]) -> dict[str, float]:
    """Return an object's id and mean, recall and decay of its J and F in percent."""
    row: dict[str, float] = {"object": number}
    for letter, value_T in zip("JF", overlap_T2.T, strict=True):
        row[f"{letter}_mean"] = 100 * float(value_T.mean())
        row[f"{letter}_recall"] = 100 * float((value_T > 0.5).mean())
        row[f"{letter}_decay"] = 100 * decay(value_T)
    return row


def decay(value_T: Float[np.ndarray, "t"]) -> float:
    """Return the mean of the first temporal quarter minus the mean of the last; quarters share their end frames."""
    edges = (np.round(np.linspace(1, len(value_T), 5) + 1e-10) - 1).astype(np.int64)
    return float(value_T[edges[0] : edges[1] + 1].mean() - value_T[edges[3] : edges[4] + 1].mean())


def largest_object(mask: UInt8[np.ndarray, "..."]) -> int:
    """Return the largest number of an object in one mask or many, 0 when there is none."""
    return int(mask.max(initial=0, where=mask != _VOID))


def _objects(predicted_THW: np.ndarray, truth_THW: np.ndarray) -> Sequence[int]:
    num_objects = largest_object(truth_THW[0])
    if not num_objects:
        raise BenchmarkError("the first true mask of the sequence shows no object")
    if largest_object(predicted_THW) > largest_object(truth_THW):
        raise BenchmarkError(
            f"predicted masks hold label {largest_object(predicted_THW)}; expected 0 to {num_objects}, the objects of "
            "the first true mask"
        )
    return range(1, num_objects + 1)
