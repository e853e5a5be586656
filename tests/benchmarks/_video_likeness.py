"""How much stored clips look like their sources, whoever cut them.

Three frames of each clip are compared with the frame of the source that should stand there, or a neighbour that is
more like it, since tools differ in how they name the frame that a cut falls on.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from jaxtyping import UInt8

__all__ = ["PlacedClip", "likeness"]

Picture = UInt8[np.ndarray, "r w"]
"""An I420 frame."""
_NEIGHBOURS = 3


class PlacedClip(NamedTuple):
    """A file of a clip and where it was taken from."""

    path: Path
    source: Path
    start_seconds: float
    """After the source's first frame."""


def likeness(clips: Iterable[PlacedClip], scaler: Callable[[av.VideoFrame], Picture]) -> float:
    """Return the median PSNR in dB of frames of clips and what `scaler` makes of their sources' frames."""
    by_source = defaultdict(list)
    for clip in clips:
        by_source[clip.source].append(clip)
    found = [psnr for source, placed in by_source.items() for psnr in _likenesses(source, placed, scaler)]
    return float(np.median(found))


def _likenesses(source: Path, clips: Sequence[PlacedClip], scaler: Callable[[av.VideoFrame], Picture]) -> list[float]:
    times, pictures = _film(source, scaler)
    found = []
    for clip in clips:
        stored_times, stored = _film(clip.path, lambda frame: frame.to_ndarray(format="yuv420p"))
        for number in (0, len(stored) // 2, len(stored) - 1):
            place = bisect_left(times, clip.start_seconds + stored_times[number])
            near = pictures[max(0, place - _NEIGHBOURS) : place + _NEIGHBOURS]
            found.append(max((_psnr(stored[number], picture) for picture in near), default=0.0))
    return found


def _film(path: Path, scaler: Callable[[av.VideoFrame], Picture]) -> tuple[list[float], list[Picture]]:
    with av.open(str(path)) as container:
        frames = [(float(frame.time or 0.0), scaler(frame)) for frame in container.decode(video=0)]
    first = frames[0][0] if frames else 0.0
    return [time - first for time, _ in frames], [picture for _, picture in frames]


def _psnr(stored_RW: Picture, original_RW: Picture) -> float:
    if stored_RW.shape != original_RW.shape:
        return 0.0
    error = np.square(stored_RW.astype(np.float32) - original_RW).mean(dtype=np.float64)
    return float(10 * np.log10(255**2 / max(float(error), 1e-3)))
