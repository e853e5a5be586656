"""densewalk merge: several datasets in one, or one in other shards."""

from pathlib import Path
from typing import Annotated

import typer

from densewalk.cluster.cli.arguments import split_overrides
from densewalk.cluster.progress import say
from densewalk.datasets.errors import ConfigError

__all__ = ["merge"]

_SECTION = "pack."


def merge(
    *,
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="DATASET|pack.field=value", help="Datasets of one recipe, folders or s3://; how to shard."
        ),
    ],
    out: Annotated[str, typer.Option("--out", help="The new dataset: a folder or s3://bucket/prefix.")],
    work: Annotated[Path | None, typer.Option("--work", help="For a bucket: local folder of the work.")] = None,
) -> None:
    """Write the clips of datasets into the shards of a new one.

    What several datasets hold is taken from the first; what one of them purged stays out. With one dataset, this shards
    it anew. The shards of datasets in buckets are fetched first and need room on this machine.

    \b
    Examples:
      densewalk merge data/part1 data/part2 --out data/whole
      densewalk merge data/corpus --out data/small-shards pack.shard_bytes=64000000
    """
    folders, overrides = split_overrides(arguments)
    if not folders:
        raise ConfigError("no dataset to merge; name one or more made by prepare")
    if foreign := [text for text in overrides if not text.startswith(_SECTION)]:
        raise ConfigError(f"only {_SECTION}* may be set when merging, not {', '.join(foreign)}")
    from densewalk.datasets.config import resolve
    from densewalk.pipelines.corpus.homes.opening import open_home
    from densewalk.pipelines.corpus.merging.repacking import merge as merge_datasets
    from densewalk.pipelines.corpus.pack import PackConfig

    pack = resolve(PackConfig(), overrides=[text.removeprefix(_SECTION) for text in overrides])
    target = open_home(out, work)
    result = merge_datasets([open_home(folder) for folder in folders], target, pack)
    dropped = f", {result.dropped} left out that an earlier one holds or that were purged" if result.dropped else ""
    say(f"{result.clips} clips in {result.shards} shards of {target.name}{dropped}")
