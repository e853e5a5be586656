"""Names of shards: a number, and a generation for what was written anew because something was taken out.

clips-00003.tar -> clips-00003-1.tar -> clips-00003-2.tar -> ...
"""

import re
from collections.abc import Iterable

from densewalk.datasets.errors import DataError

__all__ = ["next_generation", "next_number", "shard_name"]

_NAME = re.compile(r"clips-(\d+)(?:-(\d+))?\.tar")


def shard_name(number: int, generation: int = 0) -> str:
    """Return the name of a shard."""
    return f"clips-{number:05d}{f'-{generation}' if generation else ''}.tar"


def next_generation(name: str) -> str:
    """Return the name of what is left of a shard; raises `DataError` for a name that prepare does not give."""
    number, generation = _parts(name)
    return shard_name(number, generation + 1)


def next_number(names: Iterable[str]) -> int:
    """Return the number of the first new shard beside these; raises as `next_generation` does."""
    return max((_parts(name)[0] + 1 for name in names), default=0)


def _parts(name: str) -> tuple[int, int]:
    found = _NAME.fullmatch(name)
    if found is None:
        raise DataError(f"shard {name} is not named as prepare names shards, such as {shard_name(3)}")
    return int(found[1]), int(found[2] or 0)
