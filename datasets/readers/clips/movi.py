"""MOVi-A to F as a collection of clips, read from the published TFRecords without TensorFlow.

A clip is a scene of 24 frames at 12 a second, a group is a file of about ten scenes (25 MB each). Of a local file only
the pictures that are asked for are read, a fraction of a record; each is guarded by the checksums of its PNG. A remote
record is fetched whole, in one request, and its own checksum verified. Motion between any two frames is computed from
the scene (`movi_motion.py`).

Keys are `movi_e-train-00053-0007`: data set, split, file, record.

Source: Greff et al., "Kubric: a scalable dataset generator", CVPR 2022; challenges/movi of google-research/kubric.

Shapes: N clips, T frames, H W rows and columns.
"""

import logging
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from densewalk.datasets.collection import ClipTable
from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.clips.movi_files import MOVI, MoviSplit, find_split
from densewalk.datasets.readers.clips.movi_motion import dense_motion
from densewalk.datasets.readers.clips.movi_scene import MoviScene
from densewalk.datasets.readers.clips.tfrecord import TFRecordFile
from densewalk.datasets.readers.clips.tfrecord_example import ExampleReader
from densewalk.datasets.storage.config import CacheConfig
from densewalk.datasets.views import Motion

__all__ = ["MoviCollection", "open_movi"]

_FPS = 12.0
_LOG = logging.getLogger("densewalk")


def open_movi(path: str | Path, cache: CacheConfig, *, split: str = "train") -> "MoviCollection":
    """Return a split of MOVi: `path` is the folder or URL of a version, or the name of another split behind it.

    Of a local folder the files that are there are used, and how many are absent is logged. Raises `DataError` when
    there are none, or when no scene can be read; `UnreachableError` when the place does not answer.
    """
    is_remote = "://" in str(path)
    found = find_split(str(path), cache, split)
    found = found if is_remote else _present(found)
    # The size is the same for all scenes; any whose record has the right checksum tells it.
    problem: DataError | None = None
    for number in range(len(found.shards)):
        try:
            file = TFRecordFile(found.store, found.shards[number])
            scene = _scene(file, 0, f"record 0 of {file.name}", whole=True)
            return MoviCollection(found, scene.num_frames, scene.size_hw, is_remote=is_remote)
        except DataError as error:
            problem = problem or error
    raise DataError(f"no file of {found.name} in {found.store.name} can be read: {problem}")


class MoviCollection:
    """A `ClipCollection` with motion; `scene` gives all that is stored of a clip."""

    has_motion = True
    """Between any two frames of a clip."""

    def __init__(self, split: MoviSplit, num_frames: int, size_hw: tuple[int, int], *, is_remote: bool) -> None:
        self._split, self._is_remote = split, is_remote
        self._num_frames, self._size_hw = num_frames, size_hw
        self._files = [TFRecordFile(split.store, shard) for shard in split.shards]
        self._last: tuple[int, MoviScene] | None = None
        self._first_N = np.cumsum([0, *split.records])
        count = sum(split.records)
        group_N = np.repeat(np.arange(len(split.shards), dtype=np.int32), split.records)
        self.table = ClipTable(
            keys=tuple(
                f"{split.name}-{number:05d}-{record:04d}"
                for number, records in zip(split.numbers, split.records, strict=True)
                for record in range(records)
            ),
            group_N=group_N,
            frames_N=np.full(count, num_frames, np.int32),
            fps_N=np.full(count, _FPS),
            height_N=np.full(count, size_hw[0], np.int32),
            width_N=np.full(count, size_hw[1], np.int32),
            groups=split.shards,
        )

    def __reduce__(self) -> tuple[object, ...]:
        return partial(MoviCollection, is_remote=self._is_remote), (self._split, self._num_frames, self._size_hw)

    @property
    def name(self) -> str:
        """The split and its place."""
        return f"{self._split.name} in {self._split.store.name}"

    @property
    def split(self) -> str:
        """Data set and split, as in movi_e-train."""
        return self._split.name

    @property
    def identity(self) -> str:
        """Hex digits of what the data set says of itself, of the split and of the files that are there."""
        return self._split.identity

    def read(self, clip: int, frames: Sequence[int]) -> UInt8[np.ndarray, "t h w 3"]:
        """Return frames of a clip, RGB 0-255; raises `DataError` naming key, file and byte on damage."""
        return self.scene(clip).video(frames)

    def motion(self, clip: int, frames: Sequence[int]) -> Motion:
        """Return the motion between neighbours of `frames`, there and back; raises as `read`."""
        return dense_motion(self.scene(clip), [pair for a, b in pairwise(frames) for pair in ((a, b), (b, a))])

    def scene(self, clip: int) -> MoviScene:
        """Return a clip with all its layers, for one thread at a time; raises as `read`."""
        known = self._last
        if known is None or known[0] != clip:
            group = int(self.table.group_N[clip])
            file, record = self._files[group], clip - int(self._first_N[group])
            where = f"clip {self.table.keys[clip]} (record {record} of {file.name})"
            scene = _scene(file, record, where, whole=self._is_remote)
            if (scene.num_frames, scene.size_hw) != (self._num_frames, self._size_hw):
                raise DataError(
                    f"clip {self.table.keys[clip]} in {file.name} has {scene.num_frames} frames of {scene.size_hw} "
                    f"rows and columns; expected {self._num_frames} of {self._size_hw}, as others of its data set have"
                )
            known = self._last = clip, scene
        return known[1]

    def ahead(self, groups: Sequence[int]) -> None:
        """Be told which files are read soon, the most urgent first."""
        self._split.store.ahead([self._split.shards[group] for group in groups])


def _scene(file: TFRecordFile, record: int, where: str, *, whole: bool) -> MoviScene:
    if whole:
        content = file.record(record)
        return MoviScene(ExampleReader(lambda offset, size: content[offset : offset + size], len(content), where))
    return MoviScene(ExampleReader(partial(file.piece, record), file.span(record)[1], where))


def _present(split: MoviSplit) -> MoviSplit:
    """Return the part of a split whose files are there."""
    names = set(split.store.names())
    kept = [place for place, shard in enumerate(split.shards) if shard in names]
    if len(kept) == len(split.shards):
        return split
    absent = next(shard for shard in split.shards if shard not in names)
    found = (
        f"{len(split.shards) - len(kept)} of {len(split.shards)} files of {split.name} are not in {split.store.name}"
    )
    if not kept:
        raise DataError(f"{MOVI.name}: {found}, {absent} for one; {MOVI.expected}")
    _LOG.warning("%s, %s for one; the others are used. %s is at %s", found, absent, MOVI.name, MOVI.site)
    return split.only(kept)
