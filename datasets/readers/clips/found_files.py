"""What lies in a folder: files below it by their endings, in the order of their names."""

import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from densewalk.datasets.readers.clips.footage import Listed

__all__ = ["files_below", "listed_file"]

_LOG = logging.getLogger("densewalk")


def files_below(folder: Path, endings: Sequence[str]) -> list[Path]:
    """Return all files below a folder whose names end so, whatever the case; links are followed, hidden names left out.

    Sorted by their paths under the folder. Names that are no UTF-8 are left out with a warning.
    """
    found = [
        path
        for path in _walk(folder)
        if path.suffix.lower() in endings and not path.name.startswith(".") and _is_text(path)
    ]
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def listed_file(path: Path, name: str) -> Listed:
    """Return a file as it is found on disk now."""
    facts = path.stat()
    return Listed(name, facts.st_size, facts.st_mtime_ns)


def _walk(folder: Path) -> Iterator[Path]:
    seen = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        facts = os.stat(place)  # noqa: PTH116 - of a few hundred thousand
        if (facts.st_dev, facts.st_ino) in seen:
            folders.clear()
            continue
        seen.add((facts.st_dev, facts.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place, name) for name in files)


def _is_text(path: Path) -> bool:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        _LOG.warning("left out: the name of %r is no UTF-8", str(path))
        return False
    return True
