"""Scores as people read them: which numbers of a benchmark are shown, which way is better, who is what."""

import json
from collections.abc import Sequence
from pathlib import Path

from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.evaluate import BENCHMARKS
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


def board(scores: Sequence[Scores], *, caption: str = "") -> Table:
    """Return the scores of several subjects under one benchmark as a table; one unknown here shows its headline."""
    kind, headline = BENCHMARKS.get(scores[0].name), scores[0].headline
    columns = {headline: Column(title=headline, better="higher")} if kind is None else kind.columns
    return score_table(scores, columns, roles=_ROLES, caption=caption)


def read_score_folder(folder: Path) -> dict[str, list[Scores]]:
    """Return the scores in a folder by benchmark, the known ones first; empty when there are none."""
    found = {path.stem: read_scores(path) for path in sorted(folder.glob("*.json"))}
    order = [*(name for name in BENCHMARKS if name in found), *(name for name in found if name not in BENCHMARKS)]
    return {name: found[name] for name in order if found[name]}


def read_scores(path: Path) -> list[Scores]:
    """Read a file of `save_scores`; raises `BenchmarkError` when it is something else."""
    try:
        return [Scores(**row) for row in json.loads(path.read_text())]
    except (OSError, ValueError, TypeError) as error:
        raise BenchmarkError(f"cannot read scores from {path}: {error}; repeat densewalk evaluate") from error
