"""Bars of every item (class, sequence, video) of a benchmark, one subject or several side by side, as inline SVG.

Items stand in the order of the first subject's values, largest first, so what it is bad at ends up below. The chart
follows the page's colours; every bar says its item, subject and value to a pointer that rests on it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from densewalk.datasets.errors import DataError
from densewalk.ssl.show.chart_colours import INK, LINE, MUTED, series_colour
from densewalk.ssl.show.svg import chart, words

__all__ = ["item_bars"]

_WIDTH, _FONT, _LETTER = 340.0, 10.0, 6.2
_NAME_LETTERS = 20
_VALUE_ROOM = 32.0
_MANY_BARS = 80
"""Beyond this many bars of several subjects, values stand in the hints alone."""


def item_bars(series: Mapping[str, Mapping[str, float]], *, label: str, digits: int = 1) -> str:
    """Return horizontal bars as SVG: values by item for every subject in `series`.

    `label` names the quantity, its unit and which way is better. A value that is missing or not finite has no bar and
    says so. Raises `DataError` when there is no value at all.
    """
    items = _ordered(series)
    known = [value for values in series.values() for value in values.values() if math.isfinite(value)]
    if not known:
        raise DataError(f"bars of {label} need at least one finite value, found none")
    several = len(series) > 1
    legend, legend_height = _legend(list(series)) if several else ("", 0.0)
    low, high = min(0.0, *known), max(0.0, *known)
    names = min(max(map(len, items)), _NAME_LETTERS) * _LETTER + 10
    axis = _Axis(scale=(_WIDTH - names - _VALUE_ROOM) / ((high - low) or 1.0), low=low, left=names, digits=digits)
    bar, gap = (9.0, 6.0) if several else (12.0, 5.0)
    is_numbered = not several or len(items) * len(series) <= _MANY_BARS
    y, drawn = 22.0 + legend_height, [words(0, 12, label, MUTED, size=_FONT), legend]
    start = y
    for item in items:
        middle = y + len(series) * bar / 2
        drawn.append(words(names - 8, middle + 3, _short(item), INK, size=_FONT, anchor="end"))
        for number, (subject, values) in enumerate(series.items()):
            value = values.get(item, math.nan)
            hint = f"{item}, {subject}" if several else item
            drawn.append(axis.bar(value, top=y, thickness=bar, colour=series_colour(number), hint=hint))
            if is_numbered:
                drawn.append(axis.number(value, middle=y + bar / 2))
            y += bar
        y += gap
    drawn.append(f'<path d="M{axis.zero:.1f} {start - 2:.1f}V{y:.1f}" style="stroke: {LINE}; fill: none"/>')
    return chart(drawn, size_wh=(_WIDTH, y + 4), about=f"{label}: {len(items)} items of {', '.join(series)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Axis:
    """Where values lie across the chart."""

    scale: float
    low: float
    left: float
    digits: int

    @property
    def zero(self) -> float:
        return self.left - self.low * self.scale

    def bar(self, value: float, *, top: float, thickness: float, colour: str, hint: str) -> str:
        if not math.isfinite(value):
            return ""
        x, width = self.zero + min(value, 0.0) * self.scale, max(abs(value) * self.scale, 0.4)
        place = f'x="{x:.1f}" y="{top:.1f}" width="{width:.1f}" height="{thickness - 1.4:.1f}"'
        said = escape(f"{hint}: {_number(value, self.digits)}")
        return f'<rect {place} style="fill: {colour}"><title>{said}</title></rect>'

    def number(self, value: float, *, middle: float) -> str:
        end = self.zero + (max(value, 0.0) * self.scale if math.isfinite(value) else 0.0)
        return words(end + 4, middle + 2.4, _number(value, self.digits), MUTED, size=8.5)


def _ordered(series: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return all items, the first subject's largest value first and what it has no value for last."""
    items = dict.fromkeys(item for values in series.values() for item in values)
    first = next(iter(series.values()), {})
    known = {item: value for item in items if math.isfinite(value := first.get(item, math.nan))}
    return [*sorted(known, key=lambda item: -known[item]), *(item for item in items if item not in known)]


def _legend(subjects: list[str]) -> tuple[str, float]:
    """Return the subjects' names in their colours, as many a line as fit, and the height this takes."""
    drawn, x, line = [], 0.0, 0
    for number, subject in enumerate(subjects):
        text = _short(subject, 48)
        reach = 14 + len(text) * _LETTER + 14
        if x and x + reach > _WIDTH:
            x, line = 0.0, line + 1
        y = 24.0 + 15 * line
        drawn.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="9" height="9" style="fill: {series_colour(number)}"/>')
        drawn.append(words(x + 13, y + 8, text, INK, size=_FONT))
        x += reach
    return "\n".join(drawn), 15.0 * (line + 1) + 8


def _short(text: str, letters: int = _NAME_LETTERS) -> str:
    if len(text) <= letters:
        return text
    return f"{text[: letters // 2]}\N{HORIZONTAL ELLIPSIS}{text[len(text) - letters // 2 + 1 :]}"


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "not measured"
