"""A finished dataset as something to merge: its sources one after another, as a preparation would have left them."""

import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from itertools import groupby
from pathlib import Path

from densewalk.datasets.dataset_card import SHARDS, DatasetCard
from densewalk.datasets.errors import DataError
from densewalk.datasets.ledger import Verdict
from densewalk.datasets.records import Source
from densewalk.datasets.row_tables import row_from_text, row_text
from densewalk.pipelines.corpus.accounting.closing import SourceOutcome
from densewalk.pipelines.corpus.follower import Follower
from densewalk.pipelines.corpus.homes.home import CONFIG, Home
from densewalk.pipelines.corpus.staging import StagedClip
from densewalk.pipelines.corpus.tables import Tables
from densewalk.pipelines.dedup.external_sort import sorted_lines
from densewalk.pipelines.recipe import PrepareConfig, read_config

__all__ = ["Part"]

_SOURCE = tuple(field.name for field in fields(Source))


@dataclass(frozen=True, slots=True)
class Part:
    """A dataset that is merged, its tables read from `tables.folder` and its shards from `shards`."""

    home: Home
    tables: Tables
    card: DatasetCard
    config: PrepareConfig
    shards: Path

    @classmethod
    def open(cls, home: Home, folder: Path) -> "Part":
        """Read what a dataset is, its tables being in `folder`; the shards of one in a bucket are fetched.

        Raises `DataError` when a table is damaged or a shard is absent.
        """
        tables = Tables(folder)
        card = tables.card
        config = read_config(folder / CONFIG)
        paths = [home.shard(name) for name in sorted(card.shard_sha256)]
        return cls(home, tables, card, config, paths[0].parent if paths else folder / SHARDS)

    def close(self) -> None:
        """Forget shards that were fetched."""
        for name in self.card.shard_sha256:
            self.home.drop_shard(name)

    def sources(self, scratch: Path) -> Iterator[SourceOutcome]:
        """Yield what became of the decoded sources, by id; raises `DataError` when a shard cannot be read."""
        candidates = Follower(_grouped_candidates(self.tables, scratch))
        clips = Follower(self._grouped_clips(scratch))
        for row in self.tables.sources():
            yield SourceOutcome(
                source=Source(**{name: getattr(row, name) for name in _SOURCE}),
                row=row,
                clips=tuple(clips.match(row.id) or ()),
                clip_verdicts=tuple(candidates.match(row.id) or ()),
            )

    def _grouped_clips(self, scratch: Path) -> Iterator[tuple[str, list[StagedClip]]]:
        sizes = Follower(_sizes(self.shards, sorted(self.card.shard_sha256), scratch))
        signed = Follower((row.key, row.signature) for row in self.tables.signatures())
        for source_id, rows in groupby(self.tables.clips(), key=lambda row: row.source_id):
            clips = []
            for row in rows:
                size = sizes.match(row.key)
                if size is None:
                    raise DataError(
                        f"clip {row.key} is not in the shards of {self.home.name}; inspect --repair it first"
                    )
                clips.append(StagedClip(row=row, total_bytes=size, signature=signed.match(row.key) or ""))
            yield source_id, clips


def _sizes(shards: Path, names: Iterable[str], scratch: Path) -> Iterator[tuple[str, int]]:
    """Yield the bytes of all members by key."""
    lines = (line for name in names for line in _sizes_in(shards / name))
    for key, group in groupby((line.split() for line in sorted_lines(lines, scratch)), key=lambda parts: parts[0]):
        yield key.decode(), sum(int(size) for _, size in group)


def _sizes_in(path: Path) -> Iterator[bytes]:
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                yield f"{member.name.partition('.')[0]} {member.size}\n".encode()
    except (OSError, tarfile.TarError) as error:
        raise DataError(f"shard {path} cannot be read: {error}; inspect --repair its dataset first") from error


def _grouped_candidates(tables: Tables, scratch: Path) -> Iterator[tuple[str, list[Verdict]]]:
    lines = (
        f"{verdict.source_id}\t{number:012d}\t{row_text(verdict)}\n".encode()
        for number, verdict in enumerate(tables.verdicts())
        if verdict.kind == "clip"
    )
    ordered = (line.split(b"\t", 2) for line in sorted_lines(lines, scratch))
    for source_id, group in groupby(ordered, key=lambda parts: parts[0]):
        yield source_id.decode(), [row_from_text(Verdict, row) for *_, row in group]
