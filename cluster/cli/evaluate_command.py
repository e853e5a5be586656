"""densewalk evaluate: measure a network beside its baselines and write the scores with their protocol."""

from pathlib import Path
from typing import Annotated

import typer

from densewalk.cluster.cli.arguments import output_folder, split_overrides
from densewalk.cluster.progress import say

__all__ = ["evaluate"]


def evaluate(
    subject: Annotated[
        str,
        typer.Argument(
            help="Run folder, one of its checkpoints, rgb, zero-motion, dis-flow, random:ARCHITECTURE, "
            "{gmrw,gmflow,torchvision,moco,crw,dino,dinov2,dinov3}:FILE or masks:FOLDER."
        ),
    ],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="BENCHMARK|preset=NAME|section.field=value", help="Benchmarks (default: scenes), overrides."
        ),
    ] = None,
    *,
    data: Annotated[Path | None, typer.Option("--data", help="File or folder that a benchmark reads.")] = None,
    beside: Annotated[
        str | None,
        typer.Option("--beside", help="Subjects to measure beside it, joined by commas, or none (default: its floor)."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the scores (default: RUN/scores, or ./scores).")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show what would be measured and stop.")] = False,
) -> None:
    """Score a network beside its baselines.

    Measures the network, the same network untrained, raw colours and zero motion under one protocol, and writes scores,
    pictures and tables. An encoder's settings follow its file: moco:r50.pth@stages=4+dilate=true. The names of
    benchmarks and presets are listed by densewalk benchmarks.

    \b
    Examples:
      densewalk evaluate runs/first
      densewalk evaluate runs/first scenes-tracking num_videos=2 --out scores
      densewalk evaluate runs/first tapvid-davis --data tapvid_davis.pkl query_mode=strided tracker.upsample=4
      densewalk evaluate dino:vits16.pth davis2017 preset=dino --data DAVIS --beside rgb,random:dino-s16
      densewalk evaluate masks:results davis2017 --data DAVIS
    """
    from densewalk.cluster.cli.evaluation import run_evaluation
    from densewalk.cluster.measuring import describe_evaluation, plan_evaluation, row_name
    from densewalk.cluster.scoreboard import OURS

    chosen, overrides = split_overrides(arguments or [])
    plan = plan_evaluation(
        {row_name(subject): subject},
        chosen,
        out,
        data=data,
        overrides=overrides,
        beside=None if beside is None else [text for text in beside.split(",") if text not in ("", "none")],
    )
    if explain:
        say(describe_evaluation(plan))
        return
    output_folder(plan.out)
    run_evaluation(plan)
    if row_name(subject) == OURS:
        say(f"next: densewalk report {subject}")
