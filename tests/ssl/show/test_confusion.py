"""A confusion matrix shows every share in its place, right and wrong apart, for two classes and for many."""

import re

import numpy as np
import pytest

from densewalk.datasets.errors import DataError
from densewalk.ssl.report.drawing import check_drawing
from densewalk.ssl.show.confusion import confusion_chart


def cells(svg: str) -> dict[str, list[tuple[int, int]]]:
    """Return the corners of the coloured cells by series."""
    paths = re.findall(r'<path d="([^"]+)" style="fill: var\(--(series-\d)', svg)
    found: dict[str, list[tuple[int, int]]] = {}
    for path, series in paths:
        found.setdefault(series, []).extend((int(x), int(y)) for x, y in re.findall(r"M(\d+) (\d+)h", path))
    return found


def test_right_cells_lie_on_the_diagonal_and_wrong_ones_where_they_belong() -> None:
    count = np.array([[8, 2, 0], [0, 10, 0], [5, 0, 5]])
    svg = confusion_chart(count, ["a", "b", "c"])
    found = cells(svg)
    origin, cell = min(found["series-1"])[0], 38
    right = {((x - origin) // cell, (y - origin) // cell) for x, y in found["series-1"]}
    wrong = {((x - origin) // cell, (y - origin) // cell) for x, y in found["series-2"]}
    assert right == {(0, 0), (1, 1), (2, 2)}
    assert wrong == {(1, 0), (0, 2)}
    texts = re.findall(r">([^<]+)</text>", svg)
    assert texts.count("50") == 2
    assert "c taken for a: 50.0 %" in texts
    assert texts.index("c taken for a: 50.0 %") < texts.index("a taken for b: 20.0 %")


def test_a_fuller_share_is_a_fuller_colour() -> None:
    count = np.array([[90, 10], [60, 40]])
    opacity = {
        level: float(value)
        for level, value in re.findall(r'd="(M[^"]+)"[^>]*fill-opacity: ([\d.]+)', confusion_chart(count, ["a", "b"]))
    }
    assert len(set(opacity.values())) == 4


def test_an_absent_class_has_an_empty_row() -> None:
    svg = confusion_chart(np.array([[3, 0], [0, 0]]), ["here", "absent"])
    assert len(cells(svg)["series-1"]) == 1
    assert "100.0 % right" in svg


def test_a_hundred_and_fifty_classes_stay_small_sound_and_named_in_readable_letters() -> None:
    count = np.random.default_rng(0).poisson(1.0, (150, 150)) + 200 * np.eye(150, dtype=int)
    names = [f"class & {number}" for number in range(150)]
    svg = confusion_chart(count, names)
    check_drawing(svg)
    assert len(svg) < 200_000
    assert svg.count(">class &amp; 149<") == 2
    assert min(float(size) for size in re.findall(r"font-size: ([\d.]+)px", svg)) >= 10
    assert float(re.findall(r'viewBox="0 0 (\d+) ', svg)[0]) > 150 * 12
    assert svg == confusion_chart(count, names)


@pytest.mark.parametrize(("count", "names"), [(np.eye(2, dtype=int), ["a"]), (np.zeros((2, 2), int), ["a", "b"])])
def test_names_that_do_not_fit_and_no_pixels_are_refused(count: np.ndarray, names: list[str]) -> None:
    with pytest.raises(DataError, match="confusion matrix"):
        confusion_chart(count, names)
