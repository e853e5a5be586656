"""Charts are small, well-formed, self-contained, follow the page's colours and show the numbers given."""

import re
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from densewalk.ssl.show.curves import bars, loss_curve, threshold_curves

STEPS = list(range(400))
LOSS = [5 * 0.99**step for step in STEPS]


@pytest.fixture(params=["curve", "bars", "thresholds"])
def chart(request: pytest.FixtureRequest) -> str:
    if request.param == "bars":
        return bars({"trained": 62.3, "raw RGB": 28.4}, label="AJ (%)", ours={"trained"})
    if request.param == "thresholds":
        curves = {f"subject {n}": ([1, 2, 4], [10.0, 20.0 + n, 60.0]) for n in range(10)}
        return threshold_curves(curves, x_label="threshold, px", y_label="PCK, %")
    return loss_curve({"walk": (STEPS, LOSS), "other": (STEPS, LOSS)}, references={"zero motion": 2.0})


def test_a_chart_is_one_svg_element_that_refers_to_nothing_outside(chart: str) -> None:
    root = ET.fromstring(chart)
    assert root.tag == "svg"
    assert root.get("role") == "img"
    assert root.get("aria-label")
    assert not re.search(r"https?:|<\?xml|<!DOCTYPE|xmlns|<metadata", chart)
    own = set(re.findall(r'id="([^"]+)"', chart))
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', chart)) <= own
    assert len(chart) < 60_000


def test_every_colour_follows_the_page(chart: str) -> None:
    stated = re.findall(r"(?:fill|stroke): ?(#[0-9a-f]{6})", chart)
    assert not stated
    assert "var(--series-1," in chart
    assert "var(--muted," in chart


def test_bytes_are_stable_and_ids_differ_between_charts() -> None:
    first, same = (loss_curve({"a": (STEPS, LOSS)}) for _ in range(2))
    other = loss_curve({"a": (STEPS, LOSS[::-1])})
    assert first == same
    ids = [set(re.findall(r'id="([^"]+)"', text)) for text in (first, other)]
    assert not ids[0] & ids[1]


def test_text_stays_text_and_hostile_names_are_escaped() -> None:
    name = '<script>alert("$x$ & y")</script>'
    for chart in (bars({name: 1.0, "b": 2.0}, label=name), loss_curve({name: (STEPS, LOSS), "b": (STEPS, LOSS)})):
        assert "<script" not in chart
        root = ET.fromstring(chart)
        assert name in {element.text for element in root.iter("text")}
        assert name in str(root.get("aria-label"))


def test_bars_are_as_long_as_their_values_and_ours_is_in_colour() -> None:
    chart = ET.fromstring(bars({"a": 10.0, "b": 40.0, "c": float("nan")}, label="x", ours={"b"}))
    paths = [p for p in chart.iter("path") if re.search(r"fill: var\(--(series-1|quiet)", p.get("style", ""))]
    widths = [np.ptp([float(x) for x in re.findall(r"[ML] ([\d.]+) ", p.get("d", ""))]) for p in paths]
    assert widths[1] == pytest.approx(4 * widths[0], rel=0.01)
    assert widths[2] == 0
    assert ["series-1" in p.get("style", "") for p in paths] == [False, True, False]
    assert {"10.0", "40.0", "not measured"} <= {text.text for text in chart.iter("text")}


def test_a_long_label_of_bars_is_broken_rather_than_cut() -> None:
    label = "endpoint error of a tracked point, px of a 256 x 256 picture (shorter is better)"
    lines = [text.text for text in ET.fromstring(bars({"a long name of a row": 1.0}, label=label)).iter("text")]
    assert label not in lines
    assert any(str(line).endswith("(shorter is better)") for line in lines)


def test_curves_with_gaps_and_outliers_keep_a_firm_line_through_the_rest() -> None:
    loss = [1.0 + 0.001 * step for step in STEPS]
    loss[50], loss[200] = float("nan"), 1e3
    chart = ET.fromstring(loss_curve({"a": (STEPS, loss)}))
    lines = [p.get("d", "") for p in chart.iter("path") if "stroke-width: 2.2" in p.get("style", "")]
    heights = [float(y) for y in re.findall(r"[ML] [\d.]+ ([\d.]+)", lines[0])]
    assert lines[0].count("M") == 2
    assert np.ptp(heights) < 2


def test_short_and_empty_curves_and_a_logarithmic_axis_can_be_drawn() -> None:
    for curves in ({"a": ([0, 1], [3.0, 2.0])}, {"a": ([5], [1.0])}, {"a": ([], [])}, {}):
        ET.fromstring(loss_curve(curves))
    chart = ET.fromstring(loss_curve({"a": (STEPS, np.geomspace(1e-3, 1e3, 400).tolist())}, log_y=True))
    assert {"0.001", "1000"} <= {text.text for text in chart.iter("text")}


def test_shares_are_drawn_on_the_whole_range_and_every_curve_is_named_and_told_apart() -> None:
    curves = {f"subject {n}": ([0.0, 0.5], [0.0, 50.0]) for n in range(10)}
    root = ET.fromstring(threshold_curves(curves, x_label="threshold", y_label="PCK, %"))
    texts = {text.text for text in root.iter("text")}
    assert {"0", "100", "threshold", "PCK, %", *curves} <= texts
    styles = [path.get("style", "") for path in root.iter("path")]
    firm = {re.sub(r"clip-path.*", "", style) for style in styles if "stroke-width: 2;" in style + ";"}
    assert len(firm) == 10


def test_no_global_figure_state_is_used(chart: str) -> None:
    assert chart
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()
