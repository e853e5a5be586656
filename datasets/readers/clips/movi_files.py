"""Where the records of a MOVi split lie: the layout in which TensorFlow Datasets wrote and published them.

    movi_e/256x256/1.0.0/dataset_info.json
    movi_e/256x256/1.0.0/movi_e-train.tfrecord-00000-of-01024 ...

`dataset_info.json` says how many records each shard of each split has, so nothing is listed and no shard is opened to
know all clips, in a folder or behind a web server alike.

Source: kubric's challenges/movi/README.md and movi_{a..f}.py; TFDS's naming of shards (core/naming.py).
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.origin import Origin
from densewalk.datasets.storage.config import CacheConfig
from densewalk.datasets.storage.opening import open_store
from densewalk.datasets.storage.store import Store

__all__ = ["MOVI", "MoviSplit", "find_split", "is_movi"]

MOVI = Origin(
    name="MOVi (Kubric)",
    site="gs://kubric-public/tfds (described in challenges/movi of google-research/kubric)",
    licence="code Apache-2.0; objects and backgrounds under the licences that the README of kubric names",
    layout=(
        "dataset_info.json",
        "movi_<a-f>-<train, validation, test>.tfrecord-<shard>-of-<shards>, as in movi_e/256x256/1.0.0",
    ),
)

_INFO = "dataset_info.json"
_TEMPLATE = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MoviSplit:
    """A split: where it is and how many records each of its files has."""

    store: Store
    name: str
    """As in movi_e-train."""
    shards: tuple[str, ...]
    """Names of the files."""
    numbers: tuple[int, ...]
    """Of the files in the whole split."""
    records: tuple[int, ...]
    """Of each file."""
    identity: str
    """Hex digits of what `dataset_info.json` says, of the split and of the files that are there."""

    def only(self, places: Sequence[int]) -> "MoviSplit":
        """Return the part of a split that some of its files are."""
        return replace(
            self,
            shards=tuple(self.shards[place] for place in places),
            numbers=tuple(self.numbers[place] for place in places),
            records=tuple(self.records[place] for place in places),
            identity=hashlib.sha256(f"{self.identity} {list(places)}".encode()).hexdigest(),
        )


def find_split(location: str, cache: CacheConfig, default: str = "train") -> MoviSplit:
    """Return the split at a place: a version folder (its `default` split), or a split's name behind it.

    A local folder may also lie above, when there is but one version below it. Raises `DataError` when it is absent,
    of another layout or not stored as TFRecords.
    """
    place, split = _version_folder(location.rstrip("/"), default)
    store = open_store(place, cache)
    content = store.read_all(_INFO)
    info = _parsed(content, f"{store.name}/{_INFO}")
    if (found := info.get("fileFormat", "tfrecord")) != "tfrecord":
        raise DataError(f"{store.name} stores its records as {found}; expected tfrecord, as MOVi is published")
    splits = {str(entry.get("name")): entry for entry in info["splits"]}
    if split not in splits:
        raise DataError(f"{store.name} has the splits {', '.join(splits)}; there is no {split!r}")
    shards, records = _shards(str(info.get("name")), splits[split], store.name)
    return MoviSplit(
        store=store,
        name=f"{info.get('name')}-{split}",
        shards=shards,
        numbers=tuple(range(len(shards))),
        records=records,
        identity=hashlib.sha256(content + b"\0" + split.encode()).hexdigest(),
    )


def is_movi(folder: Path) -> bool:
    """Return whether a folder is one that `find_split` looks for MOVi in and finds it."""
    return any((place / _INFO).is_file() for place in (folder, folder.parent)) or bool(_versions_below(folder))


def _version_folder(location: str, default: str) -> tuple[str, str]:
    parent, _, last = location.rpartition("/")
    if "://" in location:
        is_split = not re.fullmatch(r"\d+\.\d+\.\d+", last)
        return (parent, last) if is_split else (location, default)
    folder = Path(location)
    for place, split in ((folder, default), (folder.parent, folder.name)):
        if (place / _INFO).is_file():
            return str(place), split
    below = _versions_below(folder)
    if len(below) == 1:
        return str(below[0]), default
    if below:
        raise DataError(
            f"{folder} holds {len(below)} data sets: {', '.join(str(path.relative_to(folder)) for path in below[:6])}; "
            "name one of them"
        )
    found = "holds no dataset_info.json" if folder.is_dir() else "does not exist"
    raise DataError(f"{MOVI.name}: {folder} {found}; {MOVI.expected}")


def _versions_below(folder: Path) -> list[Path]:
    return sorted(path.parent for depth in ("*", "*/*", "*/*/*") for path in folder.glob(f"{depth}/{_INFO}"))


def _parsed(content: bytes, where: str) -> Mapping[str, Any]:
    try:
        info = json.loads(content)
    except ValueError as error:
        raise DataError(f"{where} is not JSON: {error}; expected what TFDS writes, fetch it again") from error
    splits = info.get("splits") if isinstance(info, Mapping) else None
    if not splits or not isinstance(splits, list) or not all(isinstance(entry, Mapping) for entry in splits):
        raise DataError(f"{where} names no splits; expected what TFDS writes")
    return info


def _shards(dataset: str, split: Mapping[str, Any], where: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    try:
        records = tuple(int(count) for count in split["shardLengths"])
        template = str(split.get("filepathTemplate") or _TEMPLATE)
        names = tuple(
            _filled(template, DATASET=dataset, SPLIT=str(split["name"]), number=number, count=len(records))
            for number in range(len(records))
        )
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(f"{where}/{_INFO} does not say how the records of a split are divided: {error!r}") from error
    if not records or min(records) < 0 or not sum(records):
        raise DataError(f"{where}/{_INFO}: split {split['name']} has the shard lengths {list(records)[:8]}")
    return names, records


def _filled(template: str, *, number: int, count: int, **names: str) -> str:
    place, total = f"{number:05d}", f"{count:05d}"
    names |= {
        "SHARD_X_OF_Y": f"{place}-of-{total}",
        "SHARD_INDEX": place,
        "NUM_SHARDS": total,
        "FILEFORMAT": "tfrecord",
    }
    for name, value in names.items():
        template = template.replace(f"{{{name}}}", value)
    return template
