"""How far along a long command is: a live bar a phase on a terminal; elsewhere lines, at most one a second and phase.

The first and the last step of a phase are always shown.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import typer

__all__ = ["Show", "say", "shown_progress"]

_SECONDS_BETWEEN_LINES = 1.0


class Show(Protocol):
    """Shows how many of the whole are done in a phase, with a short note."""

    def __call__(self, phase: str, done: int, total: int, note: str = "") -> None:
        """Show one step."""
        ...


def say(text: str) -> None:
    """Print a line of a command's result."""
    typer.echo(text)


@contextmanager
def shown_progress() -> Iterator[Show]:
    """Show progress for as long as the block runs."""
    if not sys.stdout.isatty():
        yield _lines()
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[note]}", markup=False),
    )
    phases: dict[str, TaskID] = {}
    with Progress(*columns) as bars:

        def bar(phase: str, done: int, total: int, note: str = "") -> None:
            if phase not in phases:
                phases[phase] = bars.add_task(phase, total=total, note=note)
            bars.update(phases[phase], completed=done, total=total, note=note)

        yield bar


def _lines() -> Show:
    shown_at: dict[str, float] = {}

    def line(phase: str, done: int, total: int, note: str = "") -> None:
        now = time.monotonic()
        if done >= total or now - shown_at.get(phase, -_SECONDS_BETWEEN_LINES) >= _SECONDS_BETWEEN_LINES:
            shown_at[phase] = now
            say(f"{phase} {done}/{total} {note}".rstrip())

    return line
