"""Stored clips as a numbered stream of samples.

Every epoch passes through all usable clips in an order that is a pure function of the dataset's content, the seed and
the epoch; the frames and crops of a sample come from a generator seeded by (seed, number). A damaged clip is recorded
and its place filled by the clips that follow in the epoch's order. It is tried again whenever its turn comes, since
only some of its frames may be damaged; what fills a place is thus the same in resumed runs and in any process.
"""

import logging
import threading
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Int64, UInt8

from densewalk.datasets.config import require
from densewalk.datasets.dataset import Dataset
from densewalk.datasets.errors import DataError
from densewalk.datasets.palindrome import (
    PalindromeDraw,
    draw_palindrome,
    min_seconds,
    palindrome_fits,
    palindrome_sample,
)
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.records import ClipRow
from densewalk.datasets.video import read_frames
from densewalk.datasets.views import ClipBatch

__all__ = ["ClipSource", "DamagedClip"]

_MAX_DAMAGED = 100
_LOG = logging.getLogger("densewalk")


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedClip:
    """A clip that could not be read."""

    key: str
    shard: str
    reason: str


class ClipSource:
    """A `SampleSource` over the clips of a dataset that are long enough for the plan."""

    def __init__(
        self, dataset: Dataset, plan: PalindromePlan, *, seed: int = 0, max_damaged: int | None = None
    ) -> None:
        """Choose the usable clips; by default 100 clips, but no more than half of them, may be damaged.

        Raises `DataError` when no clip is long enough and `ConfigError` on a negative seed.
        """
        require(seed < 0 and f"seed={seed} must not be negative")
        self._dataset = dataset
        self._plan = plan
        self._seed = seed
        self._rows = [row for row in dataset.rows if palindrome_fits(plan, num_frames=row.frames, fps=row.fps)]
        self.too_short = len(dataset.rows) - len(self._rows)
        """Clips left out because they do not span the plan's smallest times."""
        if not self._rows:
            raise DataError(
                f"none of the {self.too_short} clips in {dataset.folder} spans {min_seconds(plan):.3f} s with "
                f"{plan.num_frames} frames; lower plan.gap_seconds (now {plan.gap_seconds}) or plan.num_frames"
            )
        self._max_damaged = min(_MAX_DAMAGED, len(self._rows) // 2) if max_damaged is None else max_damaged
        self._damaged: dict[str, DamagedClip] = {}
        self._lock = threading.Lock()
        self._order = lru_cache(maxsize=2)(self._shuffle)

    def __len__(self) -> int:
        """Return the number of usable clips."""
        return len(self._rows)

    @property
    def damaged(self) -> list[DamagedClip]:
        """Clips found damaged so far, by key."""
        with self._lock:
            return [self._damaged[key] for key in sorted(self._damaged)]

    def sample(self, number: int) -> ClipBatch:
        """Return the `number`-th sample; raises `DataError` when too many clips are damaged."""
        epoch, place = divmod(number, len(self._rows))
        order = self._order(epoch)
        for follow in range(len(order)):
            if len(self._damaged) > self._max_damaged:
                break
            row = self._rows[order[(place + follow) % len(order)]]
            draw = self._draw(row, number)
            try:
                video_THWC = self._read(row, draw)
            except DataError as error:
                self._record(row, str(error))
            else:
                return palindrome_sample(row.key, video_THWC, draw)
        raise DataError(self._report())

    def _shuffle(self, epoch: int) -> Int64[np.ndarray, " n"]:
        """Return an epoch's order; built on raw bits, whose sequence numpy guarantees across versions."""
        seed = [int(self._dataset.hash[:16], 16), self._seed, epoch]
        return np.argsort(np.random.PCG64(seed).random_raw(len(self._rows)), kind="stable")

    def _draw(self, row: ClipRow, number: int) -> PalindromeDraw:
        return draw_palindrome(
            self._plan,
            num_frames=row.frames,
            fps=row.fps,
            size_hw=(row.height, row.width),
            rng=np.random.default_rng([self._seed, number]),
        )

    def _read(self, row: ClipRow, draw: PalindromeDraw) -> UInt8[np.ndarray, "t h w 3"]:
        mp4 = self._dataset.read_clip(row)
        try:
            video_THWC = read_frames(mp4, draw.frames)
        except DataError as error:
            raise DataError(f"clip {row.key} in shard {row.shard}: {error}") from error
        if video_THWC.shape[1:3] != (row.height, row.width):
            height, width = video_THWC.shape[1:3]
            raise DataError(
                f"clip {row.key} in shard {row.shard} is {width}x{height}, the index says {row.width}x{row.height}"
            )
        return video_THWC

    def _record(self, row: ClipRow, reason: str) -> None:
        with self._lock:
            if row.key in self._damaged:
                return
            self._damaged[row.key] = DamagedClip(key=row.key, shard=row.shard, reason=reason)
        _LOG.warning("damaged clip, the next one of the epoch takes its place: %s", reason)

    def _report(self) -> str:
        listed = "\n".join(f"  {clip.key} in {clip.shard}: {clip.reason}" for clip in self.damaged)
        return (
            f"{len(self.damaged)} of {len(self)} clips in {self._dataset.folder} are damaged, at most "
            f"{self._max_damaged} may be; copy the dataset again (data.dataset)\n{listed}"
        )
