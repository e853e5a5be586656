"""Scores as people read them: which numbers of a benchmark are shown, which way is better, who is what."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from densewalk.datasets.errors import BenchmarkError
from densewalk.datasets.readers.tapvid_files import LAYOUTS
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.report.score_table import score_table
from densewalk.ssl.report.table import Column, Role, Table

__all__ = ["COLLAPSED", "OURS", "board", "read_scores", "read_score_folder"]

OURS = "densewalk"
COLLAPSED = "without label warping"

_ROLES: dict[str, Role] = {
    OURS: "ours",
    COLLAPSED: "ablation",
    "untrained": "baseline",
    "rgb": "baseline",
    "zero-motion": "baseline",
}

_TRACKING: Mapping[str, Column] = {
    "AJ": Column(title="AJ", better="higher"),
    "delta_avg": Column(title="delta_avg", better="higher"),
    "OA": Column(title="OA", better="higher"),
    "endpoint_error_px": Column(title="endpoint error", better="lower", unit="px"),
}

_COLUMNS: Mapping[str, Mapping[str, Column]] = {
    "scenes-tracking": _TRACKING,
    "scenes-flow": {
        "EPE": Column(title="endpoint error", better="lower", unit="px"),
        "predicted_px": Column(title="motion seen", unit="px"),
        "true_px": Column(title="true motion", unit="px"),
    },
    "scenes-propagation": {
        "J&F": Column(title="J&F", better="higher"),
        "J_mean": Column(title="J", better="higher"),
        "F_mean": Column(title="F", better="higher"),
    },
    "scenes-segmentation": {
        "mIoU": Column(title="mIoU", better="higher"),
        "pixel_accuracy": Column(title="pixel accuracy", better="higher"),
    },
    **{f"tapvid-{dataset}": _TRACKING for dataset in LAYOUTS},
}


def board(scores: Sequence[Scores], *, caption: str = "") -> Table:
    """Return the scores of several subjects under one benchmark as a table; one unknown here shows its headline."""
    columns = _COLUMNS.get(scores[0].name) or {scores[0].headline: Column(title=scores[0].headline, better="higher")}
    return score_table(scores, columns, roles=_ROLES, caption=caption)


def read_score_folder(folder: Path) -> dict[str, list[Scores]]:
    """Return the scores in a folder by benchmark, the known ones first; empty when there are none."""
    found = {path.stem: read_scores(path) for path in sorted(folder.glob("*.json"))}
    order = [*(name for name in _COLUMNS if name in found), *(name for name in found if name not in _COLUMNS)]
    return {name: found[name] for name in order if found[name]}


def read_scores(path: Path) -> list[Scores]:
    """Read a file of `save_scores`; raises `BenchmarkError` when it is something else."""
    try:
        return [Scores(**row) for row in json.loads(path.read_text())]
    except (OSError, ValueError, TypeError) as error:
        raise BenchmarkError(f"cannot read scores from {path}: {error}; repeat densewalk evaluate") from error
