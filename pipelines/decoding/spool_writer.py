"""Writing a reel's spool (see spool.py) while its source is decoded.

Shapes: N frames of the reel, R = 3/2 H rows and W columns of an I420 frame, 27 x 48 thumbnails.
"""

import shutil
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8

from densewalk.pipelines.spool import FRAMES, MOTION, THUMBNAILS, TIMES

__all__ = ["SpoolWriter"]

_BUFFER_BYTES = 1 << 20


class SpoolWriter:
    """Writes the files of one reel into `folder`, over whatever an earlier attempt left there."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.ticks: list[int] = []
        """Presentation times of the reel's frames so far."""
        self._context: tuple[list[int], list[int]] = [], []
        self._frames = (folder / FRAMES).open("wb", buffering=0)
        self._thumbnails = (folder / THUMBNAILS).open("wb", buffering=_BUFFER_BYTES)

    @property
    def num_frames(self) -> int:
        """Frames of the reel so far."""
        return len(self.ticks)

    @property
    def lead(self) -> int:
        """Thumbnails before the reel's first frame."""
        return len(self._context[0])

    @property
    def trail(self) -> int:
        """Thumbnails behind the reel's last frame."""
        return len(self._context[1])

    def add(self, frame_RW: UInt8[np.ndarray, "r w"], thumbnail_HWC: UInt8[np.ndarray, "27 48 3"], tick: int) -> None:
        """Append a frame. Raises `OSError` when it does not fit on the disk."""
        self._write(np.ascontiguousarray(frame_RW).data.cast("B"))
        self._thumbnails.write(np.ascontiguousarray(thumbnail_HWC).data)
        self.ticks.append(tick)

    def add_context(self, thumbnail_HWC: UInt8[np.ndarray, "27 48 3"], tick: int) -> None:
        """Append what is known of a frame of the reel before, or, once there are frames, of the reel behind."""
        self._context[bool(self.ticks)].append(tick)
        self._thumbnails.write(np.ascontiguousarray(thumbnail_HWC).data)

    def absorb(self, following: "SpoolWriter") -> None:
        """Take over the frames of the reel behind, all of which are in this one's trail, and remove it."""
        assert following.ticks == self._context[1], "not every frame behind is in the trail"
        following.abandon()
        with (following.folder / FRAMES).open("rb") as frames:
            while block := frames.read(_BUFFER_BYTES):
                self._write(memoryview(block))
        self.ticks += following.ticks
        self._context[1].clear()
        shutil.rmtree(following.folder)

    def _write(self, block: memoryview) -> None:
        """Append to the frames; an unbuffered file may take a part at a time."""
        while block:
            block = block[self._frames.write(block) :]

    def close(self, motion_N: Float32[np.ndarray, "n"]) -> None:
        """Finish the reel. Raises `OSError` when it does not fit on the disk."""
        self._frames.close()
        self._thumbnails.close()
        ticks = np.array([*self._context[0], *self.ticks, *self._context[1]], dtype=np.int64)
        np.save(self.folder / TIMES, ticks, allow_pickle=False)
        np.save(self.folder / MOTION, motion_N, allow_pickle=False)

    def abandon(self) -> None:
        """Close the files as they are."""
        self._frames.close()
        self._thumbnails.close()
