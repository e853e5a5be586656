"""Film strips: the same few frames of several films below each other, and films of masks and of tracks.

A strip shows frames spread evenly from the first to the last, so that what is lost on the way is lost on the picture.
Masks keep their label's colour (0 is nothing, 255 counts nowhere and is grey); a track's tail says where it came from,
a hollow marker that it is held to be hidden.

Shapes: T frames, H W rows and columns.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import UInt8

from densewalk.datasets.errors import DataError
from densewalk.ssl.show.colours import SLATE
from densewalk.ssl.show.evenly import evenly
from densewalk.ssl.show.masks import overlay_masks
from densewalk.ssl.show.tails import PaintedVideo
from densewalk.ssl.show.tiles import Tile, tiles
from densewalk.ssl.track.frames import FrameSequence
from densewalk.ssl.track.tracks import Tracks

__all__ = ["MaskFilm", "frame_strip", "mask_strip", "track_strip"]

_GAP_PX = 8

_MARKER = 1 / 45
"""Radius of a point over the shorter side of a frame that a strip shows small."""


def frame_strip(
    rows: Mapping[str, FrameSequence], *, count: int = 6, frames: Sequence[int] | None = None
) -> UInt8[np.ndarray, "gh gw 3"]:
    """Return the same frames of every film, one row each under its title; `count` spread evenly unless `frames` are
    given.

    Raises `DataError` when there is no film, when films differ in length, or when a frame asked for is not there.
    """
    lengths = {title: len(film) for title, film in rows.items()}
    if len(set(lengths.values())) != 1:
        raise DataError(f"a strip shows films of one length, found {lengths or 'none'}")
    length = next(iter(lengths.values()))
    if frames is None:
        frames = evenly(length, count)
    if any(not 0 <= frame < length for frame in frames):
        raise DataError(f"a strip was asked for frames {list(frames)} of a film of {length}")
    return tiles([_row(title, film, frames) for title, film in rows.items()])


def mask_strip(
    video_THWC: FrameSequence,
    masks_THW: UInt8[np.ndarray, "t h w"],
    truth_THW: UInt8[np.ndarray, "t h w"] | None = None,
    *,
    count: int = 6,
    frames: Sequence[int] | None = None,
) -> UInt8[np.ndarray, "gh gw 3"]:
    """Return frames with their masks laid over them, the true masks above when they are known."""
    rows: dict[str, FrameSequence] = {} if truth_THW is None else {"truth": MaskFilm(video_THWC, truth_THW)}
    return frame_strip(rows | {"predicted": MaskFilm(video_THWC, masks_THW)}, count=count, frames=frames)


def track_strip(
    video_THWC: FrameSequence,
    tracks: Tracks,
    truth: Tracks | None = None,
    *,
    count: int = 6,
    frames: Sequence[int] | None = None,
) -> UInt8[np.ndarray, "gh gw 3"]:
    """Return frames with tracks painted on them, the true tracks above when they are known."""
    named = ({} if truth is None else {"truth": truth}) | {"predicted": tracks}
    rows = {
        title: PaintedVideo(video_THWC, own.track_KT2, own.visible_KT, marker=_MARKER) for title, own in named.items()
    }
    return frame_strip(rows, count=count, frames=frames)


def _row(title: str, film: FrameSequence, frames: Sequence[int]) -> list[Tile]:
    """Return a film's frames under their numbers, its title before the first."""
    heads = [f"{title}, frame" if title and not place else "frame" for place in range(len(frames))]
    return [Tile(image_HWC=film[frame], title=f"{head} {frame}") for head, frame in zip(heads, frames, strict=True)]


class MaskFilm:
    """A video with masks laid over it, and beside it the true ones when they are known; a `FrameSequence`.

    Raises `DataError` when the masks have another length or size than the video.
    """

    shape: tuple[int, int, int, int]
    """Frames, rows, columns, 3."""

    def __init__(
        self,
        video_THWC: FrameSequence,
        masks_THW: UInt8[np.ndarray, "t h w"],
        truth_THW: UInt8[np.ndarray, "t h w"] | None = None,
    ) -> None:
        count, height, width = video_THWC.shape[:3]
        self._video_THWC = video_THWC
        self._shown = [masks_THW] if truth_THW is None else [masks_THW, truth_THW]
        for mask_THW in self._shown:
            if mask_THW.shape != (count, height, width):
                raise DataError(f"masks of shape {mask_THW.shape} do not lie on a video of {(count, height, width)}")
        self.shape = (count, height, len(self._shown) * (width + _GAP_PX) - _GAP_PX, 3)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, frame: int) -> UInt8[np.ndarray, "gh gw 3"]:
        """Return one frame with its masks."""
        picture_HWC = np.full(self.shape[1:], SLATE, np.uint8)
        width = self._video_THWC.shape[2]
        for number, mask_THW in enumerate(self._shown):
            left = number * (width + _GAP_PX)
            picture_HWC[:, left : left + width] = overlay_masks(self._video_THWC[frame], mask_THW[frame])
        return picture_HWC
