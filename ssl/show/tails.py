"""Point tracks painted on a video: a marker where the point is, a coloured tail where it was.

The colour tells where among all a track began: hue from left to right, lightness from top to bottom, so neighbours
share a colour and a jump to another object shows at once. A filled marker is seen, a hollow one is held to be hidden;
tails join only places where the point was seen. Everything is drawn at sub-pixel precision on an integer enlargement.

Shapes: T frames, H W rows and columns, C RGB, K tracks, 2 = (x, y) raster pixels.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from densewalk.ssl.show.colours import oklch
from densewalk.ssl.show.still import resized
from densewalk.ssl.track.frames import FrameSequence

__all__ = ["PaintedVideo", "track_colours"]

_SHIFT = 4
"""Fractional bits of OpenCV's drawing coordinates."""
_FAR_PX = 1e5
"""Beyond this a coordinate is a diverged track, not a place."""
_OUTLINE = (18, 20, 24)


class PaintedVideo:
    """A video with tracks painted on it, each frame when it is asked for; a `FrameSequence`.

    Frames are enlarged by the least whole factor that reaches `min_side_px`. A tail covers the last `tail_frames`
    steps. `marker` is a marker's radius over the shorter side. Points that are not finite or outside the picture are
    left out. `colours` are those of the tracks, by where each is first seen unless given.
    """

    shape: tuple[int, int, int, int]
    """Frames, rows, columns, 3."""

    def __init__(
        self,
        video_THWC: FrameSequence,
        track_KT2: Float[np.ndarray, "k t 2"],
        visible_KT: Bool[np.ndarray, "k t"],
        *,
        tail_frames: int = 12,
        min_side_px: int = 360,
        marker: float = 1 / 110,
        colours: UInt8[np.ndarray, "k 3"] | None = None,
    ) -> None:
        height, width = video_THWC.shape[1:3]
        factor = max(1, -(-min_side_px // min(height, width)))
        self.shape = (len(video_THWC), height * factor, width * factor, 3)
        self._video_THWC, self._tail_frames = video_THWC, tail_frames
        sound_KT = np.isfinite(track_KT2).all(-1) & (np.abs(np.nan_to_num(track_KT2)) < _FAR_PX).all(-1)
        # OpenCV puts pixel centres at whole numbers, the raster at +0.5.
        place_KT2 = np.where(sound_KT[..., None], track_KT2, 0.0) * factor - 0.5
        self._placed = _Placed(
            fixed_KT2=np.rint(place_KT2 * 2**_SHIFT).astype(np.int64),
            seen_KT=sound_KT & visible_KT,
            hidden_KT=sound_KT & ~visible_KT,
            colours=(track_colours(track_KT2, visible_KT) if colours is None else colours).tolist(),
            radius_px=max(3.0, min(height, width) * factor * marker),
        )

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, frame: int) -> UInt8[np.ndarray, "gh gw 3"]:
        """Return one painted frame."""
        canvas = resized(self._video_THWC[frame], self.shape[1:3])
        canvas = _paint_tails(canvas, self._placed, time=frame, tail_frames=self._tail_frames)
        return _paint_markers(canvas, self._placed, time=frame)


def track_colours(
    track_KT2: Float[np.ndarray, "k t 2"], visible_KT: Bool[np.ndarray, "k t"]
) -> UInt8[np.ndarray, "k 3"]:
    """Return a colour per track from where, among all of them, it is first seen."""
    first_K = visible_KT.argmax(1)
    start_K2 = np.nan_to_num(track_KT2[np.arange(len(track_KT2)), first_K], posinf=0.0, neginf=0.0)
    if not len(start_K2):
        return np.zeros((0, 3), np.uint8)
    low_2, high_2 = start_K2.min(0), start_K2.max(0)
    across, down = ((start_K2 - low_2) / np.maximum(high_2 - low_2, 1.0)).T
    return oklch(0.86 - 0.22 * down, 0.17, 30 + 240 * across)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed:
    """Tracks as they are drawn."""

    fixed_KT2: np.ndarray
    """Places on the canvas in OpenCV's fixed-point coordinates."""
    seen_KT: np.ndarray
    hidden_KT: np.ndarray
    colours: list[list[int]]
    radius_px: float


def _paint_tails(canvas: np.ndarray, placed: _Placed, *, time: int, tail_frames: int) -> np.ndarray:
    """Blend the steps up to `time`, oldest first and faintest."""
    for age in range(min(tail_frames, time), 0, -1):
        end = time - age + 1
        layer = canvas.copy()
        strength = 0.9 * (1 - (age - 1) / tail_frames)
        thickness = max(1, round(placed.radius_px * (0.45 + 0.35 * strength)))
        for k in np.flatnonzero(placed.seen_KT[:, end - 1] & placed.seen_KT[:, end]):
            start_xy, end_xy = placed.fixed_KT2[k, end - 1 : end + 1].tolist()
            cv2.line(layer, start_xy, end_xy, placed.colours[k], thickness, cv2.LINE_AA, _SHIFT)
        canvas = cv2.addWeighted(layer, strength, canvas, 1 - strength, 0)
    return canvas


def _paint_markers(canvas: np.ndarray, placed: _Placed, *, time: int) -> np.ndarray:
    radius, rim = (round(px * 2**_SHIFT) for px in (placed.radius_px, placed.radius_px + 1))
    ring_px = max(1, round(placed.radius_px / 3))
    for k in np.flatnonzero(placed.hidden_KT[:, time]):
        place_xy = placed.fixed_KT2[k, time].tolist()
        cv2.circle(canvas, place_xy, radius, placed.colours[k], ring_px, cv2.LINE_AA, _SHIFT)
    for k in np.flatnonzero(placed.seen_KT[:, time]):
        place_xy = placed.fixed_KT2[k, time].tolist()
        cv2.circle(canvas, place_xy, rim, _OUTLINE, -1, cv2.LINE_AA, _SHIFT)
        cv2.circle(canvas, place_xy, radius, placed.colours[k], -1, cv2.LINE_AA, _SHIFT)
    return canvas
