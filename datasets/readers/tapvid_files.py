"""The files that TAP-Vid is distributed in, taken apart into videos with a name.

DAVIS and RoboTAP are pickled dictionaries of videos by name, RGB-Stacking is a pickled list, Kinetics is a folder of
pickled lists that tapnet's generate_tapvid.py makes out of clips and annotations. Kubric is not distributed but
generated; samples that were stored are read from a pickle, .npz or .npy each, from pickles of several, or from the .tsv
that GMRW evaluates on (`clips/kubric_points.py` generates them). One file is in memory at a time.
"""

import base64
import binascii
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.restricted_pickle import load_plain_pickle, read_plain_pickle

__all__ = ["LAYOUTS", "TapVidDataset", "TapVidLayout", "find_files", "read_items"]

TapVidDataset = Literal["davis", "kinetics", "kubric", "rgb-stacking", "robotap"]

_BY_NAME, _LIST, _ONE = "a dictionary of videos by name", "a list of videos", "a single video"
_TSV_FIELDS = ("video", "query_points", "target_points", "occluded")
_TSV_VIDEO_SHAPE = (24, 256, 256, 3)
_ITEM = "{video, points, occluded}"
_SITE = "https://storage.googleapis.com/dm-tapnet"


@dataclass(frozen=True, slots=True, kw_only=True)
class TapVidLayout:
    """How a data set is distributed."""

    patterns: tuple[str, ...]
    """Names of its files."""
    content: tuple[str, ...]
    """What a file may hold."""
    expected: str
    """The same in words."""
    source: str
    """Where a person gets it."""


LAYOUTS: Mapping[TapVidDataset, TapVidLayout] = {
    "davis": TapVidLayout(
        patterns=("*.pkl",),
        content=(_BY_NAME,),
        expected=f"tapvid_davis.pkl, a pickled dictionary of {_ITEM} by name",
        source=f"{_SITE}/tapvid_davis.zip",
    ),
    "kinetics": TapVidLayout(
        patterns=("*_of_*.pkl",),
        content=(_LIST, _BY_NAME),
        expected=f"a folder of 0000_of_0010.pkl and so on, pickled lists of {_ITEM} with frames as JPEG",
        source=f"{_SITE}/tapvid_kinetics.zip (annotations) and tapnet's generate_tapvid.py on Kinetics-700-2020 clips",
    ),
    "kubric": TapVidLayout(
        patterns=("*.pkl", "*.npz", "*.npy", "*.tsv"),
        content=(_ONE, _LIST, _BY_NAME),
        expected="the folder of MOVi-E with the TFRecords of its validation split (movi_e/256x256/1.0.0), "
        "{video, query_points, target_points, occluded} as pickles, .npz or .npy, or GMRW's .tsv",
        source="gs://kubric-public/tfds or https://github.com/google-research/kubric/tree/main/challenges/point_tracking",
    ),
    "rgb-stacking": TapVidLayout(
        patterns=("*.pkl",),
        content=(_LIST,),
        expected=f"tapvid_rgb_stacking.pkl, a pickled list of {_ITEM}",
        source=f"{_SITE}/tapvid_rgb_stacking.zip",
    ),
    "robotap": TapVidLayout(
        patterns=("robotap*.pkl",),
        content=(_BY_NAME,),
        expected=f"a folder of robotap_split0.pkl and so on, pickled dictionaries of {_ITEM} by name",
        source=f"{_SITE}/robotap/robotap.zip",
    ),
}


def find_files(path: Path, layout: TapVidLayout) -> list[Path]:
    """Return the file at `path`, or those of a folder in order of their names; raises `DataError` when there are none.

    The error says what was expected and where a person gets it.
    """
    if path.suffix == ".zip":
        raise DataError(f"{path} is an archive; unpack it and name what is inside with --data: {layout.expected}")
    candidates = sorted(path.iterdir()) if path.is_dir() else [path]
    found = [file for file in candidates if file.is_file() and any(map(file.match, layout.patterns))]
    if not found:
        what = f"no {' or '.join(layout.patterns)} at {path}" if path.exists() else f"nothing at {path}"
        raise DataError(f"{what}; expected {layout.expected}; from {layout.source} (--data)")
    return found


def read_items(path: Path, layout: TapVidLayout) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the videos of one file as name and fields; raises `DataError` when it is not of the layout."""
    try:
        kind, items = _open(path)
    except DataError as error:
        raise DataError(f"{error}; expected {layout.expected}; from {layout.source} (--data)") from error
    if kind not in layout.content:
        raise DataError(f"{path} holds {kind}; expected {layout.expected}; from {layout.source} (--data)")
    for name, item in items:
        if not isinstance(item, Mapping):
            raise DataError(f"{path} holds a {type(item).__name__} for {name}; expected {layout.expected}")
        yield name, item


def _open(path: Path) -> tuple[str, Iterator[tuple[str, Any]]]:
    """Return what a file holds, in words as `TapVidLayout.content` has them, and its items."""
    if path.suffix == ".tsv":
        return _LIST, _tsv_items(path)
    content = _content(path)
    if isinstance(content, Mapping) and "video" in content:
        return _ONE, iter([(path.stem, content)])
    if isinstance(content, Mapping) and content:
        return _BY_NAME, ((str(name), item) for name, item in content.items())
    if isinstance(content, list | tuple) and content:
        return _LIST, ((f"{path.stem}-{number}", item) for number, item in enumerate(content))
    return f"a {type(content).__name__} without videos", iter(())


def _content(path: Path) -> Any:
    if path.suffix == ".npz":
        return _npz_content(path)
    if path.suffix == ".npy":
        return _npy_content(path)
    return load_plain_pickle(path)


def _npz_content(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return dict(archive)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"cannot read {path}: {error}; expected arrays that np.savez wrote") from error


def _npy_content(path: Path) -> Any:
    """Return what `np.save` wrote of a dictionary: a pickled array of one object behind a header."""
    try:
        with path.open("rb") as file:
            if np.lib.format.read_magic(file) != (1, 0):
                raise ValueError("not of version 1.0")
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            if shape or not dtype.hasobject:
                raise ValueError(f"an array of {dtype} of shape {shape}")
            return read_plain_pickle(file, where=str(path)).item()
    except (OSError, ValueError, AttributeError) as error:
        raise DataError(f"cannot read {path}: {error}; expected a dictionary that np.save wrote") from error


def _tsv_items(path: Path) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Yield the rows of GMRW's table: number, then the four arrays' bytes in base 64, tracks of 24 frames."""
    with path.open("rb") as file:
        for number, line in enumerate(file):
            try:
                name, *texts = line.rstrip(b"\r\n").split(b"\t")
                video, query, target, occluded = (base64.b64decode(text, validate=True) for text in texts)
                frames = _TSV_VIDEO_SHAPE[0]
                arrays = (
                    np.frombuffer(video, np.float32).reshape(_TSV_VIDEO_SHAPE),
                    np.frombuffer(query, np.float32).reshape(-1, 3),
                    np.frombuffer(target, np.float32).reshape(-1, frames, 2),
                    np.frombuffer(occluded, np.bool_).reshape(-1, frames),
                )
            except (ValueError, binascii.Error) as error:
                raise DataError(
                    f"{path}, line {number + 1}: {error}; expected a number, {', '.join(_TSV_FIELDS)} in base 64"
                ) from error
            yield name.decode("ascii", "replace"), dict(zip(_TSV_FIELDS, arrays, strict=True))
