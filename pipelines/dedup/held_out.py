"""Films of evaluation videos, so that nothing they show enters a corpus that a model is trained on.

A video is decoded as any source is; a folder of images, such as JPEGImages/480p/<name> of DAVIS, is a video when most
neighbours look alike and a set of stills otherwise. Nobody says how fast such a video is, so it gets a film at each of
three rates. Films are cut into parts of three seconds that overlap by one: every second lies whole in some part.

Films are kept below the work folder by the hash of what they were made of: a second run decodes nothing.
Borders of evaluation videos are not cropped.

Shapes: N images, S samples, F cosines.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Int8

from densewalk.datasets.atomic import write_json
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.readers.image_files import read_image
from densewalk.pipelines.dedup.dedup_config import DedupConfig
from densewalk.pipelines.dedup.film import SAMPLES_PER_SECOND, clip_film, film_of, film_text
from densewalk.pipelines.dedup.matching import match
from densewalk.pipelines.dedup.signed import Signed
from densewalk.pipelines.records import Candidate, Reel
from densewalk.pipelines.sources.folders import VIDEO_SUFFIXES
from densewalk.pipelines.spool import THUMBNAIL_HW, read_thumbnails

__all__ = ["held_out_signatures"]

_IMAGES = {".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".webp", ".tif", ".tiff"}
_PART, _HOP = 3 * SAMPLES_PER_SECOND, 2 * SAMPLES_PER_SECOND
_SPEEDS = (0.8, 1.0, 1.25)
"""Frame rates at which images are taken for a video, over the one that is configured."""
_ALIKE = 0.5
"""Similarity that frames of a video have with their neighbours and different pictures do not."""


class _Part(NamedTuple):
    name: str
    """Image of a set of stills; empty for a video."""
    start_seconds: float
    signature: str


def held_out_signatures(
    config: DedupConfig, *, decoded: Callable[[Path], Iterable[Reel]], work: Path
) -> Iterator[Signed]:
    """Yield the parts of the held-out videos as `find_duplicates` wants them.

    `decoded` gives the reels of a video file, whose folders are removed here. Raises `ConfigError` for a path where
    there is nothing to hold out, `DataError` for an image that cannot be read.
    """
    for name in config.held_out:
        for path, images in _found(Path(name)):
            cache = work / "held-out" / f"{_digest(images or [path], config)}.json"
            if not cache.is_file():
                made = _of_images(images, config.held_out_fps) if images else _of_video(decoded(path))
                write_json(cache, list(made))
            for image, start, signature in json.loads(cache.read_text()):
                shown = path / image if image else path
                yield Signed(key=f"{shown}@{start:g}s", signature=signature)


def _found(path: Path) -> Iterator[tuple[Path, list[Path]]]:
    """Yield video files, and images or folders of images with the images, in the order of their names."""
    if path.is_file():
        yield path, [path] if path.suffix.lower() in _IMAGES else []
        return
    empty = True
    for folder, folders, names in os.walk(path):
        folders.sort()
        files = [Path(folder) / name for name in sorted(names)]
        images = [file for file in files if file.suffix.lower() in _IMAGES]
        videos = [file for file in files if file.suffix.lower() in VIDEO_SUFFIXES]
        if images:
            yield Path(folder), images
        yield from ((video, []) for video in videos)
        empty &= not images and not videos
    if empty:
        raise ConfigError(f"dedup.held_out={path}: expected a video, an image or a folder that holds some")


def _digest(files: list[Path], config: DedupConfig) -> str:
    digest = hashlib.sha256(f"{film_text(np.zeros((1, 1), np.int8))} {config.held_out_fps}".encode())
    for path in files:
        with path.open("rb") as file:
            digest.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:32]


def _of_video(reels: Iterable[Reel]) -> Iterator[_Part]:
    for reel in reels:
        first, end = reel.first_frame - reel.lead, reel.first_frame + reel.num_frames + reel.trail
        whole = Candidate(
            key="",
            shot=first,
            interval=(first, end),
            start_seconds=0.0,
            end_seconds=0.0,
            fps=reel.rate.as_integer_ratio(),
            crop_xywh=(0, 0, reel.width, reel.height),
        )
        film_SF = clip_film(reel, read_thumbnails(reel), whole)
        shutil.rmtree(reel.folder, ignore_errors=True)
        yield from _parts(film_SF, start_seconds=first / reel.fps)


def _of_images(images: list[Path], fps: float) -> Iterator[_Part]:
    film_NF = np.concatenate([film_of(_thumbnail(path)[None], fps=SAMPLES_PER_SECOND) for path in images])
    neighbours = [match(a_F[None], b_F[None], min_samples=1).similarity for a_F, b_F in pairwise(film_NF)]
    if neighbours and np.median(neighbours) > _ALIKE:
        for speed in _SPEEDS:
            yield from _parts(_resampled(film_NF, fps * speed), start_seconds=0.0)
    else:
        for path, film_F in zip(images, film_NF, strict=True):
            yield _Part(path.name, 0.0, film_text(film_F[None]))


def _thumbnail(path: Path) -> np.ndarray:
    try:
        return cv2.resize(read_image(path), THUMBNAIL_HW[::-1], interpolation=cv2.INTER_AREA)
    except DataError as error:
        raise DataError(f"dedup.held_out: {error}; remove or replace the image") from error


def _resampled(film_NF: Int8[np.ndarray, "n f"], fps: float) -> Int8[np.ndarray, "s f"]:
    """Average the films of single images over samples, which is the film of the average image."""
    num_samples = max(1, int(len(film_NF) * SAMPLES_PER_SECOND / fps + 0.5))
    sample_N = np.minimum((np.arange(len(film_NF)) * SAMPLES_PER_SECOND / fps).astype(np.int64), num_samples - 1)
    means = [film_NF[sample_N == number].mean(0) for number in np.unique(sample_N)]
    return np.rint(means).astype(np.int8)


def _parts(film_SF: Int8[np.ndarray, "s f"], *, start_seconds: float) -> Iterator[_Part]:
    overlap = _PART - _HOP
    for start in range(0, max(1, len(film_SF) - overlap), _HOP):
        signature = film_text(film_SF[start : start + _PART])
        yield _Part("", start_seconds + start / SAMPLES_PER_SECOND, signature)
