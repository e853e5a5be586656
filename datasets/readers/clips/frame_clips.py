"""Folders of numbered images as a collection of clips: one folder is one video, its numbers are times.

A number is a frame of the video the images were taken from, so images 00000, 00005, 00010 of 30 frames a second are six
a second, and where a number is left out the image before stays. Images are decoded when they are asked for.

Shapes: T frames, H W rows and columns.
"""

import hashlib
import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.readers.clips.footage import Footage, Listed
from densewalk.datasets.readers.clips.footage_clips import FootageClips, FootageReader, footage_table
from densewalk.datasets.readers.clips.found_files import listed_file
from densewalk.datasets.readers.clips.picture_grid import PictureGrid
from densewalk.datasets.readers.image_files import read_image
from densewalk.datasets.storage.config import CacheConfig

__all__ = ["IMAGE_ENDINGS", "open_folders"]

IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".ppm")
"""Names of frames end so, in small letters."""
_LAST_NUMBER = re.compile(r"(\d+)\D*$")
_MOST_DIGITS = 18  # of a 64-bit integer


def open_folders(
    name: str, root: Path, folders: Mapping[str, Sequence[Path]], cache: CacheConfig, *, rate: Fraction, seconds: float
) -> FootageClips:
    """Return a collection of folders below `root`, each with its images; `rate` counts their numbers a second.

    Raises `DataError` when none can be used, `ConfigError` when the cache cannot be written.
    """
    if not rate > 0:
        raise ConfigError(f"{name}: fps={float(rate):g} must be above 0")
    listed = {folder: _listed(folder, images) for folder, images in folders.items()}

    def looked_at(_table: Path) -> Iterator[tuple[Listed, Footage | DataError]]:
        for folder, images in folders.items():
            yield listed[folder], _looked_at(listed[folder], images, rate)

    mapped = footage_table(f"{name} at {rate}", root, [*listed.values()], looked_at, cache, seconds=seconds)
    return FootageClips(name, root, mapped, FootageReader(_unpacked, _pictures))


def _listed(folder: str, images: Sequence[Path]) -> Listed:
    """Return a folder as its images are: their lengths together, and the time at which the last of them changed."""
    files = [listed_file(image, image.name) for image in images]
    return Listed(folder, sum(file.bytes for file in files), max(file.changed for file in files))


def _looked_at(listed: Listed, images: Sequence[Path], rate: Fraction) -> Footage | DataError:
    try:
        by_number = sorted(images, key=lambda image: (_number(image.name), image.name))
        names = [image.name for image in by_number]
        grid = _grid(names, rate)
        height, width, _ = read_image(by_number[0]).shape
    except DataError as error:
        return error
    packed = json.dumps([rate.numerator, rate.denominator, names]).encode()
    return Footage(
        listed=listed,
        grid=grid,
        height=height,
        width=width,
        index=zlib.compress(packed),
        content=hashlib.sha256(packed).hexdigest()[:16],
    )


def _unpacked(index: bytes) -> tuple[list[str], PictureGrid]:
    numerator, denominator, names = json.loads(zlib.decompress(index))
    return names, _grid(names, Fraction(numerator, denominator))


def _pictures(
    folder: Path, row: Mapping[str, Any], index: tuple[list[str], PictureGrid], places: Sequence[int]
) -> UInt8[np.ndarray, "t h w 3"]:
    names, grid = index
    shown = grid.shown(places).tolist()
    image_of = {number: _read(folder / names[number], row) for number in dict.fromkeys(shown)}
    video_THWC = np.empty((len(shown), row["height"], row["width"], 3), dtype=np.uint8)
    for place, number in enumerate(shown):
        video_THWC[place] = image_of[number]
    return video_THWC


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
    if len(found[1]) > _MOST_DIGITS:
        raise DataError(f"image {name} has a number of {len(found[1])} digits; expected at most {_MOST_DIGITS}")
    return int(found[1])


def _read(path: Path, row: Mapping[str, Any]) -> UInt8[np.ndarray, "h w 3"]:
    image_HWC = read_image(path)
    if image_HWC.shape[:2] != (row["height"], row["width"]):
        found, expected = f"{image_HWC.shape[1]} x {image_HWC.shape[0]}", f"{row['width']} x {row['height']}"
        raise DataError(f"{path.name} has {found} pixels; the first image of its folder has {expected}")
    return image_HWC
