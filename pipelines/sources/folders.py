"""Files below folders and behind patterns, each once, in any number.

Folders that symbolic links lead to are entered once, after all real ones, so that loops end and a file goes by its own
path wherever it has one. Names without a video's ending, pipes and folders that may not be read are named with a
refusal: the ledger accounts for everything. A dangling link counts as a file; fetching will say that it cannot be read.

A pattern knows `*`, `?`, `[...]` within a name and `**` for any number of folders; a folder that it matches stands for
all below it. What a pattern matches is judged by its name like what lies in a folder; a file that is named itself is
not.
"""

import os
import stat
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.records import Refusal
from densewalk.pipelines.sources.mention import Mention

__all__ = ["VIDEO_SUFFIXES", "judged_by_name", "path_mentions", "walk_files"]

VIDEO_SUFFIXES = frozenset(
    f".{ending}"
    for ending in (
        *("3gp", "asf", "avi", "flv", "m2ts", "m4v", "mkv", "mov", "mp4"),
        *("mpeg", "mpg", "mts", "mxf", "ogv", "ts", "vob", "webm", "wmv"),
    )
)
"""File name endings taken for videos, in lower case."""
_MAGIC = frozenset("*?[")
_Place = tuple[str, tuple[str, ...]]
"""A folder and the names below it that are looked for."""


def path_mentions(path: Path) -> Iterator[Mention]:
    """Return the mentions of a file, of all files below a folder, or of all that a pattern matches.

    Raises `ConfigError` at once when there is no such path.
    """
    if path.is_dir():
        return walk_files(path)
    if os.path.lexists(path):
        return iter([_special(path) or Mention(uri=str(path))])
    if not _MAGIC & set(str(path)):
        raise ConfigError(f"no such file or folder: {path}; expected a video, a folder of videos or a quoted pattern")
    first = next(number for number, part in enumerate(path.parts) if _MAGIC & set(part))
    base = Path(*path.parts[:first])
    if not base.is_dir():
        raise ConfigError(f"no folder {base} to look for {path} in")
    return walk_files(base, path.parts[first:])


def walk_files(folder: Path, pattern: tuple[str, ...] = ("**",)) -> Iterator[Mention]:
    """Yield the mention of every file below a folder that the names of `pattern` match, in no order.

    A file may come twice when the pattern matches it in two ways; a folder that cannot be read comes as a refusal.
    """
    seen: set[tuple] = set()
    folders, links = [(str(folder), pattern)], list[_Place]()
    while folders or links:
        place = folders.pop() if folders else links.pop()
        inner: list[_Place] = []
        linked: list[_Place] = []
        try:
            if (state := _identity(place)) not in seen:
                seen.add(state)
                yield from _children(place, inner, linked)
        except OSError as error:
            detail = f"{error.strerror or error}; make it readable or leave it out"
            yield Mention(uri=place[0], refusal=Refusal(outcome="failed", reason="folder not readable", detail=detail))
        folders += sorted(inner, reverse=True)
        links += sorted(linked, reverse=True)


def judged_by_name(uri: str) -> Mention:
    """Return the mention of a file or object that nobody named: refused unless it ends like a video."""
    suffix = Path(uri).suffix
    if suffix.lower() in VIDEO_SUFFIXES:
        return Mention(uri=uri)
    detail = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in suffix) or "no suffix"
    return Mention(uri=uri, refusal=Refusal(outcome="rejected", reason="not a video file name", detail=detail))


def _children(place: _Place, inner: list[_Place], linked: list[_Place]) -> Iterator[Mention]:
    folder, pattern = place
    with os.scandir(folder) as children:
        for child in children:
            is_folder = _holds(child.is_dir)
            for rest in _rests(child.name, pattern):
                if is_folder:
                    (linked if child.is_symlink() else inner).append((child.path, rest or ("**",)))
                elif not rest:
                    judged = judged_by_name(child.path)
                    # Whether it is a regular file costs a look at the disk for links alone.
                    yield judged if judged.refusal or _holds(child.is_file) else _special(Path(child.path)) or judged


def _holds(question: Callable[[], bool]) -> bool:
    """Return the answer; a link that leads in a circle, or where nobody may look, is neither file nor folder."""
    try:
        return question()
    except OSError:
        return False


def _rests(name: str, pattern: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return what is left of a pattern behind a name, for each way in which it matches."""
    head, rest = pattern[0], pattern[1:]
    if head == "**":
        return [pattern, *_rests(name, rest)] if rest else [()]
    return [rest] if fnmatchcase(name, head) else []


def _identity(place: _Place) -> tuple:
    facts = os.stat(place[0])  # noqa: PTH116
    return facts.st_dev, facts.st_ino, place[1]


def _special(path: Path) -> Mention | None:
    """Return the refusal of a pipe, socket or device; None for a file and for a link that leads nowhere."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return None
    if stat.S_ISREG(mode):
        return None
    what = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}.get(stat.S_IFMT(mode), "a device")
    return Mention(uri=str(path), refusal=Refusal(outcome="rejected", reason="not a regular file", detail=what))
