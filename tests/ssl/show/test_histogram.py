"""A histogram's bars stand where their values lie and are as high as their numbers."""

import xml.etree.ElementTree as ET

import pytest

from densewalk.datasets.errors import DataError
from densewalk.ssl.report.drawing import check_drawing
from densewalk.ssl.show.histogram import histogram


def bars(svg: str) -> list[tuple[float, float]]:
    """Return left end and height of every bar."""
    return [(float(r.get("x", "")), float(r.get("height", ""))) for r in ET.fromstring(svg).iter("rect")]


def words(svg: str) -> list[str]:
    return [str(text.text) for text in ET.fromstring(svg).iter("text")]


def test_bars_stand_at_their_edges_and_empty_ones_are_left_out() -> None:
    svg = histogram([0, 1, 2, 4], [10, 0, 5], label="length, s", median=0.5)
    assert bars(svg) == [(0.0, 96.0), (170.0, 48.0)]
    assert words(svg)[:2] == ["length, s", "median 0.5"]
    assert words(svg)[3:] == ["0", "1", "2", "3", "4"]
    check_drawing(svg)


def test_a_logarithmic_axis_has_decades() -> None:
    svg = histogram([0.1, 1, 10, 100], [1, 2, 3], label="motion", median=10, log_x=True)
    assert [left for left, _ in bars(svg)] == pytest.approx([0, 113.33, 226.67], abs=0.01)
    assert words(svg)[3:] == ["0.1", "1", "10", "100"]


def test_an_axis_within_a_decade_has_its_ends() -> None:
    assert words(histogram([2, 3, 5], [1, 1], label="x", median=3, log_x=True))[3:] == ["2", "5"]


def test_an_open_end_is_said() -> None:
    svg = histogram([0, 1, 2], [3, 9], label="x", median=1.5, open_end=True)
    assert words(svg)[-1] == "2+"
    assert "1 or more: 9" in svg


def test_no_value_is_refused() -> None:
    with pytest.raises(DataError, match="at least one value"):
        histogram([0, 1], [0], label="x", median=0)
