"""densewalk evaluate: measure a run beside its baselines and write the scores with their protocol."""

from pathlib import Path
from typing import Annotated

import typer

from densewalk.cluster.cli.arguments import output_folder
from densewalk.cluster.cli.tables import show_table
from densewalk.cluster.progress import say, shown_progress

__all__ = ["evaluate"]


def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder, or one of its checkpoints.")],
    names: Annotated[list[str] | None, typer.Argument(help="Benchmarks; all of them by default.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the scores (default: RUN/scores).")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show what would be measured and stop.")] = False,
) -> None:
    """Score a run beside its baselines.

    Measures the network, the same network untrained, raw colours and zero motion under one protocol.

    \b
    Examples:
      densewalk evaluate runs/first
      densewalk evaluate runs/first scenes-tracking --out scores
    """
    from densewalk.cluster.measuring import describe_evaluation, measure, plan_evaluation
    from densewalk.cluster.scoreboard import OURS, board
    from densewalk.ssl.evaluate.benchmark import Scores

    plan = plan_evaluation({OURS: run}, names or [], out)
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
    say(f"scores written to {plan.out}; next: densewalk report {run}")
