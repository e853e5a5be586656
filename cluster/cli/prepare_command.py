"""densewalk prepare: raw videos in, a dataset of clips out, every file accounted for."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from densewalk.cluster.cli.arguments import split_overrides
from densewalk.cluster.progress import say, shown_progress
from densewalk.datasets.errors import ConfigError

__all__ = ["prepare"]


class EngineName(StrEnum):
    """Where the stages run."""

    ray = "ray"
    local = "local"


def prepare(
    *,
    arguments: Annotated[
        list[str],
        typer.Argument(metavar="PATH|section.field=value", help="Videos, folders of videos, overrides."),
    ],
    out: Annotated[Path, typer.Option("--out", help="Dataset folder; a stopped one goes on, a finished one grows.")],
    engine: Annotated[
        EngineName, typer.Option("--engine", help="ray: every processor; local: one process.")
    ] = EngineName.ray,
    config_file: Annotated[Path | None, typer.Option("--config", help="YAML laid over the defaults.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show the resolved plan and stop.")] = False,
) -> None:
    """Make a dataset of clips from raw videos.

    Finds shots, cuts clips that straddle none, re-encodes them, writes WebDataset tars, an index and a ledger that
    accounts for every file. Repeating the command continues it; more files make the dataset grow.

    \b
    Examples:
      densewalk prepare ~/videos --out data/corpus
      densewalk prepare a.mp4 b.mkv --out data/small clips.max_seconds=4 decode.short_side_px=192
    """
    paths, overrides = split_overrides(arguments)
    if not paths:
        raise ConfigError(f"no videos among the arguments {' '.join(arguments)}; name files or folders too")
    from densewalk.cluster.preparing import describe_corpus, describe_result, prepare_corpus
    from densewalk.datasets.config import resolve
    from densewalk.pipelines.recipe import PrepareConfig

    config = resolve(PrepareConfig(), overrides=overrides, file=config_file)
    if explain:
        say(describe_corpus(paths, out, config))
        return
    with shown_progress() as show:
        result = prepare_corpus(paths, out, config, on_ray=engine is EngineName.ray, show=show)
    say(describe_result(result))
    if result.clips:
        say(f"next: densewalk inspect {out}, densewalk pretrain {out} --out runs/first")
