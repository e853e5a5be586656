"""densewalk doctor: a table of what this machine has and lacks."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["doctor"]

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def doctor(
    folder: Annotated[Path, typer.Option("--out", help="Where data and runs would go.")] = Path(),
) -> None:
    """Check this machine.

    Looks at Python, torch, GPU, decoders, codecs, disk, memory and Ray; exit code 2 when something must change.

    \b
    Example:
      densewalk doctor
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from densewalk.cluster.doctor import examine

    checks = examine(folder)
    table = Table(box=None, pad_edge=False)
    for heading in ("what", "", "found", "what to do"):
        table.add_column(heading, overflow="fold")
    for check in checks:
        status = Text(check.status, style=_COLOURS[check.status])
        table.add_row(check.name, status, Text(check.found), Text(check.advice))
    Console().print(table)
    failed = [check.name for check in checks if check.status == "fail"]
    if failed:
        typer.echo(f"densewalk: not ready: {', '.join(failed)}", err=True)
        raise typer.Exit(2)
