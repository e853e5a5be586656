"""densewalk inspect: verify a dataset byte by byte, say what is in it, take out what is damaged."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from densewalk.cluster.progress import say, shown_progress
from densewalk.datasets.errors import DataError

if TYPE_CHECKING:
    from densewalk.pipelines.corpus.audit.findings import Audit
    from densewalk.pipelines.corpus.homes.home import Home

__all__ = ["inspect"]

_SHOWN = 20


def inspect(
    *,
    dataset: Annotated[str, typer.Argument(help="Folder or s3://bucket/prefix made by prepare.")],
    decode: Annotated[
        int, typer.Option("--decode", metavar="N", min=0, help="Play one clip in N of each shard; 0 plays none.")
    ] = 100,
    repair: Annotated[
        bool, typer.Option("--repair", help="Take out sources with damaged clips; prepare --retry makes them again.")
    ] = False,
    work: Annotated[Path | None, typer.Option("--work", help="For a bucket: local folder of the work.")] = None,
    shots: Annotated[
        Path | None, typer.Option("--shots", help="JSON of known cuts: file name -> hard_cuts; shows what was missed.")
    ] = None,
    tolerance: Annotated[int, typer.Option("--tolerance", min=0, help="Frames a cut may be off.")] = 0,
    sheet: Annotated[
        Path | None, typer.Option("--sheet", metavar="PNG", help="Picture of clips: first, middle and last frames.")
    ] = None,
    clips: Annotated[int, typer.Option("--clips", min=1, help="Clips on the sheet, spread over the dataset.")] = 20,
) -> None:
    """Verify a dataset and say what is in it.

    Reads every shard once, checks the hash of every member, plays one clip in N, and reconciles index, ledger, sources,
    signatures, shards and card; exit code 2 when something disagrees.

    \b
    Examples:
      densewalk inspect data/corpus
      densewalk inspect s3://bucket/corpus --decode 0
      densewalk inspect data/corpus --repair
      densewalk inspect data/corpus --shots shots.json --tolerance 1
      densewalk inspect data/corpus --sheet clips.png --clips 40
    """
    from densewalk.cluster.dataset_summary import describe_audit, describe_cuts
    from densewalk.pipelines.corpus.audit.auditing import audit
    from densewalk.pipelines.corpus.homes.opening import open_home

    home = open_home(dataset, work)
    if repair:
        _repair(home, decode)
        return
    with shown_progress() as show:
        result = audit(home, decode_one_in=decode, on_shard=lambda done, total: show("verify", done, total))
    say(describe_audit(result))
    if shots is not None:
        with home.reading() as folder:
            say(describe_cuts(folder, shots, tolerance_frames=tolerance))
    if sheet is not None:
        _draw(home, sheet, clips)
    if result.findings.count:
        raise DataError(f"{_listed(result)}\ndensewalk inspect {dataset} --repair takes out what is damaged")


def _draw(home: "Home", sheet: Path, clips: int) -> None:
    from densewalk.cluster.corpus_report.clip_pictures import clip_sheet
    from densewalk.cluster.corpus_report.clip_rows import spread_clips
    from densewalk.ssl.show.still import write_png

    with home.reading() as folder:
        for row in spread_clips(folder, clips):
            home.shard(row.shard)  # out of a bucket it is fetched into the folder
        write_png(sheet, clip_sheet(folder, most=clips))
    say(f"first, middle and last frames of clips in {sheet}")


def _repair(home: "Home", decode: int) -> None:
    from densewalk.cluster.dataset_summary import describe_audit
    from densewalk.pipelines.corpus.care.repairing import DAMAGED
    from densewalk.pipelines.corpus.care.repairing import repair as repair_dataset

    with shown_progress() as show:
        done = repair_dataset(home, decode_one_in=decode, on_shard=lambda number, total: show("verify", number, total))
    if done.rebuilt_index:
        say("the index was unreadable or wrong, and was rebuilt from the shards")
    if not done.found.findings.count:
        say(describe_audit(done.found))
        return
    say(_listed(done.found))
    say(f"repaired: {done.clips} clips of {len(done.again) + len(done.nameless)} sources were taken out")
    if done.again:
        again = "\n".join(f"  {name}" for name in done.again[:_SHOWN])
        more = f"\n  and {len(done.again) - _SHOWN} more" if len(done.again) > _SHOWN else ""
        command = f'densewalk prepare SOURCES --out {home.name} --retry "failed:{DAMAGED}"'
        say(f"to be made again, by {command}:\n{again}{more}")
    if done.nameless:
        lost = ", ".join(done.nameless[:_SHOWN])
        say(f"no table names these sources any more, prepare makes them when it gets them: {lost}")


def _listed(audit: "Audit") -> str:
    found = audit.findings
    listed = "\n".join(f"  {text}" for text in found.texts[:_SHOWN])
    more = f"\n  and {found.count - _SHOWN} more" if found.count > _SHOWN else ""
    return f"{audit.name} is not sound, {found.count} findings:\n{listed}{more}"
