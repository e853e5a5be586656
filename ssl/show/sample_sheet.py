"""A sample as a picture: its moments in the clip with the boxes of the views, and below them every view.

A column is a moment of the clip, later ones further right; a row of views is one view, and the numbers above its tiles
say in which order it shows them. Points of one colour are one point.

Shapes: T frames, H W rows and columns, C RGB.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import UInt8

from densewalk.datasets.samples import ClipSample
from densewalk.datasets.views import ClipBatch
from densewalk.ssl.show.colours import SLATE
from densewalk.ssl.show.evenly import evenly
from densewalk.ssl.show.matched_points import matched_films
from densewalk.ssl.show.tails import PaintedVideo
from densewalk.ssl.show.tiles import GAP_PX, Tile, stacked, text_lines, tiles
from densewalk.ssl.show.view_boxes import NamedBox, boxed_clip, view_colour

__all__ = ["ShownSample", "sample_sheet"]

_MOST_MOMENTS = 5
_TILE_PX = 200
_EDGE = 50
"""A view's upper edge is coloured by this part of its height."""
_LEAST_TEXT_PX = 700


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSample:
    """A sample, what was rendered of it, and what else a reader wants to know."""

    sample: ClipSample
    batch: ClipBatch
    """The sample rendered: a batch of one."""
    clip_THWC: UInt8[np.ndarray, "t h w 3"]
    """Whole frames of the clip, those of the sample."""
    fps: float
    """Frames of the clip in a second."""
    title: str
    text: str = ""
    names: tuple[str, ...] = ("forward", "backward")
    """What the views are called, in the order of the plan."""


def sample_sheet(shown: ShownSample) -> UInt8[np.ndarray, "gh gw 3"]:
    """Return the picture; of many moments a few are shown, spread evenly, the first and the last among them."""
    frames = shown.sample.frames
    chosen = [frames[place] for place in evenly(len(frames), _MOST_MOMENTS)]
    rows = [_clip_row(shown, chosen), *_view_rows(shown, chosen)]
    shape = max(tile.image_HWC.shape[1] / tile.image_HWC.shape[0] for row in rows for tile in row)
    # The sheet of tiles brings its own margin, which the stack around it brings too.
    sheet = tiles([[_widened(tile, shape) for tile in row] for row in rows], tile_height_px=_TILE_PX)[
        GAP_PX:-GAP_PX, GAP_PX:-GAP_PX
    ]
    width = max(_LEAST_TEXT_PX, sheet.shape[1])
    return stacked([text_lines(shown.title, shown.text, width), sheet])


def _clip_row(shown: ShownSample, chosen: list[int]) -> list[Tile]:
    sample = shown.sample
    boxes = [
        NamedBox(name=name, geometry=view.geometry, colour=view_colour(number))
        for number, (name, view) in enumerate(zip(shown.names, sample.views, strict=True))
    ]
    return [
        Tile(
            image_HWC=boxed_clip(shown.clip_THWC[sample.frames.index(frame)], boxes),
            title=f"clip, frame {frame}, {frame / shown.fps:.2f} s",
        )
        for frame in chosen
    ]


def _view_rows(shown: ShownSample, chosen: list[int]) -> list[list[Tile]]:
    rows, step = [], 1
    for number, (view, film) in enumerate(zip(shown.sample.views, matched_films(shown.batch), strict=True)):
        rows.append([_view_tile(shown, number, film, frame, step) for frame in chosen])
        step += len(view.frames)
    return rows


def _view_tile(shown: ShownSample, number: int, film: PaintedVideo, frame: int, step: int) -> Tile:
    """Return what a view shows at a moment, under its number among all frames from `step` on; nothing is dark."""
    frames = shown.sample.views[number].frames
    if frame not in frames:
        return Tile(image_HWC=np.full(film.shape[1:], SLATE, np.uint8))
    position = frames.index(frame)
    image_HWC = film[position]
    image_HWC[: len(image_HWC) // _EDGE] = view_colour(number)
    return Tile(image_HWC=image_HWC, title=f"{step + position}  {shown.names[number]}, frame {frame}")


def _widened(tile: Tile, shape: float) -> Tile:
    """Return a tile with room at its right, so that all are `shape` times as wide as they are high."""
    rows, columns = tile.image_HWC.shape[:2]
    room = np.full((rows, max(0, round(rows * shape) - columns), 3), SLATE, np.uint8)
    return replace(tile, image_HWC=np.concatenate((tile.image_HWC, room), axis=1))
