"""Where a data set is from and what of it must be there: nothing is ever fetched, the reader is told where to go."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from densewalk.datasets.errors import DataError

__all__ = ["Origin", "require_files"]

_SHOWN = 3
"""Absent files that a message names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A published data set."""

    name: str
    """As papers call it."""
    site: str
    """Name of the site where a person gets it, with its terms."""
    licence: str
    layout: Sequence[str]
    """The files, as paths under the data set's root with <placeholders>, one line a kind."""

    @property
    def expected(self) -> str:
        """What must be there and where it is from, as the end of a message."""
        return f"expected under the folder: {'; '.join(self.layout)}. {self.name} is at {self.site} ({self.licence})"


def require_files(origin: Origin, root: Path, paths: Iterable[Path]) -> None:
    """Raise `DataError` when the folder or some of the files are absent: how many, the first few, and the origin."""
    if not root.is_dir():
        found = "is a file" if root.exists() else "does not exist"
        raise DataError(f"{origin.name}: {root} {found}; {origin.expected}")
    absent = (path for path in paths if not path.is_file())
    shown = list(islice(absent, _SHOWN))
    if shown:
        count = len(shown) + sum(1 for _ in absent)
        names = ", ".join(str(path.relative_to(root) if path.is_relative_to(root) else path) for path in shown)
        more = f" and {count - len(shown)} more" if count > len(shown) else ""
        raise DataError(f"{origin.name}: {root} lacks {names}{more}; {origin.expected}")
