"""densewalk ablate: train and score every row of a method's ablation, several seeds each."""

from pathlib import Path
from typing import Annotated

import typer

from densewalk.cluster.cli.arguments import output_folder, split_overrides
from densewalk.cluster.progress import say, shown_progress
from densewalk.datasets.errors import ConfigError

__all__ = ["ablate"]


def ablate(
    name: Annotated[str, typer.Argument(help="gmrw_small (a laptop) or gmrw (full size, a GPU).")],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="DATASET|section.field=value", help="Dataset of the row on real video, overrides."),
    ] = None,
    *,
    out: Annotated[Path, typer.Option("--out", help="Folder of the runs, ablation.md and report.html.")],
    seeds: Annotated[int, typer.Option("--seeds", help="Runs of every row.")] = 3,
    rows: Annotated[list[str] | None, typer.Option("--row", help="A row to fill, repeatable; all by default.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show the rows and stop.")] = False,
) -> None:
    """Measure what each ingredient of a method is worth.

    Trains every row of the table from several seeds, scores it on held-out generated scenes, and writes mean and
    standard deviation. Repeating the command continues it. Overrides change the configuration all rows start from.

    \b
    Examples:
      densewalk ablate gmrw_small --out runs/ablation
      densewalk ablate gmrw_small data/corpus --out runs/ablation --seeds 1 steps=100
      densewalk ablate gmrw_small --out runs/collapse --row "+ label warping" steps=700
    """
    folders, overrides = split_overrides(arguments or [])
    if len(folders) > 1:
        raise ConfigError(f"one dataset at a time: {', '.join(folders)}")
    from densewalk.cluster.ablating import run_ablation
    from densewalk.cluster.ablation_report import write_ablation_report
    from densewalk.datasets.dataset import Dataset
    from densewalk.ssl.ablation import describe_ablation, plan_ablation

    dataset = Dataset.open(Path(folders[0])).folder if folders else None
    ablation = plan_ablation(name, overrides=overrides, dataset=dataset, seeds=seeds, rows=rows or [])
    if explain:
        say(describe_ablation(ablation))
        return
    output_folder(out)
    with shown_progress() as show:
        run_ablation(ablation, out, on_done=lambda done, total, what: show("ablate", done, total, what))
    page = write_ablation_report(ablation, out)
    say((out / "ablation.md").read_text())
    say(f"report written to {page}")
