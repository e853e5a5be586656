"""A funnel as inline SVG: how many are left after each step, and what became of the rest.

Bars stand below each other, their width the number that is left; between two of them stands what was lost on the way,
reason by reason. The chart follows the page's colours; every bar tells its step and number to a pointer on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from densewalk.datasets.errors import DataError
from densewalk.ssl.show.chart_colours import INK, MUTED, QUIET, SERIES
from densewalk.ssl.show.lettering import shortened
from densewalk.ssl.show.svg import chart, words

__all__ = ["FunnelStep", "funnel"]

_WIDTH, _FONT = 340.0, 10.0
_BAR, _LINE, _GAP = 13.0, 12.5, 11.0
_MOST_LOSSES = 8
_REASON_PX = 250.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FunnelStep:
    """A step of a funnel."""

    title: str
    count: int
    """How many reach it."""
    lost: tuple[tuple[str, int], ...] = ()
    """Why some of them do not reach the next step, and how many, in the order they are shown."""


def funnel(steps: Sequence[FunnelStep], *, label: str) -> str:
    """Return the funnel; `label` says what is counted. Raises `DataError` when there is nothing at the first step."""
    if not steps or steps[0].count <= 0:
        raise DataError(f"a funnel of {label} needs something to begin with, found none")
    scale = _WIDTH / max(step.count for step in steps)
    drawn, y = [words(0, 12, label, MUTED, size=_FONT)], 30.0
    for number, step in enumerate(steps):
        width = max(step.count * scale, 1.0) if step.count else 0.0
        is_last = number == len(steps) - 1
        drawn += [
            words(0, y, step.title, INK, size=_FONT),
            words(_WIDTH, y, f"{step.count:,}", INK, size=_FONT, anchor="end"),
            _bar(step, y + 5, width, SERIES[2] if is_last else SERIES[0]),
        ]
        y += 5 + _BAR
        if not is_last:
            lines = _losses(step.lost)
            height = _GAP + _LINE * len(lines)
            drawn.append(_slope(y, height, width, steps[number + 1].count * scale))
            drawn += [
                words(8, y + 12 + _LINE * place, shortened(line, _REASON_PX, size_px=10), MUTED, size=9)
                for place, line in enumerate(lines)
            ]
            y += height + 14
    about = f"{label}: " + ", ".join(f"{step.title} {step.count}" for step in steps)
    return chart(drawn, size_wh=(_WIDTH, y + 4), about=about)


def _losses(lost: Sequence[tuple[str, int]]) -> list[str]:
    shown = [f"\N{MINUS SIGN}{count:,}  {reason}" for reason, count in lost[:_MOST_LOSSES]]
    if rest := lost[_MOST_LOSSES:]:
        shown.append(f"\N{MINUS SIGN}{sum(count for _, count in rest):,}  for {len(rest)} other reasons")
    return shown


def _bar(step: FunnelStep, top: float, width: float, colour: str) -> str:
    said = escape(f"{step.title}: {step.count:,}")
    place = f'x="0" y="{top:.1f}" width="{width:.1f}" height="{_BAR}" rx="1.5"'
    return f'<rect {place} style="fill: {colour}"><title>{said}</title></rect>'


def _slope(top: float, height: float, above: float, below: float) -> str:
    shape = f"M0 {top:.1f}H{above:.1f}L{below:.1f} {top + height:.1f}H0Z"
    return f'<path d="{shape}" style="fill: {QUIET}; fill-opacity: 0.16"/>'
