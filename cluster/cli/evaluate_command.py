"""densewalk evaluate: measure a network beside its baselines and write the scores with their protocol."""

from pathlib import Path
from typing import Annotated

import typer

from densewalk.cluster.cli.arguments import output_folder, split_overrides
from densewalk.cluster.cli.tables import show_table
from densewalk.cluster.progress import say, shown_progress

__all__ = ["evaluate"]


def evaluate(
    subject: Annotated[
        str, typer.Argument(help="Run folder, one of its checkpoints, gmrw:FILE, gmflow:FILE, rgb or zero-motion.")
    ],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="BENCHMARK|section.field=value", help="Benchmarks (default: scenes), overrides."),
    ] = None,
    data: Annotated[Path | None, typer.Option("--data", help="File or folder that a benchmark reads.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the scores (default: RUN/scores, or ./scores).")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show what would be measured and stop.")] = False,
) -> None:
    """Score a network beside its baselines.

    Measures the network, the same network untrained, raw colours and zero motion under one protocol.

    \b
    Examples:
      densewalk evaluate runs/first
      densewalk evaluate runs/first scenes-tracking num_videos=2 --out scores
      densewalk evaluate runs/first tapvid-davis --data tapvid_davis.pkl query_mode=strided tracker.upsample=4
      densewalk evaluate gmrw:gmrw.pth tapvid-kubric --data validation.tsv query_mode=strided
    """
    from densewalk.cluster.measuring import describe_evaluation, measure, plan_evaluation, row_name
    from densewalk.cluster.scoreboard import OURS, board
    from densewalk.ssl.evaluate.benchmark import Scores

    names, overrides = split_overrides(arguments or [])
    chosen = [str(name) for name in names]
    plan = plan_evaluation({row_name(subject): subject}, chosen, out, data=data, overrides=overrides)
    if explain:
        say(describe_evaluation(plan))
        return
    output_folder(plan.out)
    done: list[Scores] = []
    total = len(plan.subjects) * len(plan.benchmarks)
    with shown_progress() as progress:

        def show(scores: Scores) -> None:
            done.append(scores)
            headline = scores.scalars[scores.headline]
            progress("evaluate", len(done), total, f"{scores.name}: {scores.subject} {scores.headline} {headline:.1f}")

        results = measure(plan, on_scores=show)
    for name, scores in results.items():
        show_table(name, board(scores))
    say(f"scores written to {plan.out}")
    if row_name(subject) == OURS:
        say(f"next: densewalk report {subject}")
