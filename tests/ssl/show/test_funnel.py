"""A funnel's bars are as wide as what is left, and what is lost stands between them."""

import re
import xml.etree.ElementTree as ET

import pytest

from densewalk.datasets.errors import DataError
from densewalk.ssl.report.drawing import check_drawing
from densewalk.ssl.show.funnel import FunnelStep, funnel

STEPS = [
    FunnelStep(title="came", count=1000, lost=(("too <short>", 600), ("black", 150))),
    FunnelStep(title="sound", count=250),
    FunnelStep(title="written", count=0),
]


def test_bars_are_as_wide_as_what_is_left() -> None:
    svg = funnel(STEPS, label="clips")
    widths = [float(rect.get("width", "")) for rect in ET.fromstring(svg).iter("rect")]
    assert widths == [340.0, 85.0, 0.0]
    check_drawing(svg)


def test_what_is_lost_is_named_with_its_number() -> None:
    words = [str(text.text) for text in ET.fromstring(funnel(STEPS, label="clips")).iter("text")]
    assert words[:3] == ["clips", "came", "1,000"]
    assert [word.lstrip("\N{MINUS SIGN}") for word in words if word.startswith("\N{MINUS SIGN}")] == [
        "600  too <short>",
        "150  black",
    ]


def test_many_reasons_are_summed_up() -> None:
    lost = tuple((f"reason {number}", 20 - number) for number in range(12))
    svg = funnel([FunnelStep(title="a", count=1000, lost=lost), FunnelStep(title="b", count=826)], label="x")
    assert "42  for 4 other reasons" in svg
    assert re.search("reason 7<", svg)
    assert not re.search("reason 8<", svg)


def test_a_step_seldom_reached_still_shows() -> None:
    svg = funnel([FunnelStep(title="a", count=10**7), FunnelStep(title="b", count=1)], label="x")
    assert 'width="1.0"' in svg


def test_nothing_to_begin_with_is_refused() -> None:
    for steps in ([], [FunnelStep(title="a", count=0)]):
        with pytest.raises(DataError, match="found none"):
            funnel(steps, label="x")
