"""damaged.jsonl: the clips of a run that could not be read, a line each, whenever they were found."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from densewalk.datasets.atomic import write_text
from densewalk.datasets.samples import DamagedClip

__all__ = ["DamageLog"]

_DAMAGED = "damaged.jsonl"


class DamageLog:
    """The damaged clips of a run; a run that goes on keeps those found before."""

    def __init__(self, run: Path) -> None:
        self._path = run / _DAMAGED
        lines = self._path.read_text().splitlines() if self._path.is_file() else []
        self._lines = {json.loads(line)["key"]: line for line in lines}

    def note(self, damaged: Iterable[DamagedClip]) -> None:
        """Write down those that are not there yet."""
        new = {clip.key: json.dumps(asdict(clip)) for clip in damaged if clip.key not in self._lines}
        if new:
            self._lines |= new
            write_text(self._path, "".join(f"{line}\n" for line in self._lines.values()))
