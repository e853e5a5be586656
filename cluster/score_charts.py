"""Charts that are drawn anew from scores: shares within growing thresholds, and the bars of every item.

Both show several subjects at once, so they must be of one benchmark under one protocol.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from densewalk.ssl.evaluate import BENCHMARKS
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.report.blocks import Block, Chart, Fold
from densewalk.ssl.report.table import Column
from densewalk.ssl.show.curves import threshold_curves
from densewalk.ssl.show.item_bars import item_bars

__all__ = ["item_charts", "threshold_charts"]

_CURVES = {
    "PCK@": ("threshold, share of the size", "points within the threshold, %"),
    "delta_": ("threshold, px", "points within the threshold, %"),
}
"""Scalars that are points of a curve, by what their names begin with: the labels of its axes."""
_MAX_ITEMS, _MAX_SUBJECTS, _OPEN_BARS = 150, 6, 60


def threshold_charts(scores: Mapping[str, Scores]) -> list[Block]:
    """Return a chart for every family of scalars that are shares within a threshold, from three thresholds on."""
    charts: list[Block] = []
    for prefix, (x_label, y_label) in _CURVES.items():
        points = {label: _points(own.scalars, prefix) for label, own in scores.items()}
        curves = {
            label: ([x for x, _ in found], [y for _, y in found]) for label, found in points.items() if len(found) > 2
        }
        if curves:
            charts.append(Chart(svg=threshold_curves(curves, x_label=x_label, y_label=y_label)))
    return charts


def item_charts(scores: Mapping[str, Scores]) -> list[Block]:
    """Return the bars that the benchmark's kind asks for, folded away when they are many; nothing without rows.

    Rows of one item are averaged. At most 150 items are drawn, the lowest of the first subject, and six subjects; what
    is left out is named.
    """
    kind = BENCHMARKS.get(next(iter(scores.values())).name)
    if kind is None or kind.bars is None:
        return []
    item, field = kind.bars
    values = {label: _by_item(own.rows, item, field) for label, own in scores.items()}
    known = {label: own for label, own in values.items() if any(map(math.isfinite, own.values()))}
    if not known:
        return []
    series = dict(list(known.items())[:_MAX_SUBJECTS])
    items, num_items = _lowest_items(series)
    series = {label: {name: own[name] for name in items if name in own} for label, own in series.items()}
    column = kind.columns.get(field, Column(title=field))
    svg = item_bars(series, label=_label(column, item), digits=column.digits)
    chart = Chart(svg=svg, caption=_left_out(list(known)[_MAX_SUBJECTS:], num_items))
    is_short = len(items) * len(series) <= _OPEN_BARS
    return [chart if is_short else Fold(summary=f"{column.title} by {item}: {num_items}", blocks=(chart,))]


def _points(scalars: Mapping[str, float], prefix: str) -> list[tuple[float, float]]:
    pattern = re.compile(re.escape(prefix) + r"(\d+(?:\.\d+)?)")
    matches = {name: pattern.fullmatch(name) for name in scalars}
    return sorted((float(match[1]), scalars[name]) for name, match in matches.items() if match)


def _by_item(rows: Sequence[Mapping[str, Any]], item: str, field: str) -> dict[str, float]:
    """Return the mean value of every item; one without any is not a number."""
    found: dict[str, list[float]] = {}
    for row in rows:
        name = row.get(item)
        values = found.setdefault(f"{item} {name}" if isinstance(name, int) else str(name), [])
        value = row.get(field)
        if isinstance(value, int | float) and math.isfinite(value):
            values.append(value)
    return {name: sum(values) / len(values) if values else math.nan for name, values in found.items()}


def _lowest_items(series: Mapping[str, Mapping[str, float]]) -> tuple[list[str], int]:
    """Return the items that are drawn, and how many there are."""
    items = list(dict.fromkeys(name for values in series.values() for name in values))
    first = next(iter(series.values()))
    value = {name: first.get(name, math.nan) for name in items}
    lowest = sorted(items, key=lambda name: value[name] if math.isfinite(value[name]) else math.inf)
    return lowest[:_MAX_ITEMS], len(items)


def _label(column: Column, item: str) -> str:
    unit = f", {column.unit}" if column.unit else ""
    better = f"; {column.better} is better" if column.better else ""
    return f"{column.title}{unit} by {item}{better}"


def _left_out(subjects: Sequence[str], num_items: int) -> str:
    said = [f"The {_MAX_ITEMS} lowest of {num_items}."] if num_items > _MAX_ITEMS else []
    said += [f"Not drawn: {', '.join(subjects)}."] if subjects else []
    return " ".join(said)
