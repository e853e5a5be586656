"""The errors a user can cause or must know of.

    DensewalkError
    |-- ConfigError      an option or recipe is wrong
    |-- DataError        a file, shard, index or video is not what it should be
    |-- UnreachableError a place does not answer now and may later
    |-- TrainingError    a run cannot go on (loss not finite, checkpoint of another architecture)
    `-- BenchmarkError   an evaluation cannot be made as asked

Each message says what was found, where, what was expected and which option to change. The command line prints it
without a traceback and exits with 2; any other exception is a bug and exits with 1.
"""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "BenchmarkError",
    "ConfigError",
    "DataError",
    "DensewalkError",
    "TrainingError",
    "UnreachableError",
    "known_name",
]


class DensewalkError(Exception):
    """Root of every error that is addressed to the user."""


class ConfigError(DensewalkError):
    """An option, override or recipe is wrong."""


class DataError(DensewalkError):
    """A file, shard, index or video is not what it should be."""


class UnreachableError(DensewalkError):
    """A web server or store does not answer in the time it has; the same command may succeed later."""


class TrainingError(DensewalkError):
    """A training run cannot start or go on."""


class BenchmarkError(DensewalkError):
    """An evaluation cannot be made as asked."""


def known_name(name: str, known: Iterable[str], what: str) -> str:
    """Return `name` if it is one of `known`; otherwise raise `ConfigError` listing the known ones and the closest."""
    names = sorted(known)
    if name in names:
        return name
    close = get_close_matches(name, names, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise ConfigError(f"unknown {what} {name!r}; known: {', '.join(names)}{hint}")
