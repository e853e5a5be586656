"""densewalk prepare: raw videos in, a dataset of clips out, every source accounted for."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from densewalk.cluster.cli.arguments import split_overrides
from densewalk.cluster.progress import say, shown_progress
from densewalk.datasets.errors import ConfigError

if TYPE_CHECKING:
    from densewalk.pipelines.recipe import PrepareConfig

__all__ = ["prepare"]


class EngineName(StrEnum):
    """Where the stages run."""

    ray = "ray"
    local = "local"


def prepare(
    *,
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE|section.field=value",
            help="Files, folders, globs, list: kinetics: youtube: yt8m: http(s): s3: gs: hf: ...; overrides.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Dataset folder; a stopped one goes on, a finished one grows.")
    ] = None,
    engine: Annotated[
        EngineName, typer.Option("--engine", help="ray: every processor; local: one process.")
    ] = EngineName.ray,
    config_file: Annotated[Path | None, typer.Option("--config", help="YAML laid over the defaults.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show the resolved plan and stop.")] = False,
    until: Annotated[
        str | None, typer.Option("--until", metavar="STAGE", help="Stop behind this stage; no dataset is written.")
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="With --until: print what the stage found.")] = False,
) -> None:
    """Make a dataset of clips from raw videos.

    Fetches and probes sources, finds shots, cuts clips that straddle none, measures and re-encodes them, leaves out
    duplicates, writes WebDataset tars, an index and a ledger that accounts for every source. Repeating the command
    continues it; more sources make the dataset grow.

    \b
    Examples:
      densewalk prepare ~/videos --out data/corpus
      densewalk prepare a.mp4 list:urls.csv@licence=CC-BY-4.0 --out data/small clips.max_seconds=4
      densewalk prepare kinetics:k400/val.csv@videos=k400 --out data/k400 clips.policy=segments
      densewalk prepare a.mp4 --until shots --show
    """
    specs, overrides = split_overrides(arguments or [])
    from densewalk.datasets.config import resolve
    from densewalk.pipelines.recipe import PrepareConfig

    config = resolve(PrepareConfig(), overrides=overrides, file=config_file)
    if not specs and not config.sources:
        raise ConfigError("no source; name files, folders or lists, or sources=[...] in --config")
    if until is None and show:
        raise ConfigError("--show prints what a stage found; say which with --until STAGE")
    if until is not None:
        if out is not None or explain:
            raise ConfigError("--until writes no dataset; leave out --out and --explain, or --until")
        from densewalk.cluster.stage_notes import run_until

        for note in run_until(specs, config, until, tell_all=show):
            say(note)
        return
    if out is None:
        raise ConfigError("no place to write the dataset to; name a folder with --out, or stop early with --until")
    _make(specs, out, config, on_ray=engine is EngineName.ray, explain=explain)


def _make(specs: list[str], out: Path, config: "PrepareConfig", *, on_ray: bool, explain: bool) -> None:
    from densewalk.cluster.preparing import describe_corpus, describe_result, prepare_corpus

    if explain:
        say(describe_corpus(specs, out, config))
        return
    with shown_progress() as show:
        result = prepare_corpus(specs, out, config, on_ray=on_ray, show=show)
    say(describe_result(result))
    if result.clips:
        say(f"next: densewalk inspect {out}, densewalk pretrain {out} --out runs/first")
