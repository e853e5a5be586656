"""Charts made of scores show every subject's own numbers, and say what they leave out."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from densewalk.cluster.score_charts import item_charts, threshold_charts
from densewalk.ssl.evaluate import BENCHMARKS
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.report.blocks import Chart, Fold

NAME = "scenes-segmentation"
SCORES = Scores(name=NAME, subject="s", headline="mIoU", scalars={}, protocol={})


@pytest.fixture(autouse=True)
def bars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BENCHMARKS, NAME, replace(BENCHMARKS[NAME], bars=("class", "iou")))


def with_rows(*values: float | None, first: int = 0) -> Scores:
    rows = [{"class": f"class {n}", "iou": value} for n, value in enumerate(values, start=first)]
    return replace(SCORES, rows=rows)


def hints(chart: Chart) -> list[str]:
    return [str(title.text) for title in ET.fromstring(chart.svg).iter("title")]


def test_a_few_items_of_several_subjects_are_bars_side_by_side() -> None:
    (chart,) = item_charts({"a": with_rows(1.0, 3.0), "b": with_rows(2.0, None)})
    assert isinstance(chart, Chart)
    assert hints(chart) == ["class 1, a: 3.0", "class 0, a: 1.0", "class 0, b: 2.0"]
    assert chart.caption == ""


def test_rows_of_one_item_are_averaged() -> None:
    rows = [{"class": "x", "iou": 1.0}, {"class": "x", "iou": 2.0}, {"class": "x", "iou": float("nan")}]
    (chart,) = item_charts({"a": replace(SCORES, rows=rows)})
    assert hints(chart) == ["x: 1.5"]


def test_many_bars_are_folded_away_and_of_too_many_the_lowest_are_drawn() -> None:
    (fold,) = item_charts({"a": with_rows(*map(float, range(200)))})
    assert isinstance(fold, Fold)
    assert "200" in fold.summary
    (chart,) = fold.blocks
    assert chart.caption == "The 150 lowest of 200."
    found = hints(chart)
    assert len(found) == 150
    assert found[0] == "class 149: 149.0"


def test_subjects_beyond_six_are_named_instead_of_drawn() -> None:
    (chart,) = item_charts({f"s{n}": with_rows(1.0) for n in range(8)})
    assert chart.caption == "Not drawn: s6, s7."


@pytest.mark.parametrize("scores", [SCORES, with_rows(None), replace(with_rows(1.0), name="unknown")])
def test_nothing_is_drawn_where_there_is_nothing(scores: Scores) -> None:
    assert item_charts({"a": scores}) == []


def test_scalars_of_thresholds_become_curves_in_the_order_of_thresholds() -> None:
    scalars = {"PCK@0.1": 10.0, "PCK@0.5": 50.0, "PCK@0.2": 20.0, "delta_1": 1.0, "delta_2": 3.0, "delta_avg": 2.0}
    (chart,) = threshold_charts({"a": replace(SCORES, scalars=scalars), "b": SCORES})
    path = next(p.get("d", "") for p in ET.fromstring(chart.svg).iter("path") if "series-1" in p.get("style", ""))
    across = [float(x) for x in re.findall(r"[ML] ([\d.]+) ", path)]
    assert across == sorted(across)
    assert len(across) == 3
    assert threshold_charts({"b": SCORES}) == []
