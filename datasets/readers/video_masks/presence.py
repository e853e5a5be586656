"""Which videos of a split are there: all of them, or those that somebody agreed to do with."""

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.origin import Origin

__all__ = ["Presence", "files_by_name", "named_few", "videos_left_out"]

Presence = Literal["all", "present"]
"""Whether every video of a split must be whole, or those that are not may be left out."""

_SHOWN = 3


def files_by_name(folder: Path, ending: str) -> dict[str, Path]:
    """Return the files of a folder by their names without the ending, in the order of their numbers."""
    paths = [path for path in folder.glob(f"*{ending}") if not path.name.startswith(".")]
    return {path.stem: path for path in sorted(paths, key=lambda path: (len(path.stem), path.stem))}


def named_few(names: Sequence[str]) -> str:
    """Return the first few names and how many more there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def videos_left_out(
    origin: Origin, root: Path, missing: Mapping[str, str], *, num_listed: int, sequences: Presence
) -> tuple[str, ...]:
    """Return the names of the videos to leave out, given what each incomplete one is `missing`.

    Raises `DataError` when there are some and all are asked for, or when none is whole.
    """
    if not missing:
        return ()
    faults = "; ".join(f"{name}: {what}" for name, what in islice(missing.items(), _SHOWN))
    more = f"; and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
    found = f"{origin.name}: {len(missing)} of the {num_listed} sequences under {root} are not whole ({faults}{more})"
    if len(missing) == num_listed:
        raise DataError(f"{found}; {origin.expected}")
    if sequences == "all":
        raise DataError(f"{found}; sequences=present does without them; {origin.expected}")
    return tuple(missing)
