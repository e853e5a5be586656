"""Which of TransNetV2's windows show any change that could be a cut or a transition.

Most of a film is one shot going on, and the network costs sixty times what it takes to see that. A window stands
still when, around the frames it judges, all of three measures stay below their limits:

* colours: how far apart the colours of two frames are that lie 16 apart, as the mean number of levels that values must
  be moved by to turn one frame's distribution into the other's. Motion moves pixels, not colours;
* places: the same within each of 3 x 4 rectangles, mean of all, by the roots of levels, which shows dark scenes better;
* step: how much more a frame differs from the one before than its six neighbours do from theirs, in a mosaic of 9 x 16
  cells, by the roots of levels. A hard cut stands alone, however dark or grey; motion goes on.

Of 465 windows of 139 real films, 103 have a probability of which anything follows (0.1 of a cut, 0.15 of a transition);
none of them stands still, and at limits 1.7 times as high none would (2.3 times, but for one title that the network
takes for a transition). Of the others 197 stand still, two fifths of all. In films made up, the first that the network
finds and this misses are dissolves of 25 frames, between two framings of one still scene or two grey scenes without
contrast.

Everything is counted in whole numbers, so that every machine decides alike, and looks at one window only, so that it
does not matter where reels begin.

Shapes: N frames of H x W pixels in C channels; D pairs of frames, P rectangles, L = 256 levels.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, UInt8

from densewalk.pipelines.shots.windows import MARGIN, WINDOW

__all__ = ["Change", "change_of"]

_STEP_LIMIT, _COLOUR_LIMIT, _PLACE_LIMIT = 2.0, 6.0, 9.0
_SPAN, _AROUND = 16, 3
_CELL = 3
_ROWS, _COLUMNS = 3, 4
_LEVELS = 256
_FRACTION = 1024
_ROOTS = np.rint(_FRACTION * 255 * np.sqrt((np.arange(_LEVELS) + 4) / (_LEVELS + 3))).astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The most that changes around the frames a window judges, in grey levels 0 to 255."""

    step: float
    """Largest difference to the frame before beyond those of its neighbours; may be negative."""
    colours: float
    """Largest change of colours over 16 frames."""
    places: float
    """Largest change of colours over 16 frames within rectangles, on a scale of roots."""

    @property
    def strength(self) -> float:
        """The largest of the three as a multiple of its limit: from 1 the network has to look."""
        return max(self.step / _STEP_LIMIT, self.colours / _COLOUR_LIMIT, self.places / _PLACE_LIMIT)


def change_of(window_NHWC: UInt8[np.ndarray, "100 27 48 3"]) -> Change:
    """Return how much changes in a window."""
    colours, places = _distances(window_NHWC)
    return Change(step=_largest_step(window_NHWC), colours=colours, places=places)


def _largest_step(window_NHWC: UInt8[np.ndarray, "n h w 3"]) -> float:
    num_frames, height, width, channels = window_NHWC.shape
    cells = (num_frames, height // _CELL, _CELL, width // _CELL, _CELL, channels)
    mosaic_NYXC = _ROOTS[window_NHWC].reshape(cells).sum(axis=(2, 4))
    step_N = np.abs(np.diff(mosaic_NYXC, axis=0)).sum(axis=(1, 2, 3))
    near_KA = np.lib.stride_tricks.sliding_window_view(step_N, 2 * _AROUND + 1)
    near_KA = near_KA[MARGIN - 1 - _AROUND : WINDOW - MARGIN - _AROUND]
    others_KA = np.delete(near_KA, _AROUND, axis=1)
    return float((near_KA[:, _AROUND] - others_KA.max(axis=1)).max()) / (window_NHWC[0].size * _FRACTION)


def _distances(window_NHWC: UInt8[np.ndarray, "n h w 3"]) -> tuple[float, float]:
    """Return the largest distances between the colours of frames a span apart: of whole frames, and of rectangles."""
    first = slice(MARGIN - _SPAN, WINDOW - MARGIN)
    counts_NPCL = _level_counts(window_NHWC[first.start : first.stop + _SPAN])
    below_NPCL = np.cumsum(counts_NPCL, axis=3, dtype=np.int16)
    apart_DPCL = below_NPCL[_SPAN:] - below_NPCL[:-_SPAN]
    values = window_NHWC[0].size
    whole_D = np.abs(apart_DPCL.sum(axis=1, dtype=np.int32)).sum(axis=(1, 2))
    moved_L = np.abs(apart_DPCL).sum(axis=(1, 2), dtype=np.int64)
    places_D = moved_L[:, :-1] @ np.diff(_ROOTS)
    return float(whole_D.max()) / values, float(places_D.max()) / (values * _FRACTION)


def _level_counts(frame_NHWC: UInt8[np.ndarray, "n h w c"]) -> Int[np.ndarray, "n p c l"]:
    """Return how many pixels of each rectangle have each level, by channel."""
    num_frames, height, width, channels = frame_NHWC.shape
    row_H = np.arange(height) * _ROWS // height
    column_W = np.arange(width) * _COLUMNS // width
    place_HWC = (row_H[:, None] * _COLUMNS + column_W)[..., None] * channels + np.arange(channels)
    frame_N111 = np.arange(num_frames)[:, None, None, None]
    bins = _ROWS * _COLUMNS * channels
    index_NHWC = (frame_N111 * bins + place_HWC) * _LEVELS + frame_NHWC
    counts = np.bincount(index_NHWC.ravel(), minlength=num_frames * bins * _LEVELS)
    return counts.reshape(num_frames, _ROWS * _COLUMNS, channels, _LEVELS)
