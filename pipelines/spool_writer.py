"""Writing a reel's spool while its source is decoded."""

from pathlib import Path
from types import TracebackType

import numpy as np
from jaxtyping import UInt8

from densewalk.pipelines.spool import FRAMES, MOTION, THUMBNAILS, TIMES, thumbnail

__all__ = ["SpoolWriter"]


class SpoolWriter:
    """Writes a source's frames as they are decoded; a context manager."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._frames = (folder / FRAMES).open("wb")
        self._thumbnails = (folder / THUMBNAILS).open("wb")
        self.pts: list[int] = []
        """Ticks of the frames so far."""

    def __enter__(self) -> "SpoolWriter":
        return self

    def add(self, frame_RW: UInt8[np.ndarray, "r w"], pts: int) -> None:
        """Append a frame."""
        self._frames.write(np.ascontiguousarray(frame_RW).data)
        self._thumbnails.write(thumbnail(frame_RW).data)
        self.pts.append(pts)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._frames.close()
        self._thumbnails.close()
        np.save(self._folder / TIMES, np.array(self.pts, dtype=np.int64), allow_pickle=False)
        np.save(self._folder / MOTION, np.full(len(self.pts), np.nan, dtype=np.float32), allow_pickle=False)
