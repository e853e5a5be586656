"""densewalk inspect: verify a dataset byte by byte and say what is in it."""

from pathlib import Path
from typing import Annotated

import typer

from densewalk.cluster.progress import say, shown_progress
from densewalk.datasets.errors import DataError

__all__ = ["inspect"]

_SHOWN = 20


def inspect(
    dataset: Annotated[Path, typer.Argument(help="Folder made by prepare.")],
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

    Checks every clip's hash and reconciles index, ledger, shards and card; exit code 2 when something disagrees.

    \b
    Examples:
      densewalk inspect data/corpus
      densewalk inspect data/corpus --shots shots.json --tolerance 1
      densewalk inspect data/corpus --sheet clips.png --clips 40
    """
    from densewalk.cluster.audit import audit
    from densewalk.cluster.dataset_summary import describe_audit, describe_cuts

    with shown_progress() as show:
        result = audit(dataset, on_clip=lambda done, total: show("verify", done, total))
    say(describe_audit(result))
    if shots is not None:
        say(describe_cuts(dataset, shots, tolerance_frames=tolerance))
    if sheet is not None:
        from densewalk.cluster.corpus_pictures import clip_sheet
        from densewalk.ssl.show.still import write_png

        write_png(sheet, clip_sheet(result.dataset, most=clips))
        say(f"first, middle and last frames of clips in {sheet}")
    if result.findings:
        listed = "\n".join(f"  {finding}" for finding in result.findings[:_SHOWN])
        more = f"\n  and {len(result.findings) - _SHOWN} more" if len(result.findings) > _SHOWN else ""
        raise DataError(f"{dataset} is not sound, {len(result.findings)} findings:\n{listed}{more}")
