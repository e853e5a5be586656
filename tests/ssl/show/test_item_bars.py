"""Bars of items are as long as their values, sorted, named, and small enough for a hundred and fifty classes."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from densewalk.datasets.errors import DataError
from densewalk.ssl.report.drawing import check_drawing
from densewalk.ssl.show.item_bars import item_bars

NAN = float("nan")


def boxes(svg: str) -> list[tuple[str, float, float]]:
    """Return hint, left end and width of every bar."""
    found = [(rect, rect.find("title")) for rect in ET.fromstring(svg).iter("rect")]
    return [(str(t.text), float(r.get("x", "")), float(r.get("width", ""))) for r, t in found if t is not None]


def words(svg: str) -> list[str]:
    return [str(text.text) for text in ET.fromstring(svg).iter("text")]


def test_bars_are_sorted_by_the_first_subject_and_as_long_as_their_values() -> None:
    svg = item_bars({"a": {"x": 10.0, "y": 40.0, "z": NAN}, "b": {"x": 20.0, "z": 5.0}}, label="IoU")
    found = boxes(svg)
    assert [hint for hint, *_ in found] == ["y, a: 40.0", "x, a: 10.0", "x, b: 20.0", "z, b: 5.0"]
    lengths = [width for *_, width in found]
    assert np.allclose(np.array(lengths) / lengths[0], [1, 0.25, 0.5, 0.125], atol=0.01)
    assert words(svg).count("not measured") == 2
    assert "var(--series-2," in svg


def test_one_subject_has_no_legend_and_negative_values_go_left() -> None:
    svg = item_bars({"a": {"gain": 2.0, "loss": -2.0}}, label="gain")
    (_, right, right_width), (_, left, left_width) = boxes(svg)
    assert right_width == pytest.approx(left_width, abs=0.2)
    assert left + left_width == pytest.approx(right, abs=0.2)
    assert "a" not in words(svg)


def test_the_longest_bar_leaves_room_for_its_number() -> None:
    svg = item_bars({"a": {"item": 99.9}}, label="x")
    _, left, width = boxes(svg)[0]
    assert left + width < float(re.findall(r'viewBox="0 0 (\d+) ', svg)[0]) - 25


def test_a_hundred_and_fifty_classes_of_four_subjects_stay_small_and_sound() -> None:
    rng = np.random.default_rng(0)
    series = {f"subject {s}": {f"class {n}": float(v) for n, v in enumerate(rng.random(150))} for s in range(4)}
    svg = item_bars(series, label="IoU")
    check_drawing(svg)
    assert len(boxes(svg)) == 600
    assert len(svg) < 120_000
    assert svg == item_bars(series, label="IoU")


def test_hostile_names_are_escaped_and_long_ones_keep_both_ends() -> None:
    name = '<script>alert("1")</script> & a name that is much too long to stand beside a bar'
    svg = item_bars({name: {name: 1.0}, "b": {name: 2.0}}, label=name)
    check_drawing(svg)
    assert any(text.startswith("<script>") and text.endswith("a bar") for text in words(svg))


@pytest.mark.parametrize("series", [{}, {"a": {}}, {"a": {"x": NAN}}])
def test_nothing_measured_is_refused(series: dict[str, dict[str, float]]) -> None:
    with pytest.raises(DataError, match="at least one finite value"):
        item_bars(series, label="IoU")
