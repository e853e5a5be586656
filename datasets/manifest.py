"""The manifest: every file among the paths a user hands in, in a fixed order.

Files whose name is not a video's are listed too, so that the ledger can account for them. Folders reached a second time
through a symbolic link are not entered again.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from densewalk.datasets.errors import DataError

__all__ = ["VIDEO_SUFFIXES", "Found", "scan"]

VIDEO_SUFFIXES = frozenset(
    {
        ".3gp",
        ".asf",
        ".avi",
        ".flv",
        ".m2ts",
        ".m4v",
        ".mkv",
        ".mov",
        ".mp4",
        ".mpeg",
        ".mpg",
        ".mts",
        ".mxf",
        ".ogv",
        ".ts",
        ".vob",
        ".webm",
        ".wmv",
    }
)
"""File name endings taken for videos, in lower case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file that was handed in."""

    path: Path
    """Absolute; symbolic links are kept as they are written."""
    is_video: bool
    """Whether the name ends like a video's; the content may differ."""


def scan(paths: Sequence[Path]) -> list[Found]:
    """Return every regular file at or below `paths` once, sorted by path.

    A dangling link counts as a file that cannot be read. Raises `DataError` naming each path that does not exist, a
    folder that may not be read, or all paths when there is no file in them.
    """
    starts = [Path(os.path.abspath(path)) for path in paths]  # noqa: PTH100 - Path.resolve would follow links
    if missing := [str(path) for path in starts if not path.exists()]:
        raise DataError(f"no such file or folder: {', '.join(missing)}; expected videos or folders of videos")
    entered: set[Path] = set()
    files = {file for start in starts for file in _files(start, entered)}
    if not files:
        raise DataError(f"no file at all in {', '.join(map(str, starts)) or 'no paths'}; expected videos")
    return [Found(path=file, is_video=file.suffix.lower() in VIDEO_SUFFIXES) for file in sorted(files)]


def _files(path: Path, entered: set[Path]) -> Iterator[Path]:
    if path.is_file() or (path.is_symlink() and not path.exists()):
        yield path
    elif path.is_dir() and (real := path.resolve()) not in entered:
        entered.add(real)
        for child in sorted(_children(path), key=lambda child: (child.is_symlink(), child)):
            yield from _files(child, entered)


def _children(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise DataError(f"cannot list folder {folder}: {error.strerror}; make it readable or leave it out") from error
