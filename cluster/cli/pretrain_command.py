"""densewalk pretrain: train a recipe on a dataset, on generated scenes, or on both."""

from pathlib import Path
from typing import Annotated

import typer

from densewalk.cluster.cli.arguments import output_folder, split_overrides
from densewalk.cluster.progress import say, shown_progress

__all__ = ["pretrain"]


def pretrain(
    *,
    out: Annotated[Path, typer.Option("--out", help="Run folder; a stopped run in it goes on.")],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DATA|section.field=value",
            help="What to train on: a folder or URL made by prepare, or KIND:PATH; 2*DATA weighs it double. Overrides.",
        ),
    ] = None,
    recipe: Annotated[str, typer.Option("--recipe", help="gmrw, crw, multiscale, oracle, or X_small.")] = "gmrw_small",
    config_file: Annotated[Path | None, typer.Option("--config", help="YAML laid over the recipe.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show the resolved plan and stop.")] = False,
) -> None:
    """Train a network.

    DATA of other kinds: tars:GLOB, videos:DIR, frames:DIR, kinetics:DIR, walking-tours:DIR, bdd100k:DIR,
    youtube-vos:DIR, movi:DIR, pointodyssey:DIR. Several are mixed by their weights.

    The same command on the same folder continues a stopped run with the losses it would have had.

    \b
    Examples:
      densewalk pretrain data/corpus --out runs/first
      densewalk pretrain 3*data/corpus s3://bucket/corpus --out runs/mixed
      densewalk pretrain kinetics:/data/k400 --out runs/k400 data.workers=8
      densewalk pretrain --recipe gmrw_scenes_small --out runs/scenes steps=500 optimiser.lr=2e-4
    """
    datasets, overrides = split_overrides(arguments or [])
    from densewalk.cluster.training_plan import describe_step, describe_training, plan_training
    from densewalk.ssl.train.loop import pretrain as train

    config = plan_training(recipe, datasets=datasets, overrides=overrides, file=config_file)
    if explain:
        say(describe_training(config))
        return
    output_folder(out)
    with shown_progress() as show:
        train(config, out, on_step=lambda record: show("pretrain", *describe_step(record)))
    say(f"run {out} has finished {config.steps} steps; next: densewalk evaluate {out}")
