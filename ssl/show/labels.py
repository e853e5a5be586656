"""Segmentations beside their truth: image, predicted classes, true classes, and where they disagree.

A class has one colour whatever else a picture shows; the legend names the classes that occur. Pixels whose truth is 255
count nowhere and are grey, in the prediction too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.labelled import IGNORED
from densewalk.ssl.show.colours import INK, SLATE, VOID, distinct_colours
from densewalk.ssl.show.lettering import shortened, text_width_px, written
from densewalk.ssl.show.tiles import GAP_PX, Tile, stacked, tiles

__all__ = ["LabelledPicture", "label_sheet"]

_WRONG = (255, 84, 72)
_SWATCH_PX = 14
_LINE_PX = 22
_MIN_SHOWN_SHARE = 1e-3
"""A class with fewer of the pixels than this cannot be seen, and the legend leaves it out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPicture:
    """An image with predicted and true classes, 0 to the number of classes; a truth of 255 counts nowhere."""

    name: str
    image_HWC: UInt8[np.ndarray, "h w 3"]
    predicted_HW: UInt8[np.ndarray, "_ _"]
    truth_HW: UInt8[np.ndarray, "_ _"]


def label_sheet(items: Sequence[LabelledPicture], classes: Sequence[str]) -> UInt8[np.ndarray, "gh gw 3"]:
    """Return a row an image: image, predicted, truth, wrong pixels; below them the colours of the classes.

    Raises `DataError` without images, on sizes that differ within one and on a label that is no class.
    """
    palette = np.full((256, 3), VOID, np.uint8)
    palette[: len(classes)] = distinct_colours(len(classes))
    sheet = tiles([_row(item, palette, len(classes)) for item in items])
    label = np.concatenate([label_HW.ravel() for item in items for label_HW in (item.truth_HW, _scored(item))])
    share = np.bincount(label, minlength=256) / len(label)
    seen = [number for number in range(len(classes)) if share[number] > _MIN_SHOWN_SHARE]
    entries = [(classes[number], palette[number]) for number in seen]
    if share[IGNORED]:
        entries.append(("not scored", palette[IGNORED]))
    width = sheet.shape[1] - 2 * GAP_PX
    return stacked([sheet[GAP_PX:-GAP_PX, GAP_PX:-GAP_PX], _legend(entries, width)])


def _row(item: LabelledPicture, palette: np.ndarray, num_classes: int) -> list[Tile]:
    for what, label_HW in (("prediction", item.predicted_HW), ("truth", item.truth_HW)):
        if label_HW.shape != item.image_HWC.shape[:2]:
            raise DataError(f"{item.name}: {what} of {label_HW.shape} on an image of {item.image_HWC.shape[:2]}")
        unknown = np.setdiff1d(label_HW, [*range(num_classes), IGNORED])
        if unknown.size:
            raise DataError(f"{item.name}: {what} has label {unknown[0]}, expected 0 to {num_classes - 1} or {IGNORED}")
    counted_HW = item.truth_HW != IGNORED
    wrong_HW = counted_HW & (item.predicted_HW != item.truth_HW)
    grey_HWC = item.image_HWC.mean(-1, keepdims=True).repeat(3, -1)
    error_HWC = np.where(wrong_HW[..., None], 0.3 * grey_HWC + 0.7 * np.array(_WRONG), 0.6 * grey_HWC)
    wrong = 100 * wrong_HW.sum() / max(counted_HW.sum(), 1)
    return [
        Tile(image_HWC=item.image_HWC, title=item.name),
        Tile(image_HWC=palette[_scored(item)], title="predicted"),
        Tile(image_HWC=palette[item.truth_HW], title="truth"),
        Tile(image_HWC=error_HWC.round().astype(np.uint8), title=f"wrong, {wrong:.1f} %"),
    ]


def _scored(item: LabelledPicture) -> np.ndarray:
    """Return the prediction where it counts."""
    return np.where(item.truth_HW == IGNORED, np.uint8(IGNORED), item.predicted_HW)


def _legend(entries: Sequence[tuple[str, np.ndarray]], width: int) -> np.ndarray:
    """Return swatches with names, as many a line as fit."""
    places, left, line = [], 0.0, 0
    for name, colour in entries:
        text = shortened(name, width - 2 * _SWATCH_PX)
        reach = _SWATCH_PX + 6 + text_width_px(text) + 18
        if left and left + reach > width:
            left, line = 0.0, line + 1
        places.append((round(left), line * _LINE_PX, text, colour))
        left += reach
    band = np.full(((line + 1) * _LINE_PX, width, 3), SLATE, np.uint8)
    for x, y, _, colour in places:
        band[y + 2 : y + 2 + _SWATCH_PX, x : x + _SWATCH_PX] = colour
    return written(band, [((x + _SWATCH_PX + 6, y + 14), text, INK, "ls") for x, y, text, _ in places])
