"""densewalk purge: remove sources and everything derived from them from a dataset, for good."""

from contextlib import suppress
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Annotated

import typer

from densewalk.cluster.progress import say, shown_progress
from densewalk.datasets.errors import ConfigError, DataError

if TYPE_CHECKING:
    from densewalk.pipelines.corpus.care.purge_plan import PurgePlan

__all__ = ["purge"]

_SHOWN = 60


def purge(
    dataset: Annotated[str, typer.Argument(help="Folder or s3://bucket/prefix made by prepare.")],
    source: Annotated[
        list[str] | None,
        typer.Option("--source", metavar="ID|URI", help="Id, SHA-256, path, URL or youtube: id of a source in it."),
    ] = None,
    listed: Annotated[
        Path | None, typer.Option("--list", metavar="FILE", help="One of these a line; what is not in it is kept out.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go and change nothing.")] = False,
    work: Annotated[Path | None, typer.Option("--work", help="For a bucket: local folder of the work.")] = None,
) -> None:
    """Remove sources, under all their names, and everything derived from them.

    Clips, flow, tracks and signatures go, and clips of other sources that show the same; only shards that held one are
    rewritten. What was removed is kept out of later preparations, re-encoded copies included. A certificate is printed
    and kept in DATASET/purges. A purge that was stopped is finished when the command is repeated.

    \b
    Examples:
      densewalk purge data/corpus --source youtube:dQw4w9WgXcQ --dry-run
      densewalk purge data/corpus --source /videos/a.mp4 --source 3f2a9c01d4e5b6a7c8d9
      densewalk purge s3://bucket/corpus --list requests.txt
    """
    from densewalk.pipelines.corpus.care.certificate import text_of
    from densewalk.pipelines.corpus.care.purge_request import PurgeRequest, read_list
    from densewalk.pipelines.corpus.care.purging import plan_only
    from densewalk.pipelines.corpus.care.purging import purge as purge_dataset
    from densewalk.pipelines.corpus.homes.opening import open_home

    if not source and listed is None:
        raise ConfigError("nothing to purge; name sources with --source or a file of them with --list")
    request = PurgeRequest.of(source or (), read_list(listed) if listed else ())
    home = open_home(dataset, work)
    if dry_run:
        _say_plan(plan_only(home, request))
        return
    reported = (home.folder / "report.html").is_file()
    with shown_progress() as show:
        result = purge_dataset(home, request, on_shard=lambda done, total: show("rewrite", done, total))
    if result.repeated:
        say(f"purged before: {', '.join(result.repeated[:_SHOWN])}")
    if not result.certificates:
        say(f"nothing to do in {home.name}")
    for path, certificate in result.certificates:
        lines = text_of(certificate).splitlines()
        say("\n".join(lines[:_SHOWN]))
        more = f"... {len(lines) - _SHOWN} more lines; " if len(lines) > _SHOWN else ""
        say(f"{more}certificate: {path.with_suffix('.txt')}, {path}")
    if reported and result.certificates:
        from densewalk.cluster.corpus_report.page import write_corpus_report

        with suppress(DataError, OSError):
            say(f"report written to {write_corpus_report(home.folder, name=PurePath(home.name).name)}")


def _say_plan(plan: "PurgePlan") -> None:
    shards = len({row.shard for row in plan.clips})
    say(
        f"would remove {len(plan.contents)} sources with {len(plan.clips) - len(plan.twins)} clips and "
        f"{len(plan.twins)} clips of other sources that show the same, and rewrite {shards} shards"
    )
    for content, uris in plan.contents.items():
        say(f"  {content}  {', '.join(uris)}")
    for row in plan.twins:
        say(f"  {row.key} shows the same")
    for name in sorted(plan.names):
        say(f"  {name} has no clip; it would be kept out from now on")
    for wish in plan.unknown:
        say(f"  {wish.text} is not in the dataset; it would be kept out from now on")
    for text in plan.repeated:
        say(f"  {text} was purged before")
