"""densewalk quickstart: raw video to a scored tracker on this machine, in one command."""

from pathlib import Path
from typing import Annotated

import typer

from densewalk.cluster.cli.arguments import output_folder
from densewalk.cluster.progress import say

__all__ = ["quickstart"]


def quickstart(
    out: Annotated[Path, typer.Option("--out", help="Folder of everything it makes.")] = Path("runs/quickstart"),
    videos: Annotated[Path | None, typer.Option("--videos", help="Your own videos instead of the samples.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show what would be done and stop.")] = False,
) -> None:
    """Go from raw video to a scored tracker.

    Prepares real videos, trains on them and on generated scenes, measures, tracks, and writes one report; at most ten
    minutes on two processors. Repeating the command skips what is done.

    \b
    Examples:
      densewalk quickstart
      densewalk quickstart --videos ~/holiday --out runs/holiday
    """
    from densewalk.cluster.quickstart.plan import describe_quickstart, plan_quickstart

    plan = plan_quickstart(out, videos)
    if explain:
        say(describe_quickstart(plan))
        return
    output_folder(plan.out)
    from densewalk.cluster.quickstart.steps import run_quickstart

    say(f"done; open {run_quickstart(plan)}")
