"""A confusion matrix as inline SVG that stays readable from two classes to a hundred and fifty.

A row is a true class, a column what it was taken for; a cell is its share of the row. What is right is blue
along the diagonal, what is wrong is orange, both the fuller the larger the share. Below stand the worst confusions in
words, since no eye finds them among twenty thousand cells.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from densewalk.datasets.errors import DataError
from densewalk.ssl.show.chart_colours import INK, LINE, MUTED, SERIES
from densewalk.ssl.show.svg import chart, words

__all__ = ["confusion_chart"]

_LEVELS = 12
_NUM_WORST = 8
_LEAST_SHARE = 0.005
"""Cells below this share of their row stay empty."""
_LETTER = 0.56
"""Mean width of a letter in font sizes."""


def confusion_chart(count_LL: Int[np.ndarray, "l l"], classes: Sequence[str]) -> str:
    """Return the matrix of counts (of pixels, or of images) by (true class, predicted class) as SVG.

    A class that is never true has an empty row and a pale name. Raises `DataError` when there is not one name a class
    or nothing was counted.
    """
    if len(classes) != len(count_LL):
        raise DataError(
            f"a confusion matrix of {len(count_LL)} classes was given {len(classes)} names; expected as many"
        )
    if not count_LL.sum():
        raise DataError(
            "a confusion matrix counts nothing; every true label is ignored (255), or there is none to score"
        )
    share_LL = count_LL / np.maximum(count_LL.sum(1), 1)[:, None]
    cell, font = _sizes(len(classes))
    origin = max(map(len, classes)) * font * _LETTER + 10
    side, is_numbered = len(classes) * cell, cell > 30
    worst = ["rows: truth; columns: prediction; shares of a row", *_worst(share_LL, classes)]
    drawn = [
        *_cells(share_LL, origin, cell, fullest=0.6 if is_numbered else 1.0),
        f'<path d="M{origin:.0f} {origin:.0f}h{side:g}v{side:g}h-{side:g}z" style="fill: none; stroke: {LINE}"/>',
        *(_percents(share_LL, origin, cell, font) if is_numbered else ()),
    ]
    for number, name in enumerate(classes):
        line, is_there = origin + (number + 0.5) * cell + font * 0.35, bool(count_LL[number].any())
        drawn.append(words(origin - 5, line, name, INK if is_there else MUTED, size=font, anchor="end"))
        drawn.append(words(line, origin - 5, name, INK, size=font, turn=-90))
    for number, text in enumerate(worst):
        drawn.append(words(0, origin + side + 22 + 17 * number, text, INK if number else MUTED, size=11))
    size_wh = max(origin + side, 330.0) + 4, origin + side + 17 * len(worst) + 16
    right = 100 * count_LL.trace() / count_LL.sum()
    return chart(drawn, size_wh=size_wh, about=f"confusion of {len(classes)} classes, {right:.1f} % right")


def _sizes(count: int) -> tuple[float, float]:
    """Return the side of a cell and the size of the letters."""
    if count <= 8:
        return 38.0, 11.0
    return (17.0, 11.0) if count <= 40 else (12.0, 10.0)


def _cells(share_LL: np.ndarray, origin: float, cell: float, *, fullest: float) -> list[str]:
    """Return one path a level of right and of wrong cells: a few dozen elements whatever the number of classes."""
    level_LL = np.ceil(share_LL * _LEVELS - 1e-9).astype(int) * (share_LL >= _LEAST_SHARE)
    right_LL = np.eye(len(share_LL), dtype=bool)
    paths = []
    for colour, kind_LL in ((SERIES[0], right_LL), (SERIES[1], ~right_LL)):
        for level in range(1, _LEVELS + 1):
            places = origin + np.argwhere(kind_LL & (level_LL == level)) * cell
            if len(places):
                path = "".join(f"M{x:.0f} {y:.0f}h{cell:g}v{cell:g}h-{cell:g}z" for y, x in places)
                opacity = fullest * (level / _LEVELS) ** 0.7
                paths.append(f'<path d="{path}" style="fill: {colour}; fill-opacity: {opacity:.2f}"/>')
    return paths


def _percents(share_LL: np.ndarray, origin: float, cell: float, font: float) -> list[str]:
    return [
        words(
            origin + (c + 0.5) * cell,
            origin + (r + 0.5) * cell + 4,
            f"{100 * share:.0f}",
            INK,
            size=font,
            anchor="middle",
        )
        for (r, c), share in np.ndenumerate(share_LL)
        if share >= _LEAST_SHARE
    ]


def _worst(share_LL: np.ndarray, classes: Sequence[str]) -> list[str]:
    wrong_LL = np.where(np.eye(len(share_LL), dtype=bool), 0.0, share_LL)
    order = np.argsort(-wrong_LL, axis=None, kind="stable")[:_NUM_WORST]
    places = [divmod(int(place), len(classes)) for place in order]
    return [
        f"{classes[true]} taken for {classes[taken]}: {100 * wrong_LL[true, taken]:.1f} %"
        for true, taken in places
        if wrong_LL[true, taken] > 0
    ]
