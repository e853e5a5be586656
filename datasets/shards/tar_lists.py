"""Lists of tars as they are usually written: one place and the names below it.

    /data/tars                                   every .tar below a folder
    /data/train-*.tar, s3://bucket/a/*/b-?.tar   a pattern; `*` stays within a folder
    https://host/train-{00000..00099}.tar        braces, {a,b} or numbers from {..} to, which keep their zeros
    A::B                                         both, of one place

A web server cannot list its files, so there only names and braces do.
"""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import product
from os.path import commonpath
from pathlib import Path
from urllib.parse import urlsplit

from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.storage.config import CacheConfig
from densewalk.datasets.storage.folder_store import FolderStore
from densewalk.datasets.storage.opening import open_store
from densewalk.datasets.storage.store import Store

__all__ = ["listed_tars"]

_BRACES = re.compile(r"\{([^{}]*)\}")
_NUMBERS = re.compile(r"(\d+)\.\.(\d+)")
_MOST_NAMES = 1_000_000
_WILD = re.compile(r"[*?[]")


def listed_tars(location: str, cache: CacheConfig) -> tuple[Store, list[str]]:
    """Return the place of a list of tars and their names below it, sorted, each once.

    Raises `ConfigError` for a list that cannot be read, `DataError` when it names no tar at all.
    """
    if "pipe:" in location:
        raise ConfigError(f"tars:{location}: commands are not run; name files, s3:// or https:// addresses")
    patterns = [pattern for part in location.split("::") for pattern in _expanded(part)]
    if len(patterns) == 1 and _is_folder(patterns[0]):
        store, names = open_store(patterns[0], cache), None
    else:
        base = _common_place(patterns, location)
        store, names = open_store(base, cache), [_below(pattern, base) for pattern in patterns]
    found = sorted(set(_listed(store, names, location)))
    if not found:
        raise DataError(f"tars:{location} names no .tar; expected a folder of them, a pattern or {{000..099}}")
    return store, found


def _listed(store: Store, patterns: list[str] | None, location: str) -> Iterator[str]:
    if patterns is None:
        yield from (name for name in _names(store, location) if name.endswith(".tar"))
        return
    wild = [pattern for pattern in patterns if _is_wild(store, pattern)]
    yield from (pattern for pattern in patterns if pattern not in wild)
    if isinstance(store, FolderStore):
        found = (path for pattern in wild for path in store.folder.glob(pattern) if path.is_file())
        yield from (path.relative_to(store.folder).as_posix() for path in found)
    elif wild:
        names = _names(store, location)
        yield from (name for name in names if any(_matches(name, pattern) for pattern in wild))


def _names(store: Store, location: str) -> list[str]:
    try:
        return store.names()
    except ConfigError as error:
        raise ConfigError(
            f"tars:{location}: {error}; write the names with braces, as in train-{{000..099}}.tar"
        ) from error


def _expanded(text: str) -> list[str]:
    """Return the names that braces stand for; text between the braces as it is."""
    if not text:
        raise ConfigError("tars: no place; expected tars:PATH, such as tars:/data/train-{000..099}.tar")
    parts = _BRACES.split(text)
    choices = [_choices(part) if place % 2 else [part] for place, part in enumerate(parts)]
    count = 1
    for choice in choices:
        count *= len(choice)
    if count > _MOST_NAMES:
        raise ConfigError(f"tars:{text} stands for {count} names, at most {_MOST_NAMES} are read")
    return ["".join(chosen) for chosen in product(*choices)]


def _choices(text: str) -> list[str]:
    numbers = _NUMBERS.fullmatch(text)
    if numbers is None:
        return text.split(",")
    first, last = int(numbers[1]), int(numbers[2])
    if last < first or last - first >= _MOST_NAMES:
        raise ConfigError(f"{{{text}}} in a list of tars; expected {{FIRST..LAST}} with at most {_MOST_NAMES} numbers")
    return [str(number).zfill(len(numbers[1])) for number in range(first, last + 1)]


def _is_folder(pattern: str) -> bool:
    if "://" in pattern:
        return not pattern.endswith(".tar") and not _WILD.search(pattern)
    path = Path(pattern).expanduser()
    if not path.exists() and not _WILD.search(pattern):
        raise DataError(f"there is no {path}; expected tars")
    return path.is_dir()


def _common_place(patterns: list[str], location: str) -> str:
    """Return the folder or address above all names."""
    addresses = {urlsplit(pattern)[:2] if "://" in pattern else ("", "") for pattern in patterns}
    if len(addresses) > 1:
        raise ConfigError(f"tars:{location} lies in several places; name them as data sets of their own")
    scheme, host = addresses.pop()
    start = f"{scheme}://{host}" if scheme else ""
    folders = {_fixed_folder(pattern[len(start) :] if scheme else _absolute(pattern)) for pattern in patterns}
    return start + commonpath(folders)


def _fixed_folder(path: str) -> str:
    """Return the folders of a path up to the first with a pattern in it."""
    parts = path.lstrip("/").split("/")[:-1]
    plain = next((place for place, part in enumerate(parts) if _WILD.search(part)), len(parts))
    return "/" + "/".join(parts[:plain])


def _below(pattern: str, base: str) -> str:
    whole = pattern if "://" in pattern else _absolute(pattern)
    return whole[len(base) :].lstrip("/")


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().absolute())


def _is_wild(store: Store, pattern: str) -> bool:
    """Whether a name is a pattern; a file of this very name wins."""
    is_file = isinstance(store, FolderStore) and (store.folder / pattern).is_file()
    return bool(_WILD.search(pattern)) and not is_file


def _matches(name: str, pattern: str) -> bool:
    parts, wanted = name.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))
