"""Scores stand in one table only under one protocol."""

import pytest

from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.report.score_table import score_table
from densewalk.ssl.report.table import Column

COLUMNS = {"aj": Column(title="AJ", better="higher"), "epe": Column(title="error", better="lower")}


def scores(subject: str, aj: float, query_mode: str = "first", **more: float) -> Scores:
    return Scores(
        name="scenes-tracking",
        subject=subject,
        headline="aj",
        scalars={"aj": aj, "ignored": 1.0, **more},
        protocol={"query_mode": query_mode, "scenes": 24},
    )


def test_a_row_per_subject_in_order_with_its_role_and_gaps_shown() -> None:
    table = score_table(
        [scores("trained", 60.0, epe=3.0), scores("raw RGB", 20.0), scores("other", 10.0, epe=9.0)],
        COLUMNS,
        roles={"trained": "ours", "raw RGB": "baseline"},
    )
    shown = table.shown()
    assert [role for role, _ in shown] == ["ours", "baseline", "plain"]
    assert [[cell.text for cell in cells] for _, cells in shown] == [
        ["trained", "60.0", "3.0"],
        ["raw RGB", "20.0", "\N{EN DASH}"],
        ["other", "10.0", "9.0"],
    ]
    assert [cell.is_best for cell in shown[0][1]] == [False, True, True]


def test_different_protocols_are_refused_and_the_difference_named() -> None:
    with pytest.raises(BenchmarkError, match="query_mode: first against strided"):
        score_table([scores("a", 1.0), scores("b", 2.0, "strided")], COLUMNS, roles={})


def test_no_scores_make_an_empty_table() -> None:
    assert score_table([], COLUMNS, roles={}).shown() == []
