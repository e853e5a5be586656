"""What lies in a folder: files below it by their endings, in the order of their names."""

import logging
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.clips.footage import Listed

__all__ = ["files_below", "listed_file"]

_LOG = logging.getLogger("densewalk")


def files_below(folder: Path, endings: Sequence[str]) -> list[Path]:
    """Return all files below a folder whose names end so, whatever the case; links are followed, hidden names left out.

    Sorted by their paths under the folder. Names that are no UTF-8, links to nothing, pipes and folders that cannot be
    listed are left out with a warning.
    """
    found = [
        path
        for path in _walk(folder)
        if path.suffix.lower() in endings and not path.name.startswith(".") and _is_text(path) and _is_file(path)
    ]
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def listed_file(path: Path, name: str) -> Listed:
    """Return a file as it is found on disk now; raises `DataError` when it has gone."""
    try:
        facts = path.stat()
    except OSError as error:
        raise DataError(
            f"{path} went while its folder was looked through ({error.strerror}); start again when the folder stays "
            "as it is"
        ) from error
    return Listed(name, facts.st_size, facts.st_mtime_ns)


def _walk(folder: Path) -> Iterator[Path]:
    seen = set()
    for place, folders, files in os.walk(folder, onerror=_left_out, followlinks=True):
        try:
            facts = os.stat(place)  # noqa: PTH116 - of a few hundred thousand
        except OSError as error:
            _left_out(error)
            folders.clear()
            continue
        if (facts.st_dev, facts.st_ino) in seen:
            folders.clear()
            continue
        seen.add((facts.st_dev, facts.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place, name) for name in files)


def _left_out(error: OSError) -> None:
    _LOG.warning("left out: %s cannot be read: %s", error.filename, error.strerror)


def _is_file(path: Path) -> bool:
    try:
        is_file = stat.S_ISREG(path.stat().st_mode)
    except OSError as error:
        _left_out(error)
        return False
    if not is_file:
        _LOG.warning("left out: %s is no regular file", path)
    return is_file


def _is_text(path: Path) -> bool:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        _LOG.warning("left out: the name of %r is no UTF-8", str(path))
        return False
    return True
