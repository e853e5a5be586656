"""Scores as people read them: which numbers of a benchmark are shown, which way is better, who is what."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from densewalk.ssl.evaluate import BENCHMARKS
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.score_files import read_score_folder
from densewalk.ssl.report.score_table import score_table
from densewalk.ssl.report.table import Column, Role, Table

__all__ = ["COLLAPSED", "OURS", "board", "read_scoreboard", "score_columns"]

OURS = "densewalk"
COLLAPSED = "without label warping"

_ROLES: dict[str, Role] = {
    OURS: "ours",
    COLLAPSED: "ablation",
    "untrained": "baseline",
    "rgb": "baseline",
    "zero-motion": "baseline",
    "dis-flow": "baseline",
}


def board(scores: Sequence[Scores], *, caption: str = "") -> Table:
    """Return the scores of several subjects under one benchmark as a table; one unknown here shows its headline."""
    return score_table(scores, score_columns(scores[0]), roles=_ROLES, caption=caption)


def score_columns(scores: Scores) -> Mapping[str, Column]:
    """Return the columns of a benchmark's table after the subject, by scalar."""
    kind, headline = BENCHMARKS.get(scores.name), scores.headline
    return {headline: Column(title=headline, better="higher")} if kind is None else kind.columns


def read_scoreboard(folder: Path) -> dict[str, list[Scores]]:
    """Return the scores in a folder by the names of their files, in the order of the benchmarks; empty when none."""
    found = read_score_folder(folder)
    order = {name: position for position, name in enumerate(BENCHMARKS)}
    return dict(sorted(found.items(), key=lambda item: (order.get(item[1][0].name, len(order)), item[0])))
