"""Folders of numbered images as a collection of clips: one folder is one video, its numbers are times.

A number is a frame of the video the images were taken from, so images 00000, 00005, 00010 of 30 frames a second are six
a second, and where a number is left out the image before stays. Images are decoded when they are asked for.

Shapes: N images of a folder.
"""

import hashlib
import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from densewalk.datasets.collection import ClipTable
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.kept_table import clip_table, kept_table
from densewalk.datasets.mapped_table import MappedTable
from densewalk.datasets.readers.clips.footage import FOOTAGE_SCHEMA, Footage, Listed, fill_table, made_of
from densewalk.datasets.readers.clips.picture_grid import PictureGrid
from densewalk.datasets.readers.image_files import read_image
from densewalk.datasets.samples import DamagedClip
from densewalk.datasets.storage.config import CacheConfig
from densewalk.datasets.views import Motion

__all__ = ["IMAGE_ENDINGS", "FrameClips", "open_folders"]

IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".ppm")
"""Names of frames end so, in small letters."""
_LAST_NUMBER = re.compile(r"(\d+)\D*$")
_FOLDERS_KEPT = 64


class FrameClips:
    """A `ClipCollection` over folders of images; made by `open_folders`."""

    has_motion = False

    def __init__(self, name: str, root: Path, rate: Fraction, mapped: MappedTable) -> None:
        self.name = name
        self._root, self._rate, self._mapped = root, rate, mapped
        self.identity: str = mapped.about["identity"]
        self.table: ClipTable = clip_table(mapped)
        self._folder = lru_cache(_FOLDERS_KEPT)(self._unpacked)

    def __reduce__(self) -> tuple[type["FrameClips"], tuple[str, Path, Fraction, MappedTable]]:
        return FrameClips, (self.name, self._root, self._rate, self._mapped)

    @property
    def damaged(self) -> tuple[DamagedClip, ...]:
        """Folders that could not be used when they were looked at."""
        return tuple(
            DamagedClip(key=name, group=self.name, reason=reason)
            for name, _, _, reason in self._mapped.about["damaged"]
        )

    def read(self, clip: int, frames: Sequence[int]) -> UInt8[np.ndarray, "t h w 3"]:
        """Return frames of a clip; raises as every `ClipCollection` does."""
        row = self._mapped.row(clip)
        if outside := [frame for frame in frames if not 0 <= frame < row["frames"]]:
            raise DataError(f"clip {row['key']} of {self.name} has {row['frames']} frames; {outside[0]} was asked for")
        images, grid = self._folder(row["first"])
        shown = grid.shown([row["start"] + frame for frame in frames]).tolist()
        folder = self._root / row["footage"]
        image_of = {number: _read(folder / images[number], row) for number in dict.fromkeys(shown)}
        video_THWC = np.empty((len(shown), row["height"], row["width"], 3), dtype=np.uint8)
        for place, number in enumerate(shown):
            video_THWC[place] = image_of[number]
        return video_THWC

    def motion(self, clip: int, frames: Sequence[int]) -> Motion:
        """Raise `ConfigError`: nobody knows it."""
        raise ConfigError(f"{self.name} is plain video without known motion; leave it out, or set plan.motion=false")

    def ahead(self, groups: Sequence[int]) -> None:
        """Do nothing: files are read in place."""

    def _unpacked(self, first: int) -> tuple[list[str], PictureGrid]:
        images = json.loads(zlib.decompress(self._mapped.blobs("index")[first]))
        return images, _grid(images, self._rate)


def open_folders(
    name: str, root: Path, folders: Mapping[str, Sequence[Path]], cache: CacheConfig, *, rate: Fraction, seconds: float
) -> FrameClips:
    """Return a collection of folders below `root`, each with its images; `rate` counts their numbers a second.

    Raises `DataError` when none can be used, `ConfigError` when the cache cannot be written.
    """
    if not (rate > 0 and seconds > 0):
        raise ConfigError(f"{name}: fps={float(rate):g} and seconds={seconds:g} must be above 0")
    listed = {folder: _listed(folder, images) for folder, images in folders.items()}
    place = hashlib.sha256(json.dumps([name, str(root.resolve()), str(rate), seconds]).encode()).hexdigest()[:16]
    path = cache.place / "tables" / f"frames-{place}.arrow"

    def looked_at() -> Iterator[tuple[Listed, Footage | DataError]]:
        for folder, images in folders.items():
            yield listed[folder], _looked_at(listed[folder], images, rate)

    mapped = kept_table(
        path,
        FOOTAGE_SCHEMA,
        made_of([*listed.values()], seconds),
        lambda writer: fill_table(writer, looked_at(), seconds),
    )
    return FrameClips(name, root, rate, mapped)


def _listed(folder: str, images: Sequence[Path]) -> Listed:
    """Return a folder as its images are: their lengths together, and the time at which the last of them changed."""
    facts = [image.stat() for image in images]
    return Listed(folder, sum(fact.st_size for fact in facts), max(fact.st_mtime_ns for fact in facts))


def _looked_at(listed: Listed, images: Sequence[Path], rate: Fraction) -> Footage | DataError:
    try:
        by_number = sorted(images, key=lambda image: (_number(image.name), image.name))
        names = [image.name for image in by_number]
        grid = _grid(names, rate)
        height, width, _ = read_image(by_number[0]).shape
    except DataError as error:
        return error
    packed = json.dumps(names).encode()
    return Footage(
        listed=listed,
        grid=grid,
        height=height,
        width=width,
        index=zlib.compress(packed),
        content=hashlib.sha256(packed).hexdigest()[:16],
    )


def _grid(names: Sequence[str], rate: Fraction) -> PictureGrid:
    tick_N = np.array([_number(name) for name in names], np.int64)
    if len(tick_N) > 1 and np.diff(tick_N).min() < 1:
        twice = names[int(np.argmin(np.diff(tick_N))) + 1]
        raise DataError(f"two images have the number of {twice}")
    return PictureGrid(time_base=1 / rate, tick_N=tick_N, declared_rate=rate)


def _number(name: str) -> int:
    found = _LAST_NUMBER.search(Path(name).stem)
    if found is None:
        raise DataError(f"image {name} has no number, which says when it is shown")
    return int(found[1])


def _read(path: Path, row: Mapping[str, Any]) -> UInt8[np.ndarray, "h w 3"]:
    image_HWC = read_image(path)
    if image_HWC.shape[:2] != (row["height"], row["width"]):
        found, expected = f"{image_HWC.shape[1]} x {image_HWC.shape[0]}", f"{row['width']} x {row['height']}"
        raise DataError(f"clip {row['key']}: {path} has {found} pixels; the first image of its folder has {expected}")
    return image_HWC
