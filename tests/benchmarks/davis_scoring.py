"""J and F of ours beside davis2017-evaluation's own functions on the same masks, in one thread and one call.

The official functions run when DAVIS_CODE names a checkout of github.com/davisvideochallenge/davis2017-evaluation. They
are given boolean masks, as they would be after the tool has read its files; where scikit-image is not installed, its
`disk`, which is all that they take of it, is stood in for. Rounds of both alternate, and the fastest of each counts.
"""

import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np

from densewalk.ssl.metrics.davis import object_row, overlaps
from tests.benchmarks._measuring import Row

DEVICES = ("cpu",)
_FRAMES, _HEIGHT, _WIDTH, _OBJECTS = 40, 480, 854, 3
_ROUNDS = 5


def run(device: str) -> Iterator[Row]:
    """Score 40 frames of 480p with three objects of about the size that objects of DAVIS have."""
    cv2.setNumThreads(1)
    truth_THW, predicted_THW = _ellipses(shift=0), _ellipses(shift=6)
    official = _official()
    works = {"ours": lambda: _ours(predicted_THW, truth_THW)}
    if official is not None:
        works["official"] = lambda: _theirs(official, predicted_THW, truth_THW)
    seconds = _fastest(works)
    for name, value in seconds.items():
        yield f"{name}: J and F of {_OBJECTS} objects in {_FRAMES} frames of 480p", _FRAMES / value, "frames/s"
    if official is None:
        yield "official not run: DAVIS_CODE names no checkout of davis2017-evaluation", math.nan, ""
        return
    gap = np.abs(np.array(works["ours"]()) - np.array(works["official"]())).max()
    yield "official over ours", seconds["official"] / seconds["ours"], "x"
    yield "largest difference of mean, recall and decay", float(gap), "%"


def _ellipses(*, shift: int) -> np.ndarray:
    """Return labels of ellipses that move and change their shape."""
    masks_THW = np.zeros((_FRAMES, _HEIGHT, _WIDTH), np.uint8)
    for frame, mask_HW in enumerate(masks_THW):
        for number in range(1, _OBJECTS + 1):
            centre = (200 * number + 3 * frame + shift, 140 + 60 * number + shift // 2)
            cv2.ellipse(mask_HW, centre, (70 + frame, 45 + 10 * number), 5 * frame, 0, 360, number, -1)
    return masks_THW


def _ours(predicted_THW: np.ndarray, truth_THW: np.ndarray) -> list[list[float]]:
    rows = [object_row(i, overlaps(i, predicted_THW, truth_THW)) for i in range(1, _OBJECTS + 1)]
    return [[row[f"{letter}_{what}"] for letter in "JF" for what in ("mean", "recall", "decay")] for row in rows]


def _theirs(
    official: tuple[ModuleType, ModuleType], predicted_THW: np.ndarray, truth_THW: np.ndarray
) -> list[list[float]]:
    metrics, statistics = official
    rows = []
    for i in range(1, _OBJECTS + 1):
        truth, predicted = truth_THW == i, predicted_THW == i
        values = (metrics.db_eval_iou(truth, predicted), metrics.db_eval_boundary(truth, predicted))
        rows.append([100 * float(number) for value_T in values for number in statistics.db_statistics(value_T)])
    return rows


def _fastest(works: dict[str, Callable[[], object]]) -> dict[str, float]:
    seconds = dict.fromkeys(works, math.inf)
    for _ in range(_ROUNDS):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            seconds[name] = min(seconds[name], time.perf_counter() - began)
    return seconds


def _official() -> tuple[ModuleType, ModuleType] | None:
    if not (named := os.environ.get("DAVIS_CODE")):
        return None
    if not Path(named, "davis2017/metrics.py").is_file():
        raise FileNotFoundError(
            f"DAVIS_CODE={named} has no davis2017/metrics.py; name a checkout of davis2017-evaluation"
        )
    if find_spec("skimage") is None:
        morphology = ModuleType("skimage.morphology")
        morphology.disk = _disk
        sys.modules |= {"skimage": ModuleType("skimage"), "skimage.morphology": morphology}
    sys.path.insert(0, named)
    return import_module("davis2017.metrics"), import_module("davis2017.utils")


def _disk(radius: float) -> np.ndarray:
    offset = np.arange(-radius, radius + 1)
    return (offset[:, None] ** 2 + offset**2 <= radius**2).astype(np.uint8)
