"""How far a preparation is: a live table of its stages on a terminal; elsewhere a line every few seconds.

A table that is redrawn twice a second, and a line that names the slowest stage and what waits before it, come from the
same numbers: sources done, the engine's tallies, and the pace of both. The time to go is what is left of the sources at
the pace of late; it is told once some sources are done. Lines are told by a thread, since a source of hours may keep
everybody else silent; where nothing changes there is one a minute.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from densewalk.cluster.progress import say
from densewalk.cluster.stage_table import Pace, StageRow, seconds_per_stage, slowest, stage_rows
from densewalk.pipelines.corpus.processing import PrepareProgress
from densewalk.pipelines.engine import Engine
from densewalk.pipelines.tally import StageTally

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["PreparationView", "duration_words", "shown_preparation"]

_SECONDS_BETWEEN_LINES = 5.0
_SECONDS_OF_SILENCE = 60.0
_LEAST_SOURCES = 3
"""Sources that must be done before the rest is guessed at."""
_REDRAWN_PER_SECOND = 2.0


class PreparationView:
    """The state of a preparation, told as a line, a table and a summary; may be read from another thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pace = Pace()
        self._stages: Sequence[str] = ()
        self._engine: Engine | None = None
        self._progress: PrepareProgress | None = None

    def follow(self, stages: Sequence[str], engine: Engine) -> None:
        """Tell of these stages, named in their order, by the engine's tallies."""
        self._stages, self._engine = tuple(stages), engine

    def tell(self, progress: PrepareProgress) -> None:
        """Take in how far the preparation is."""
        self._progress = progress

    @property
    def has_begun(self) -> bool:
        """Whether the preparation got as far as its work."""
        return self._progress is not None

    @property
    def state(self) -> tuple[object, ...]:
        """What a line speaks of, without rates: equal while nothing happens."""
        return (self._progress, *((name, tally.taken, tally.given) for name, tally in self._tallies().items()))

    def line(self) -> str:
        """Return the state in one line."""
        progress = self._progress
        if progress is None:
            return "preparing"
        if progress.phase != "sources":
            return f"{progress.phase} {progress.done}/{progress.total}"
        rows = self._rows(progress)
        most = slowest(rows)
        words = [f"sources {progress.done}/{progress.total}", *self._whole(progress)]
        if most is not None:
            row, share = most
            words.append(f"slowest {row.name} ({share:.0%} of the work, {row.waiting} waiting)")
        return ", ".join(words)

    def table(self) -> "RenderableType":
        """Return the state as a table for a terminal."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        progress = self._progress
        if progress is None:
            return Text("preparing")
        if progress.phase != "sources":
            return Text(self.line())
        head = Table.grid(padding=(0, 2))
        bar = ProgressBar(total=max(progress.total, 1), completed=progress.done, width=24)
        head.add_row(f"sources {progress.done}/{progress.total}", bar, ", ".join(self._whole(progress)))
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        table.add_column("stage")
        for name in ("records", "per second", "waiting", "failed", "rejected", "busy workers"):
            table.add_column(name, justify="right")
        for row in self._rows(progress):
            counts = (row.waiting, row.failed, row.rejected)
            shown = [str(count) if count else "" for count in counts]
            table.add_row(row.name, str(row.taken), f"{row.per_second:.2f}", *shown, f"{row.busy:.1f}")
        return Group(head, table, Text(Path(progress.uri).name, style="dim", overflow="ellipsis", no_wrap=True))

    def summary(self) -> str:
        """Return the time each stage took, in one line; empty when none had anything to do."""
        spent = seconds_per_stage(self._stages, self._tallies())
        return f"workers' time: {spent}" if spent else ""

    def _tallies(self) -> dict[str, StageTally]:
        return dict(self._engine.tallies) if self._engine is not None else {}

    def _rows(self, progress: PrepareProgress) -> list[StageRow]:
        tallies = self._tallies()
        counts = {"sources": float(progress.done), "video": progress.video_seconds}
        counts |= {f"{name}.taken": float(tally.taken) for name, tally in tallies.items()}
        counts |= {f"{name}.seconds": tally.seconds for name, tally in tallies.items()}
        if not any(tally.taken for tally in tallies.values()):
            self._pace = Pace()  # an engine that starts up says nothing of its pace
        self._pace.note(self._clock(), counts)
        return stage_rows(self._stages, tallies, self._pace, handed=progress.total - progress.done_before)

    def _whole(self, progress: PrepareProgress) -> list[str]:
        counts = (("clips", progress.clips), ("failed", progress.failed), ("rejected", progress.rejected))
        words = [f"{count} {name}" for name, count in counts if count]
        speed, video = self._pace.per_second("sources"), self._pace.per_second("video")
        words += [f"{_rate(speed)} sources/s"] if speed else []
        words += [f"{_rate(video)} s of video/s"] if video else []
        left = progress.total - progress.done
        if left and speed and progress.done - progress.done_before >= _LEAST_SOURCES:
            words.append(f"{duration_words(left / speed)} to go")
        return words


@contextmanager
def shown_preparation() -> Iterator[PreparationView]:
    """Show a preparation for as long as the block runs."""
    view = PreparationView()
    if sys.stdout.isatty():
        from rich.live import Live

        with Live(get_renderable=view.table, refresh_per_second=_REDRAWN_PER_SECOND, transient=True):
            yield view
        return
    ended = threading.Event()
    teller = threading.Thread(target=_tell_lines, args=(view, ended), daemon=True)
    teller.start()
    try:
        yield view
    finally:
        ended.set()
        teller.join()


def duration_words(seconds: float) -> str:
    """Return a duration in its two largest units."""
    for unit, name, part, part_name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= unit:
            rest = int(seconds % unit // part)
            return f"{int(seconds // unit)} {name}" + (f" {rest} {part_name}" if rest else "")
    return f"{seconds:.0f} s"


def _tell_lines(view: PreparationView, ended: threading.Event) -> None:
    told, told_at = view.state, time.monotonic()
    while not ended.wait(_SECONDS_BETWEEN_LINES):
        state = view.state
        if state != told or time.monotonic() - told_at >= _SECONDS_OF_SILENCE:
            told, told_at = state, time.monotonic()
            say(view.line())


def _rate(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"
