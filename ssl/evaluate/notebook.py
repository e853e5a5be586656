"""What a benchmark leaves beside its numbers: pictures, tables, and how far it has come.

A benchmark writes here while it measures; whoever asked for the measurement decides where it goes. A notebook without
a folder forgets everything, so a benchmark writes the same way whether anybody reads it or not, and asks `keeps` before
it makes what is expensive.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from densewalk.datasets.atomic import write_bytes, write_text

__all__ = ["FORGETFUL", "Notebook"]

_SVG_HEAD = b'<svg xmlns="http://www.w3.org/2000/svg" '
"""Begins a chart that is a file of its own; browsers show one without the name space as plain XML."""


class Notebook:
    """Files of one subject under one benchmark, in a folder of their own."""

    def __init__(
        self, folder: Path | None = None, *, on_progress: Callable[[int, int, str], None] | None = None
    ) -> None:
        self.folder = folder
        self.pictures: dict[str, str] = {}
        """File names in `folder`, by caption, in the order they were made."""
        self._on_progress = on_progress

    @property
    def keeps(self) -> bool:
        """Whether what is written is kept."""
        return self.folder is not None

    def picture(self, caption: str, file_name: str, content: bytes) -> None:
        """Keep a PNG, JPEG, GIF, mp4 or SVG file that a report shows under `caption`."""
        if self.folder is not None:
            is_chart = content.startswith(b"<svg ")
            write_bytes(self.folder / file_name, _SVG_HEAD + content[len(b"<svg ") :] if is_chart else content)
            self.pictures[caption] = file_name

    def table(self, file_name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keep rows as CSV under the names of the first one's fields; every row has the same fields."""
        if self.folder is None or not rows:
            return
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(self.folder / file_name, text.getvalue())

    def progress(self, done: int, total: int, what: str) -> None:
        """Tell that `done` of `total` items are measured; `what` names the newest."""
        if self._on_progress is not None:
            self._on_progress(done, total, what)


FORGETFUL = Notebook()
"""Keeps nothing."""
