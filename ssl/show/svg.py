"""Charts written as SVG by hand: the element itself and words in it.

Like the charts of `curves.py` they are one `<svg>` element in the page's own colours, without anything from outside.
"""

from collections.abc import Sequence
from html import escape

__all__ = ["chart", "words"]


def chart(parts: Sequence[str], *, size_wh: tuple[float, float], about: str) -> str:
    """Return the `<svg>` element; `about` tells what it shows to those who cannot see it."""
    box = f"0 0 {size_wh[0]:.0f} {size_wh[1]:.0f}"
    head = f'<svg role="img" aria-label="{escape(about)}" viewBox="{box}" width="100%">'
    return "\n".join([head, *filter(None, parts), "</svg>"])


def words(x: float, y: float, text: str, colour: str, *, size: float, anchor: str = "start", turn: int = 0) -> str:
    """Return text on the base line `y`, turned by `turn` degrees about its anchor ("start", "middle", "end")."""
    place = f'transform="translate({x:.1f} {y:.1f}) rotate({turn})"' if turn else f'x="{x:.1f}" y="{y:.1f}"'
    style = f"font-size: {size:g}px; fill: {colour}"
    return f'<text {place} text-anchor="{anchor}" style="{style}">{escape(text)}</text>'
