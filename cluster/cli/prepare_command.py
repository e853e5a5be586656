"""densewalk prepare: raw videos in, a dataset of clips out, every source accounted for."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from densewalk.cluster.cli.arguments import split_overrides
from densewalk.cluster.progress import say
from densewalk.datasets.errors import ConfigError

if TYPE_CHECKING:
    from densewalk.pipelines.corpus.prepare import PrepareResult
    from densewalk.pipelines.recipe import PrepareConfig

__all__ = ["prepare"]


class EngineName(StrEnum):
    """Where the stages run."""

    ray = "ray"
    local = "local"


_Arguments = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SOURCE|section.field=value",
        help="Files, folders, globs, list: kinetics: youtube: yt8m: http(s): s3: gs: hf: ...; overrides.",
    ),
]
_Out = Annotated[
    str | None,
    typer.Option("--out", help="Folder or s3://bucket/prefix; a stopped dataset goes on, a finished one grows."),
]
_Work = Annotated[Path | None, typer.Option("--work", help="For a bucket: local folder of the work in progress.")]


def prepare(
    *,
    arguments: _Arguments = None,
    out: _Out = None,
    work: _Work = None,
    engine: Annotated[
        EngineName, typer.Option("--engine", help="ray: every processor, or RAY_ADDRESS's; local: one process.")
    ] = EngineName.ray,
    config_file: Annotated[Path | None, typer.Option("--config", help="YAML laid over the defaults.")] = None,
    retry: Annotated[
        str | None, typer.Option("--retry", metavar="failed[:REASON]", help="Work on sources that failed, no others.")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show the resolved plan and stop.")] = False,
    until: Annotated[
        str | None, typer.Option("--until", metavar="STAGE", help="Stop behind this stage; no dataset is written.")
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="With --until: print what the stage found.")] = False,
    save: Annotated[
        Path | None,
        typer.Option("--save", metavar="DIR", help="With --until: save what the stage is given, for replay."),
    ] = None,
) -> None:
    """Make a dataset of clips from raw videos.

    Fetches and probes sources, finds shots, cuts clips that straddle none, measures and re-encodes them, leaves out
    duplicates, writes WebDataset tars, an index and a ledger that accounts for every source. Repeating the command
    continues it; more sources make the dataset grow. DATASET/report.html shows what came of it.

    \b
    Examples:
      densewalk prepare ~/videos --out data/corpus
      densewalk prepare a.mp4 list:urls.csv@licence=CC-BY-4.0 --out data/small clips.max_seconds=4
      densewalk prepare kinetics:k400/val.csv@videos=k400 --out data/k400 clips.policy=segments
      densewalk prepare list:urls.csv --out s3://bucket/corpus --work /shared/work
      densewalk prepare list:urls.csv --out data/corpus --retry "failed:host paused"
      densewalk prepare a.mp4 --until shots --show
      densewalk prepare odd.mp4 --until quality --save odd
    """
    specs, overrides = split_overrides(arguments or [])
    from densewalk.datasets.config import resolve
    from densewalk.pipelines.recipe import PrepareConfig

    config = resolve(PrepareConfig(), overrides=overrides, file=config_file)
    if not specs and not config.sources:
        raise ConfigError("no source; name files, folders or lists, or sources=[...] in --config")
    if until is not None:
        if out is not None or work is not None or retry is not None or explain:
            raise ConfigError("--until writes no dataset; leave out --out, --work, --retry and --explain, or --until")
        _look(specs, config, until, show=show, save=save)
        return
    if show or save is not None:
        option = "--show prints what a stage found" if show else "--save keeps what a stage is given"
        raise ConfigError(f"{option}; say which with --until STAGE")
    if out is None:
        raise ConfigError("no place to write the dataset to; name a folder with --out, or stop early with --until")
    _make(specs, config, out=out, work=work, on_ray=engine is EngineName.ray, retry=retry, explain=explain)


def _look(specs: list[str], config: "PrepareConfig", until: str, *, show: bool, save: Path | None) -> None:
    """Run the first stages only, or save what the last of them would be given."""
    if save is None:
        from densewalk.cluster.stage_notes import run_until

        for note in run_until(specs, config, until, tell_all=show):
            say(note)
        return
    if show:
        raise ConfigError("--save stops before the stage, so --show has nothing to print; leave out one of them")
    from densewalk.cluster.replay.saving import save_inputs

    saved = save_inputs(specs, config, until, save)
    for verdict in saved.ended:
        say(f"{verdict.uri}: {verdict.outcome}: {verdict.reason} ({verdict.detail})")
    say(f"{saved.records} inputs of {until}, {saved.bytes:,} bytes, in {save}")
    say(f"next: densewalk replay {save} --update runs {until} on them and keeps what comes out")


def _make(
    specs: list[str],
    config: "PrepareConfig",
    *,
    out: str,
    work: Path | None,
    on_ray: bool,
    retry: str | None,
    explain: bool,
) -> None:
    from densewalk.cluster.preparation_view import shown_preparation
    from densewalk.cluster.preparing import describe_corpus, describe_result, prepare_corpus
    from densewalk.pipelines.corpus.accounting.retry import Retry
    from densewalk.pipelines.corpus.homes.opening import open_home

    home = open_home(out, work, config.fetch.storage)
    again = Retry.parse(retry) if retry is not None else None
    if explain:
        say(describe_corpus(specs, home, config, on_ray=on_ray))
        return
    with shown_preparation() as view:
        result = prepare_corpus(specs, home, config, on_ray=on_ray, view=view, retry=again)
    say(describe_result(result, home.name))
    if spent := view.summary():
        say(spent)
    _advise(out, result)


def _advise(out: str, result: "PrepareResult") -> None:
    if result.failed:
        say(f"next: the same command with --retry failed tries again what failed ({result.failed})")
    if result.clips:
        trains = "" if "://" in out else f", densewalk pretrain {out} --out runs/first"
        say(f"next: densewalk inspect {out}{trains}")
