"""damaged.jsonl: the clips of a run that could not be read, a line each, with the step that met them first.

A run that goes on first cuts the file back to its checkpoint, as it does with its metrics.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from densewalk.datasets.atomic import write_text
from densewalk.datasets.errors import DataError
from densewalk.datasets.samples import DamagedClip

__all__ = ["DamageLog"]

_DAMAGED = "damaged.jsonl"


class DamageLog:
    """The damaged clips of a run that has finished `step` steps; raises `DataError` for a file that is no such list."""

    def __init__(self, run: Path, step: int) -> None:
        self._path = run / _DAMAGED
        try:
            text = self._path.read_text() if self._path.is_file() else ""
            rows: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
            self._rows = {(row["group"], row["key"]): row for row in rows if row["step"] <= step}
            _ = self.clips
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{self._path} is no list of damaged clips ({type(error).__name__}: {error}); remove it, and what the "
                "run meets again is written down again"
            ) from error
        if len(self._rows) < len(rows):
            self._write()

    @property
    def clips(self) -> list[DamagedClip]:
        """Those found so far."""
        return [DamagedClip(key=row["key"], group=row["group"], reason=row["reason"]) for row in self._rows.values()]

    def note(self, damaged: Iterable[DamagedClip], step: int) -> None:
        """Write down those that are not there yet; `step`, counted from 1, met them."""
        new = [clip for clip in damaged if (clip.group, clip.key) not in self._rows]
        if new:
            self._rows |= {(clip.group, clip.key): {"step": step, **asdict(clip)} for clip in new}
            self._write()

    def _write(self) -> None:
        write_text(self._path, "".join(f"{json.dumps(row)}\n" for row in self._rows.values()))
