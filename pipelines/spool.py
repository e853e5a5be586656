"""Decoded frames on disk between stages: one decode feeds the shot detector and the clip encoder.

    frames.i420      raw planar 4:2:0 frames of equal size, BT.709 limited range, one after another
    thumbnails.rgb   raw 27 x 48 RGB frames, area means of the same frames
    pts.npy          int64 presentation times in ticks

Shapes: N frames, H W rows and columns of a frame, R = 3/2 H rows of an I420 frame.
"""

from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from densewalk.pipelines.records import Decoded

__all__ = ["THUMBNAIL_HW", "SpoolWriter", "frame_seconds", "read_thumbnails", "spooled_frames"]

THUMBNAIL_HW = (27, 48)
"""Size the shot detector looks at."""
_FRAMES, _THUMBNAILS, _TIMES = "frames.i420", "thumbnails.rgb", "pts.npy"


class SpoolWriter:
    """Writes a source's frames as they are decoded; a context manager."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._frames = (folder / _FRAMES).open("wb")
        self._thumbnails = (folder / _THUMBNAILS).open("wb")
        self.pts: list[int] = []
        """Ticks of the frames so far."""

    def __enter__(self) -> "SpoolWriter":
        return self

    def add(self, frame_RW: UInt8[np.ndarray, "r w"], pts: int) -> None:
        """Append a frame."""
        self._frames.write(np.ascontiguousarray(frame_RW).data)
        self._thumbnails.write(_thumbnail(frame_RW).data)
        self.pts.append(pts)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._frames.close()
        self._thumbnails.close()
        np.save(self._folder / _TIMES, np.array(self.pts, dtype=np.int64), allow_pickle=False)


def spooled_frames(decoded: Decoded) -> UInt8[np.ndarray, "n r w"]:
    """Return the frames as a read-only map of the file."""
    shape = (decoded.num_frames, decoded.height * 3 // 2, decoded.width)
    return np.memmap(Path(decoded.folder) / _FRAMES, dtype=np.uint8, mode="r", shape=shape)


def read_thumbnails(decoded: Decoded) -> UInt8[np.ndarray, "n 27 48 3"]:
    """Return the thumbnails."""
    return np.fromfile(Path(decoded.folder) / _THUMBNAILS, dtype=np.uint8).reshape(-1, *THUMBNAIL_HW, 3)


def frame_seconds(decoded: Decoded) -> Float[np.ndarray, "n"]:
    """Return the frames' presentation times."""
    ticks_N = np.load(Path(decoded.folder) / _TIMES, allow_pickle=False)
    return ticks_N.astype(np.float64) * decoded.time_base[0] / decoded.time_base[1]


def _thumbnail(frame_RW: UInt8[np.ndarray, "r w"]) -> UInt8[np.ndarray, "27 48 3"]:
    """Average the planes first and change to RGB at the small size: both steps are linear, so their order is free."""
    height, width = frame_RW.shape[0] * 2 // 3, frame_RW.shape[1]
    chroma = frame_RW[height:].reshape(2, height // 2, width // 2)
    luma, blue, red = (
        cv2.resize(plane, THUMBNAIL_HW[::-1], interpolation=cv2.INTER_AREA).astype(np.float32)
        for plane in (frame_RW[:height], chroma[0], chroma[1])
    )
    luma, blue, red = (luma - 16) * (255 / 219), (blue - 128) * (255 / 224), (red - 128) * (255 / 224)
    rgb = np.stack((luma + 1.5748 * red, luma - 0.1873 * blue - 0.4681 * red, luma + 1.8556 * blue), axis=-1)
    return np.clip(np.rint(rgb), 0, 255).astype(np.uint8)
