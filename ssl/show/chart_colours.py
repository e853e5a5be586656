"""Colours of charts as CSS variables of the page, each with a fallback that reads on a light and on a dark ground.

Series are told apart by hue and lightness, blue and orange first, which no common colour blindness confuses.
"""

__all__ = ["INK", "LINE", "MUTED", "QUIET", "SERIES", "series_colour"]

INK = "var(--ink, #6f7680)"
"""Words."""
MUTED = "var(--muted, #868d97)"
"""Secondary words."""
LINE = "var(--line, #9aa1ab55)"
"""Grids and axes."""
QUIET = "var(--quiet, #9aa1ab)"
"""What stands in the background."""
SERIES = tuple(
    f"var(--series-{number}, {fallback})"
    for number, fallback in enumerate(
        ("#3b82d6", "#d9772b", "#2f9e6e", "#b65fc4", "#c9a227", "#2a9db0", "#d4587a", "#8a919c"), start=1
    )
)


def series_colour(number: int) -> str:
    """Return the colour of a series, counted from 0; after eight they begin anew."""
    return SERIES[number % len(SERIES)]
