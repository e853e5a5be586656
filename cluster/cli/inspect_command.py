"""densewalk inspect: verify a dataset byte by byte, take out what is damaged, show what training on it looks like."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from densewalk.cluster.cli.arguments import output_folder, split_overrides
from densewalk.cluster.progress import say, shown_progress
from densewalk.datasets.errors import ConfigError, DataError, known_name

if TYPE_CHECKING:
    from densewalk.pipelines.corpus.audit.findings import Audit
    from densewalk.pipelines.corpus.homes.home import Home

__all__ = ["inspect"]

_DATA = "Folder or s3://bucket/prefix made by prepare; with --stream whatever pretrain takes."
_SHOWN = 20
_PLAYED = 100
"""One clip in so many is played."""
_MARKS_DATA = re.compile(r"[:*/]")
"""In what names data and is not there, or lies elsewhere; a name without any is a misspelt recipe."""
_RECIPE, _RECIPE_WITHOUT_DATA = "gmrw_small", "gmrw_scenes_small"


def inspect(
    *,
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="DATA|RECIPE|section.field=value", help=_DATA)
    ] = None,
    decode: Annotated[
        int | None,
        typer.Option("--decode", metavar="N", min=0, help="Play one clip in N (100) of each shard; 0 plays none."),
    ] = None,
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
    stream: Annotated[
        bool, typer.Option("--stream", help="Show the first batches that a recipe makes of the data, and their cost.")
    ] = False,
    batches: Annotated[int, typer.Option("--batches", min=1, help="With --stream: how many batches to show.")] = 2,
    out: Annotated[
        Path | None, typer.Option("--out", help="With --stream: folder of the pictures and the page (stream).")
    ] = None,
) -> None:
    """Verify a dataset and say what is in it, or show what training on it looks like.

    Reads every shard once, checks the hash of every member, plays one clip in N, and reconciles index, ledger, sources,
    signatures, shards and card; exit code 2 when something disagrees. With --stream it draws the first batches of a
    recipe instead, with boxes, times and points that correspond, and measures what a sample costs.

    \b
    Examples:
      densewalk inspect data/corpus
      densewalk inspect s3://bucket/corpus --decode 0
      densewalk inspect data/corpus --repair
      densewalk inspect data/corpus --shots shots.json --tolerance 1
      densewalk inspect data/corpus --sheet clips.png --clips 40
      densewalk inspect data/corpus --stream gmrw --out batches data.workers=8
      densewalk inspect tars:/data/videos --stream
    """
    if stream:
        given = {"--decode": decode, "--repair": repair or None, "--work": work, "--shots": shots, "--sheet": sheet}
        if ignored := [name for name, value in given.items() if value is not None]:
            raise ConfigError(f"{', '.join(ignored)}: for verifying a dataset; leave out --stream")
        _show_stream(arguments or [], batches, out or Path("stream"))
        return
    if out is not None:
        raise ConfigError(f"--out {out} is for what --stream draws; add --stream")
    from densewalk.pipelines.corpus.homes.opening import open_home

    home, decode = open_home(_dataset(arguments or []), work), _PLAYED if decode is None else decode
    if repair:
        _repair(home, decode)
        return
    _verify(home, decode=decode, shots=shots, tolerance=tolerance, sheet=sheet, clips=clips)


def _dataset(arguments: Sequence[str]) -> str:
    locations, overrides = split_overrides(arguments)
    if overrides:
        raise ConfigError(f"{', '.join(overrides)}: overrides are of a recipe; add --stream")
    if len(locations) != 1:
        raise ConfigError(f"inspect takes one dataset, found {', '.join(locations) or 'none'}")
    return locations[0]


def _show_stream(arguments: Sequence[str], batches: int, out: Path) -> None:
    from densewalk.cluster.cli.tables import show_table
    from densewalk.cluster.stream_view.showing import show_stream
    from densewalk.cluster.training_plan import plan_training

    texts, overrides = split_overrides(arguments)
    datasets, recipe = _data_and_recipe(texts)
    config = plan_training(recipe, datasets=datasets, overrides=overrides)
    output_folder(out)
    with shown_progress() as show:
        view = show_stream(config, out, batches=batches, tell=lambda done, total: show("draw", done, total))
    show_table(f"{recipe}: sources", view.sources)
    show_table("what a sample costs in one process", view.costs)
    say(f"{view.clips_per_second:.1f} clips a second with data.workers={config.data.workers}, on this machine as it is")
    say(f"pictures and page: {view.page}")


def _data_and_recipe(texts: Sequence[str]) -> tuple[list[str], str]:
    """Return the data and the recipe that texts name; without data, a recipe of generated scenes unless one is named.

    Raises `ConfigError` for a text that names neither, and for more than one recipe.
    """
    from densewalk.ssl.train.recipes import RECIPES

    recipes = [text for text in texts if text in RECIPES and not Path(text).exists()]
    datasets = [text for text in texts if text not in recipes]
    if len(recipes) > 1:
        raise ConfigError(f"one recipe at a time: {', '.join(recipes)}")
    for text in datasets:
        if not Path(text).exists() and not _MARKS_DATA.search(text):
            known_name(text, RECIPES, "data (a folder, URL or KIND:PATH) or recipe")
    return datasets, recipes[0] if recipes else _RECIPE if datasets else _RECIPE_WITHOUT_DATA


def _verify(home: "Home", *, decode: int, shots: Path | None, tolerance: int, sheet: Path | None, clips: int) -> None:
    from densewalk.cluster.dataset_summary import describe_audit, describe_cuts
    from densewalk.pipelines.corpus.audit.auditing import audit

    with shown_progress() as show:
        result = audit(home, decode_one_in=decode, on_shard=lambda done, total: show("verify", done, total))
    say(describe_audit(result))
    if shots is not None:
        with home.reading() as folder:
            say(describe_cuts(folder, shots, tolerance_frames=tolerance))
    if sheet is not None:
        _draw(home, sheet, clips)
    if result.findings.count:
        raise DataError(f"{_listed(result)}\ndensewalk inspect {home.name} --repair takes out what is damaged")


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
