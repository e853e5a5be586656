"""Tables on the terminal name every subject in full and say what a star is."""

import pytest

from densewalk.cluster.cli.tables import show_table
from densewalk.ssl.report.table import Column, Row, Table

NAMES = ("random:resnet18@stages=4+dilate=true", "random:resnet18@stages=4+dilate=false")


def test_names_are_whole_and_the_best_is_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    titles = [f"endpoint error over pixels of kind {number}" for number in range(12)]
    columns = (Column(title="Subject"), *(Column(title=title, better="lower") for title in titles))
    rows = tuple(Row(values=(name, *(1.0 + number for _ in titles))) for number, name in enumerate(NAMES))
    show_table("flow", Table(columns=columns, rows=rows))
    shown = capsys.readouterr().out
    for text in (*NAMES, *titles, "* best of its column"):
        assert text in shown
    assert max(map(len, shown.splitlines())) < 1000


def test_a_single_row_has_no_star_to_explain(capsys: pytest.CaptureFixture[str]) -> None:
    columns = (Column(title="Subject"), Column(title="EPE", better="lower"))
    show_table("flow", Table(columns=columns, rows=(Row(values=("rgb", 1.0)),)))
    assert "*" not in capsys.readouterr().out
