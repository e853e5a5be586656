"""Decoded frames on disk between stages: one decode feeds everything that looks at a source.

    frames.i420      raw planar 4:2:0 frames of equal size, BT.709 limited range, one after another
    thumbnails.rgb   raw 27 x 48 RGB frames, area means of the same frames
    pts.npy          int64 presentation times in ticks
    motion.npy       float32 motion by the codec's vectors, see `read_motion`

Frames and motion are those of the reel; thumbnails and times begin `lead` frames before and end `trail` frames behind.

Shapes: N frames of the reel, M = lead + N + trail, H W rows and columns of a frame, R = 3/2 H rows of an I420 frame.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32, UInt8

from densewalk.pipelines.records import Reel

__all__ = [
    "FRAMES",
    "MOTION",
    "THUMBNAILS",
    "THUMBNAIL_HW",
    "TIMES",
    "frame_seconds",
    "read_motion",
    "read_thumbnails",
    "spooled_frames",
]

THUMBNAIL_HW = (27, 48)
"""Size the shot detector looks at."""
FRAMES, THUMBNAILS, TIMES, MOTION = "frames.i420", "thumbnails.rgb", "pts.npy", "motion.npy"


def spooled_frames(reel: Reel) -> UInt8[np.ndarray, "n r w"]:
    """Return the reel's frames as a read-only map of the file."""
    shape = (reel.num_frames, reel.height * 3 // 2, reel.width)
    return np.memmap(Path(reel.folder) / FRAMES, dtype=np.uint8, mode="r", shape=shape)


def read_thumbnails(reel: Reel) -> UInt8[np.ndarray, "m 27 48 3"]:
    """Return the thumbnails, those of `lead` frames before and `trail` frames behind the reel included."""
    return np.fromfile(Path(reel.folder) / THUMBNAILS, dtype=np.uint8).reshape(-1, *THUMBNAIL_HW, 3)


def frame_seconds(reel: Reel) -> Float[np.ndarray, "m"]:
    """Return presentation times, those of `lead` frames before and `trail` frames behind the reel included."""
    ticks_M = np.load(Path(reel.folder) / TIMES, allow_pickle=False)
    return ticks_M.astype(np.float64) * reel.time_base[0] / reel.time_base[1]


def read_motion(reel: Reel) -> Float32[np.ndarray, "n"]:
    """Return for each frame the mean length of its motion vectors, in pixels of the reel's raster per frame.

    Not a number where the codec tells nothing: frames without vectors and codecs that do not hand them out.
    """
    return np.load(Path(reel.folder) / MOTION, allow_pickle=False)
