"""The clips of a collection as a numbered stream of samples.

Sample n shows the clip at place floor(n / k) of the canonical order, k draws a clip; its frames, crops and colours come
from a generator seeded by (seed, n). The k draws of a clip are made of one read of all their frames.

A clip that cannot be read is passed over and the order says who takes its place (`CanonicalOrder.following`), so what
fills it depends on the order and the bytes alone and is the same in resumed runs, in any process and beside any other
samples. A clip is tried again whenever its turn comes, since only some of its frames may be damaged.

Shapes: N clips, G groups, T frames, H W rows and columns.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np
from jaxtyping import Int64, UInt8

from densewalk.datasets.collection import ClipCollection, ClipTable, motion_unknown
from densewalk.datasets.config import require
from densewalk.datasets.errors import DataError, TrainingError
from densewalk.datasets.loading.place import reading
from densewalk.datasets.palindrome import cut, draw_palindrome, frames_of, min_seconds, palindromes_fit
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.samples import ClipSample, DamagedClip, ViewDraw
from densewalk.datasets.stream.order import COLUMN_SPAN, CanonicalOrder

__all__ = ["ClipSource"]

_MAX_PASSED_OVER = 1000
"""Damaged clips tried for one sample; whoever finds so many together has lost the collection."""
_LISTED = 20
_CHUNK = 1 << 20


class ClipSource:
    """A `SampleSource` over the clips of a collection that are long enough for the plan."""

    def __init__(
        self,
        collection: ClipCollection,
        plan: PalindromePlan,
        *,
        seed: int = 0,
        columns: int = 16,
        window: int = 1024,
        draws_per_clip: int = 1,
    ) -> None:
        """Choose the usable clips and lay out their order.

        Raises `DataError` when no clip is long enough and `ConfigError` on a seed, columns, window or draws out of
        range and when the plan asks for motion that the collection does not have.
        """
        require(
            draws_per_clip < 1 and f"data.draws_per_clip={draws_per_clip}; expected at least 1",
            plan.motion and not collection.has_motion and str(motion_unknown(collection.name)),
        )
        self.collection, self.plan = collection, plan
        self.seed, self.draws_per_clip = seed, draws_per_clip
        table = collection.table
        self._short_N = _too_short(table, plan)
        self.too_short = len(self._short_N)
        """Clips left out because they do not span the plan's smallest times."""
        if self.too_short == len(table):
            raise DataError(
                f"none of the {self.too_short} clips in {collection.name} spans {min_seconds(plan):.3f} s with "
                f"{plan.num_frames} frames; lower objective.plan.gap_seconds (now {plan.gap_seconds}) or "
                "objective.plan.num_frames"
            )
        # How many clips before each short one are usable: leads from places among usable clips to clips.
        self._usable_before_N = self._short_N - np.arange(self.too_short)
        self.order = CanonicalOrder(
            _usable_sizes(table, self._short_N),
            identity=collection.identity,
            seed=seed,
            columns=columns,
            window=window,
        )
        self._shunned: dict[str, str] = {}

    @property
    def identity(self) -> str:
        """Hex digits of everything that decides what a number means."""
        order = f"{self.seed} {self.order.columns} {self.order.window} {self.draws_per_clip}"
        usable = hashlib.sha256(self._short_N.tobytes()).hexdigest()
        return hashlib.sha256(f"{self.collection.identity} {self.plan} {order} {usable}".encode()).hexdigest()

    def __len__(self) -> int:
        """Return the usable clips, times the draws of each."""
        return len(self.order) * self.draws_per_clip

    def clip(self, number: int) -> int:
        """Return the clip of the collection that sample `number` shows unless it is damaged."""
        return self._clip(self.order.place(*self._turn(number)))

    def candidates(self, number: int) -> Iterator[int]:
        """Yield the clip of sample `number` and, after it, those that fill its place as long as they are damaged."""
        return map(self._clip, self.order.following(*self._turn(number)))

    def column(self, number: int) -> int:
        """Return where the sample's column stands among those of the order, spread over 0 to `COLUMN_SPAN` - 1."""
        return self.order.column(self._turn(number)[1]) * COLUMN_SPAN // self.order.columns

    def samples(self, numbers: Sequence[int]) -> list[ClipSample]:
        """Return samples by number; draws of one clip that stand together are made of one read.

        Raises `UnreachableError` when data does not answer, `DataError` when all the clips tried for a sample are
        damaged: half of the usable ones, or a thousand.
        """
        found: list[ClipSample] = []
        for _, together in groupby(numbers, self._turn):
            found += self._of_one_clip(list(together))
        return found

    def ahead(self, numbers: Sequence[int]) -> None:
        """Tell the collection which of its groups the samples lie in, in the order of need."""
        groups: list[int] = []
        for epoch, turns in groupby(map(self._turn, numbers), lambda turn: turn[0]):
            groups += self.order.groups(epoch, [number for _, number in turns])
        self.collection.ahead(list(dict.fromkeys(groups)))

    def shun(self, key: str, reason: str) -> None:
        """Take a clip for damaged from now on, without another look at it."""
        self._shunned[key] = reason

    def _turn(self, number: int) -> tuple[int, int]:
        """Return the epoch of a sample and the number of its clip's turn in it."""
        return divmod(number // self.draws_per_clip, len(self.order))

    def _clip(self, place: int) -> int:
        return place + int(self._usable_before_N.searchsorted(place, side="right"))

    def _of_one_clip(self, numbers: list[int]) -> list[ClipSample]:
        """Return draws of one clip; when all their frames together cannot be read, each looks for itself."""
        if len(numbers) > 1:
            try:
                return self._read(self.clip(numbers[0]), numbers)
            except DataError:
                pass
        return [self._filled(number) for number in numbers]

    def _filled(self, number: int) -> ClipSample:
        """Return one sample, of the first clip that can be read among those that may fill its place."""
        most = min(_MAX_PASSED_OVER, len(self.order) // 2)
        passed_over: list[DamagedClip] = []
        for clip in self.candidates(number):
            try:
                (sample,) = self._read(clip, [number])
            except DataError as error:
                passed_over.append(self._damaged(clip, str(error)))
                if len(passed_over) > most:
                    break
            else:
                return replace(sample, passed_over=tuple(passed_over))
        raise DataError(
            f"all {len(passed_over)} clips tried for one sample of {self.collection.name} are damaged; copy it again\n"
            + "\n".join(f"  {each.key} in {each.group}: {each.reason}" for each in passed_over[:_LISTED])
        )

    def _read(self, clip: int, numbers: list[int]) -> list[ClipSample]:
        """Return what samples show of one clip; raises `DataError` when it is damaged."""
        key = self.collection.table.keys[clip]
        if reason := self._shunned.get(key):
            raise DataError(reason)
        draws = [self._draw(clip, number) for number in numbers]
        frames = tuple(sorted({frame for views in draws for frame in frames_of(views)}))
        with reading(key):
            video_THWC = self._checked(clip, self._pictures(clip, frames))
            motions = [self.collection.motion(clip, frames_of(v)) if self.plan.motion else None for v in draws]
        return [
            cut(key, video_THWC, frames, views, motion=motion) for views, motion in zip(draws, motions, strict=True)
        ]

    def _pictures(self, clip: int, frames: Sequence[int]) -> UInt8[np.ndarray, "t h w 3"]:
        try:
            return self.collection.read(clip, frames)
        except MemoryError as error:
            table = self.collection.table
            raise TrainingError(
                f"there is not enough memory to read clip {table.keys[clip]} in {table.groups[table.group_N[clip]]} of "
                f"{self.collection.name}: {error or 'none is given'}; lower data.workers, or raise the limit of the "
                "processes' memory"
            ) from error

    def _draw(self, clip: int, number: int) -> tuple[ViewDraw, ...]:
        table = self.collection.table
        return draw_palindrome(
            self.plan,
            num_frames=int(table.frames_N[clip]),
            fps=float(table.fps_N[clip]),
            size_hw=(int(table.height_N[clip]), int(table.width_N[clip])),
            rng=np.random.default_rng([self.seed, number]),
        )

    def _checked(self, clip: int, video_THWC: UInt8[np.ndarray, "t h w 3"]) -> UInt8[np.ndarray, "t h w 3"]:
        table = self.collection.table
        stated, (height, width) = (table.height_N[clip], table.width_N[clip]), video_THWC.shape[1:3]
        if stated != (height, width):
            raise DataError(
                f"clip {table.keys[clip]} in {table.groups[table.group_N[clip]]} is {width}x{height}, the table of "
                f"{self.collection.name} says {stated[1]}x{stated[0]}"
            )
        return video_THWC

    def _damaged(self, clip: int, reason: str) -> DamagedClip:
        table = self.collection.table
        return DamagedClip(key=table.keys[clip], group=table.groups[table.group_N[clip]], reason=reason)


def _too_short(table: ClipTable, plan: PalindromePlan) -> Int64[np.ndarray, " n"]:
    """Return the clips that are too short for the plan; in pieces, as the table may be larger than memory."""
    return np.concatenate(list(_too_short_pieces(table, plan)) or [np.empty(0, dtype=np.int64)])


def _too_short_pieces(table: ClipTable, plan: PalindromePlan) -> Iterator[Int64[np.ndarray, " n"]]:
    for start in range(0, len(table), _CHUNK):
        piece = slice(start, start + _CHUNK)
        fits_N = palindromes_fit(plan, frames_N=table.frames_N[piece], fps_N=table.fps_N[piece])
        yield np.flatnonzero(~fits_N) + start


def _usable_sizes(table: ClipTable, short_N: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " g"]:
    """Return the usable clips of each group."""
    edges = np.searchsorted(table.group_N, np.arange(len(table.groups) + 1, dtype=table.group_N.dtype))
    return np.diff(edges) - np.diff(np.searchsorted(short_N, edges))
