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
        list[str], typer.Argument(metavar="DATASET|pack.field=value", help="Datasets of one recipe; how to shard.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder of the new dataset.")],
) -> None:
    """Write the clips of datasets into the shards of a new one.

    What several datasets hold is taken from the first. With one dataset, this shards it anew.

    \b
    Examples:
      densewalk merge data/part1 data/part2 --out data/whole
      densewalk merge data/corpus --out data/small-shards pack.shard_bytes=64000000
    """
    folders, overrides = split_overrides(arguments)
    if not folders:
        raise ConfigError("no dataset to merge; name one or more folders made by prepare")
    if foreign := [text for text in overrides if not text.startswith(_SECTION)]:
        raise ConfigError(f"only {_SECTION}* may be set when merging, not {', '.join(foreign)}")
    from densewalk.datasets.config import resolve
    from densewalk.pipelines.corpus.pack import PackConfig
    from densewalk.pipelines.corpus.repacking import merge as merge_datasets

    pack = resolve(PackConfig(), overrides=[text.removeprefix(_SECTION) for text in overrides])
    result = merge_datasets([Path(folder) for folder in folders], out, pack)
    dropped = f", {result.dropped} that an earlier one holds left out" if result.dropped else ""
    say(f"{result.clips} clips in {result.shards} shards of {result.folder}{dropped}")
