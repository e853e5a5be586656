"""densewalk pretrain: train a recipe on a dataset, on generated scenes, or on both."""

from pathlib import Path
from typing import Annotated

import typer

from densewalk.cluster.cli.arguments import output_folder, split_overrides
from densewalk.cluster.progress import say, shown_progress
from densewalk.datasets.errors import ConfigError

__all__ = ["pretrain"]


def pretrain(
    *,
    out: Annotated[Path, typer.Option("--out", help="Run folder; a stopped run in it goes on.")],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="DATASET|section.field=value", help="Folder made by prepare, overrides."),
    ] = None,
    recipe: Annotated[str, typer.Option("--recipe", help="gmrw, crw, multiscale, oracle, or X_small.")] = "gmrw_small",
    config_file: Annotated[Path | None, typer.Option("--config", help="YAML laid over the recipe.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show the resolved plan and stop.")] = False,
) -> None:
    """Train a network.

    The same command on the same folder continues a stopped run with the losses it would have had.

    \b
    Examples:
      densewalk pretrain data/corpus --out runs/first
      densewalk pretrain --recipe gmrw_scenes_small --out runs/scenes steps=500 optimiser.lr=2e-4
    """
    folders, overrides = split_overrides(arguments or [])
    if len(folders) > 1:
        raise ConfigError(f"one dataset at a time: {', '.join(folders)}; prepare can append to a dataset")
    from densewalk.cluster.training_plan import describe_step, describe_training, plan_training
    from densewalk.ssl.train.loop import pretrain as train

    dataset = Path(folders[0]) if folders else None
    config = plan_training(recipe, dataset=dataset, overrides=overrides, file=config_file)
    if explain:
        say(describe_training(config))
        return
    output_folder(out)
    with shown_progress() as show:
        train(config, out, on_step=lambda record: show("pretrain", *describe_step(record)))
    say(f"run {out} has finished {config.steps} steps; next: densewalk evaluate {out}")
