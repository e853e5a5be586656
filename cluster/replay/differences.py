"""Where what a stage makes differs from what it made before: field by field, file by file.

Numbers differ when they are further apart than the tolerance, absolute and relative; so do those in `.npy` files and in
files of JSON. Other files differ when any byte does.
"""

import hashlib
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["FILES", "OUTPUTS", "differences"]

OUTPUTS, FILES = "outputs.jsonl", "files"
"""Records a line each, and the files that were made, in a folder of outputs."""
_LONGEST = 60
_DIGITS = 12


def differences(was: Path, now: Path, *, tolerance: float = 0.0) -> Iterator[str]:
    """Yield how the folder of outputs `now` differs from `was`, a line each."""
    before, after = _records(was), _records(now)
    for number in range(max(len(before), len(after))):
        where = f"record {number}"
        if number >= len(after):
            yield f"{where}: is missing, was {_short(before[number])}"
        elif number >= len(before):
            yield f"{where}: is new: {_short(after[number])}"
        else:
            yield from (f"{where}: {told}" for told in _between(before[number], after[number], "", tolerance))
    files_before, files_after = _files(was), _files(now)
    for name in sorted(files_before | files_after):
        if name not in files_after:
            yield f"{name}: is missing, had {(was / FILES / name).stat().st_size:,} bytes"
        elif name not in files_before:
            yield f"{name}: is new, has {(now / FILES / name).stat().st_size:,} bytes"
        else:
            yield from _between_files(was / FILES / name, now / FILES / name, name, tolerance)


def _between(was: Any, now: Any, path: str, tolerance: float) -> Iterator[str]:
    """Yield the fields that differ, by their paths below `path`."""
    match was, now:
        case dict(), dict():
            for name in dict.fromkeys((*was, *now)):
                yield from _between(was.get(name), now.get(name), f"{path}.{name}" if path else name, tolerance)
        case list(), list() if len(was) == len(now):
            for number, pair in enumerate(zip(was, now, strict=True)):
                yield from _between(*pair, f"{path}[{number}]", tolerance)
        case list(), list():
            yield f"{path}: {len(now)} items, was {len(was)}"
        case ((int() | float()), (int() | float())) if _are_numbers_alike(was, now, tolerance):
            return
        case _ if was != now:
            yield f"{path}: {_short(now)}, was {_short(was)}"


def _are_numbers_alike(was: float, now: float, tolerance: float) -> bool:
    if isinstance(was, bool) or isinstance(now, bool):
        return was is now
    both_nan = math.isnan(was) and math.isnan(now)
    return both_nan or math.isclose(was, now, rel_tol=tolerance, abs_tol=tolerance)


def _between_files(was: Path, now: Path, name: str, tolerance: float) -> Iterator[str]:
    before, after = _sha256(was), _sha256(now)
    if before == after:
        return
    told = f"{name}: {now.stat().st_size:,} bytes, sha256 {after}; was {was.stat().st_size:,} bytes, sha256 {before}"
    try:
        if now.suffix == ".json":
            inside = _between(json.loads(was.read_text()), json.loads(now.read_text()), "", tolerance)
            yield from (f"{name}: {difference}" for difference in inside)
        elif now.suffix != ".npy" or not _are_close(np.load(was), np.load(now), tolerance):
            yield told
    except ValueError:  # not what its name says
        yield told


def _are_close(was: np.ndarray, now: np.ndarray, tolerance: float) -> bool:
    return was.shape == now.shape and np.allclose(was, now, rtol=tolerance, atol=tolerance, equal_nan=True)


def _records(folder: Path) -> list[Any]:
    return [_plain(json.loads(line)) for line in (folder / OUTPUTS).read_text().splitlines()]


def _plain(value: Any) -> Any:
    """Return a record's JSON without the names of types that wire.py adds, but for that of its class."""
    match value:
        case {"class": name, "fields": fields}:
            return {"kind": name.rpartition(":")[2]} | {field: _plain(item) for field, item in fields.items()}
        case {"tuple": items} | {"dict": items}:
            return _plain(items)
        case {"path": text}:
            return text
        case dict():
            return {name: _plain(item) for name, item in value.items()}
        case list():
            return [_plain(item) for item in value]
    return value


def _files(folder: Path) -> set[str]:
    files = folder / FILES
    return {str(path.relative_to(files)) for path in files.rglob("*") if path.is_file()}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:_DIGITS]


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
