"""What the pictures of a video are: when each is shown, how, and where decoding may begin.

An index takes the place of looking through the file before each reading. It is made by `indexing.py` and small enough
to be kept for every video of a collection.

Shapes: N pictures in order of presentation, K entrances (key frames).
"""

import zlib
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Int64

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.clips.picture_grid import PictureGrid

__all__ = ["VideoIndex"]

_HEAD = 12
_HALF = 1 << 63


@dataclass(frozen=True, kw_only=True, eq=False)
class VideoIndex(PictureGrid):
    """Times, entrances and size of the first stream of a video."""

    entrance_K3: Int64[np.ndarray, "k 3"]
    """Presentation time, decoding time and bytes of key frames at which decoding may begin, ascending; hidden ones,
    too."""
    counted: bool
    """Whether the k-th picture is found by counting from the beginning, since its time does not name it."""
    coded_hw: tuple[int, int]
    """Rows and columns as coded."""
    sample_aspect: Fraction
    """Width of a pixel over its height."""
    quarter_turns: int
    """Counter-clockwise turns by 90 degrees that make a picture upright, 0-3."""
    digest: str
    """Sixteen hex digits that follow from times, lengths and kinds of all packets."""

    def to_bytes(self) -> bytes:
        """Return the index in few bytes; steady times and key frames shrink to almost nothing."""
        head = [
            *(self.time_base.numerator, self.time_base.denominator),
            *(self.declared_rate.numerator, self.declared_rate.denominator),
            *(self.sample_aspect.numerator, self.sample_aspect.denominator),
            *self.coded_hw,
            *(int(self.counted), self.quarter_turns, int(self.digest, 16) - _HALF, len(self.tick_N)),
        ]
        presented_K, decoded_K, size_K = self.entrance_K3.T
        entrances = (np.diff(presented_K, prepend=0), decoded_K - presented_K, size_K)
        numbers = np.concatenate((head, _steps(self.tick_N), *entrances))
        return zlib.compress(numbers.astype("<i8").tobytes(), 9)

    @classmethod
    def from_bytes(cls, content: bytes) -> "VideoIndex":
        """Return the index that `to_bytes` packed; raises `DataError` when the bytes are something else."""
        try:
            numbers = np.frombuffer(zlib.decompress(content), "<i8").astype(np.int64)
            head, rest = numbers[:_HEAD].tolist(), numbers[_HEAD:]
            steps_N, entrances = rest[: head[-1]], rest[head[-1] :].reshape(3, -1)
            presented_K = np.cumsum(entrances[0])
            return cls(
                time_base=Fraction(head[0], head[1]),
                declared_rate=Fraction(head[2], head[3]),
                sample_aspect=Fraction(head[4], head[5]),
                coded_hw=(head[6], head[7]),
                counted=bool(head[8]),
                quarter_turns=head[9],
                digest=f"{head[10] + _HALF:016x}",
                tick_N=np.cumsum(np.cumsum(steps_N)),
                entrance_K3=np.stack((presented_K, presented_K + entrances[1], entrances[2]), axis=1),
            )
        except (zlib.error, ValueError, IndexError, ZeroDivisionError) as error:
            raise DataError(f"the index of a video is damaged: {error}; remove the table it lies in") from error

    @property
    def height(self) -> int:
        """Rows of an upright picture with square pixels."""
        return self._square_hw[self.quarter_turns % 2]

    @property
    def width(self) -> int:
        """Columns of an upright picture with square pixels."""
        return self._square_hw[1 - self.quarter_turns % 2]

    @property
    def _square_hw(self) -> tuple[int, int]:
        """Size with square pixels, before turning."""
        height, width = self.coded_hw
        return height, max(1, round(width * self.sample_aspect))


def _steps(tick_N: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
    """Return how steps between times change; two cumulative sums give the times again."""
    return np.diff(np.diff(tick_N, prepend=0), prepend=0)
