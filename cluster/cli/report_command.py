"""densewalk report: one page that shows what a run did and how well."""

from pathlib import Path
from typing import Annotated

import typer

from densewalk.cluster.progress import say

__all__ = ["report"]


def report(
    run: Annotated[Path, typer.Argument(help="A run folder made by pretrain.")],
) -> None:
    """Write a page about a run.

    RUN/report.html shows what lies in the run folder: configuration, curves, pictures, scores.

    \b
    Example:
      densewalk report runs/first
    """
    from densewalk.cluster.run_report import write_run_report

    say(f"report written to {write_run_report(run)}")
