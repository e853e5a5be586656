"""A histogram as inline SVG: how often values of a quantity occur, with their median.

Bars touch and keep to the edges they are given; a logarithmic axis has ticks at powers of ten. The chart follows the
page's colours; every bar says its bounds and number to a pointer that rests on it.

Shapes: B bars.
"""

import math
from collections.abc import Iterator, Sequence
from functools import partial
from html import escape

from densewalk.datasets.errors import DataError
from densewalk.ssl.show.chart_colours import INK, LINE, MUTED, SERIES
from densewalk.ssl.show.svg import chart, words

__all__ = ["histogram"]

_WIDTH, _PLOT, _FONT = 340.0, 96.0, 10.0
_TOP, _EDGE = 34.0, 9.0
_MOST_TICKS = 6


def histogram(
    edges: Sequence[float],
    counts: Sequence[int],
    *,
    label: str,
    median: float,
    log_x: bool = False,
    open_end: bool = False,
) -> str:
    """Return bars of `counts` (B) between `edges` (B + 1, ascending; above 0 on a logarithmic axis).

    `label` names the quantity and its unit; `open_end` says that the last bar holds everything beyond. Raises
    `DataError` without any value.
    """
    if not sum(counts):
        raise DataError(f"a histogram of {label} needs at least one value, found none")
    place = partial(_place, low=edges[0], high=edges[-1], log_x=log_x)
    top = max(counts)
    drawn = [
        words(0, 12, label, MUTED, size=_FONT),
        words(_WIDTH, 12, f"median {median:.3g}", INK, size=_FONT, anchor="end"),
    ]
    for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True):
        if count:
            left, height = place(low), max(count / top * _PLOT, 0.8)
            beyond = " or more" if open_end and high == edges[-1] else f" to {high:.3g}"
            said = escape(f"{low:.3g}{beyond}: {count:,}")
            box = f'x="{left:.2f}" y="{_TOP + _PLOT - height:.2f}" width="{max(place(high) - left - 0.6, 0.6):.2f}"'
            drawn.append(f'<rect {box} height="{height:.2f}" style="fill: {SERIES[0]}"><title>{said}</title></rect>')
    base = _TOP + _PLOT
    drawn.append(f'<path d="M0 {base}H{_WIDTH:.0f}" style="stroke: {LINE}; fill: none"/>')
    if edges[0] <= median <= edges[-1]:
        at = f"M{place(median):.1f} {_TOP - 8}V{base}"
        drawn.append(f'<path d="{at}" style="stroke: {INK}; fill: none; stroke-dasharray: 3 2"/>')
    drawn.append(words(0, _TOP - 8, f"{top:,}", MUTED, size=8.5))
    for tick in _ticks(edges[0], edges[-1], log_x=log_x):
        x = place(tick)
        anchor = "start" if x < _EDGE else "end" if x > _WIDTH - _EDGE else "middle"
        text = f"{float(f'{tick:.3g}'):g}"
        text += "+" if open_end and tick == edges[-1] else ""
        drawn.append(words(x, base + 13, text, MUTED, size=9, anchor=anchor))
    about = f"{label}: {sum(counts)} values from {edges[0]:.3g} to {edges[-1]:.3g}, median {median:.3g}"
    return chart(drawn, size_wh=(_WIDTH, base + 18), about=about)


def _place(value: float, low: float, high: float, *, log_x: bool) -> float:
    """Return where a value lies across the chart."""
    if log_x:
        value, low, high = (math.log(number) for number in (value, low, high))
    return min(max((value - low) / (high - low), 0.0), 1.0) * _WIDTH


def _ticks(low: float, high: float, *, log_x: bool) -> Iterator[float]:
    if log_x:
        decades = [
            10.0**power for power in range(math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9) + 1)
        ]
        yield from decades if len(decades) > 1 else (low, high)
        return
    raw = (high - low) / _MOST_TICKS
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * unit for factor in (1, 2, 5, 10) if factor * unit >= raw * 0.999)
    number = math.ceil(low / step - 1e-9)
    while number * step <= high * (1 + 1e-9):
        yield round(number * step, 10)
        number += 1
