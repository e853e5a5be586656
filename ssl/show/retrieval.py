"""What a patch is taken for: a query patch and the patches of other images whose features are nearest to it."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import UInt8

from densewalk.ssl.show.colours import SLATE
from densewalk.ssl.show.still import resized
from densewalk.ssl.show.tiles import Tile, tiles

__all__ = ["Match", "RetrievalRow", "retrieval_sheet"]

_QUERY, _FOUND = (255, 255, 255), (92, 225, 255)
_HEIGHT_PX = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A patch that was found."""

    image_HWC: UInt8[np.ndarray, "h w 3"]
    place_xy: tuple[float, float]
    """Middle of the patch in raster pixels of its image."""
    similarity: float
    title: str = ""
    """What is there, such as the class; stands after the similarity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalRow:
    """A query patch and what was found for it."""

    query_HWC: UInt8[np.ndarray, "h w 3"]
    query_xy: tuple[float, float]
    """Middle of the patch in raster pixels of its image."""
    matches: tuple[Match, ...]
    """Best first."""
    title: str = ""


def retrieval_sheet(rows: Sequence[RetrievalRow], *, patch_px: float) -> UInt8[np.ndarray, "gh gw 3"]:
    """Return a row a query: its image, then the images of its matches, every patch of `patch_px` pixels framed."""
    return tiles(
        [
            [
                Tile(image_HWC=_framed(row.query_HWC, row.query_xy, patch_px, _QUERY), title=row.title or "query"),
                *(
                    Tile(
                        image_HWC=_framed(match.image_HWC, match.place_xy, patch_px, _FOUND),
                        title=f"{match.similarity:.2f} {match.title}".strip(),
                    )
                    for match in row.matches
                ),
            ]
            for row in rows
        ],
        tile_height_px=_HEIGHT_PX,
    )


def _framed(
    image_HWC: np.ndarray, place_xy: tuple[float, float], patch_px: float, colour: tuple[int, ...]
) -> np.ndarray:
    """Return the image at the sheet's height with a frame around the patch, dimmed elsewhere."""
    scale = _HEIGHT_PX / len(image_HWC)
    canvas = resized(image_HWC, (_HEIGHT_PX, max(1, round(image_HWC.shape[1] * scale))))
    corners = [tuple(round((v + side * patch_px / 2) * scale) for v in place_xy) for side in (-1, 1)]
    (left, top), (right, bottom) = corners
    shown = np.rint(canvas * 0.65).astype(np.uint8)
    inside = np.s_[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    shown[inside] = canvas[inside]
    for line_colour, thickness in ((SLATE, 4), (colour, 2)):
        cv2.rectangle(shown, (left, top), (right, bottom), line_colour, thickness)
    return shown
