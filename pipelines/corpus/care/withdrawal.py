"""Taking clips out of a dataset: shards that hold one are written anew under another name, everything else stays.

    clips-00003.tar -> clips-00003-1.tar -> clips-00003-2.tar -> ...           (a shard that is left empty goes)

What stays of a shard is copied byte for byte in its order. New shards mean nothing until the new tables name them; the
tables change in one step (commit.py); only then the old shards go. A process that dies on the way leaves the old state
or the new one, and the repeated command ends in the same files. Readers that opened the dataset before keep their rows,
but no longer find the shards that were replaced: they have to open it again.

Memory grows with what is taken out, not with the dataset.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from densewalk.datasets.dataset_card import SHARDS
from densewalk.datasets.errors import DataError
from densewalk.datasets.ledger import Verdict, ledger_order
from densewalk.datasets.records import ClipRow
from densewalk.datasets.shards.tar import write_shard
from densewalk.pipelines.corpus.audit.shard_walk import Member, ShardWalk
from densewalk.pipelines.corpus.by_shard import clips_by_shard
from densewalk.pipelines.corpus.commit import Change, commit
from densewalk.pipelines.corpus.follower import Follower
from densewalk.pipelines.corpus.homes.home import Home
from densewalk.pipelines.corpus.rejects import REJECTED, gather_rejected
from densewalk.pipelines.corpus.shard_names import next_generation
from densewalk.pipelines.corpus.source_table import SourceRow
from densewalk.pipelines.corpus.tables import Tables
from densewalk.pipelines.dedup.external_sort import sorted_lines
from densewalk.pipelines.dedup.signed import Signed

__all__ = ["Withdrawal", "withdraw"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """What goes, and what becomes of the rows that spoke of it."""

    clips: frozenset[str]
    """Keys that go from index and signatures, with their members in the shards."""
    sources: frozenset[str] = frozenset()
    """Ids whose row of the table of sources goes."""
    verdict: Callable[[Verdict], Verdict | None]
    """What becomes of a ledger row; kind, uri and id stay, None takes it out."""
    new_verdicts: tuple[Verdict, ...] = ()
    """Ledger rows that come in."""
    buried: bool = False
    """Whether the signatures that go become tombstones."""
    shards: frozenset[str] = frozenset()
    """Shards to write anew although nothing in them goes."""
    unseen: frozenset[str] = frozenset()
    """Ids of sources whose pictures in rejected.tar go."""


def withdraw(
    home: Home,
    withdrawal: Withdrawal,
    *,
    scratch: Path,
    on_shard: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Take clips out of a home that is held; `on_shard` hears how many shards of how many were written.

    Raises `DataError` when a clip that stays is damaged.
    """
    tables = Tables(home.folder)
    card = tables.card
    gone = [row for row in tables.clips() if row.key in withdrawal.clips]
    worn = {row.shard for row in gone} | withdrawal.shards
    shard_sha256 = {name: sha256 for name, sha256 in card.shard_sha256.items() if name not in worn}
    with (scratch / "places").open("w+b") as places:
        by_shard = clips_by_shard(tables.clips(), scratch, wants=worn.__contains__)
        for number, (shard, clips) in enumerate(by_shard, start=1):
            left = [row for row in clips if row.key not in withdrawal.clips]
            if left:
                shard_sha256[next_generation(shard)] = _rewrite(home, shard, left, places)
            on_shard(number, len(worn))
        places.seek(0)
        rows = _Rows(tables, withdrawal, worn, Counter(row.source_id for row in gone))
        change = Change(
            clips=rows.clips(sorted_lines(places, scratch)),
            sources=rows.sources(),
            verdicts=rows.verdicts(),
            signatures=rows.signatures(),
            tombstones=rows.tombstones(),
            recipe_hash=card.recipe_hash,
            shard_sha256=shard_sha256,
            rejected=_fewer_pictures(home.folder / REJECTED, scratch, withdrawal.unseen),
        )
        card = commit(home.folder, change)
    home.publish(frozenset(card.shard_sha256))


def _rewrite(home: Home, shard: str, left: Sequence[ClipRow], places: BinaryIO) -> str:
    """Write what is left of a shard, and to `places` a line for each clip: key, shard, offset. Return its hash."""
    path = home.folder / SHARDS / next_generation(shard)
    written = write_shard(path, _members(home.shard(shard), left, home.name))
    home.drop_shard(shard)
    home.keep_shard(path)
    for place in written.places:
        if place.name.endswith(".mp4"):
            places.write(f"{place.name.removesuffix('.mp4')}\t{path.name}\t{place.offset}\n".encode())
    return written.sha256


def _members(path: Path, left: Sequence[ClipRow], dataset: str) -> Iterator[tuple[str, bytes]]:
    """Yield the members of clips as they lie in a shard, after a look at their hashes."""
    rows = {row.key: row for row in left}
    missing = {(row.key, extension) for row in left for extension in row.member_sha256}
    walk = ShardWalk(path, [row.offset for row in left], lambda name: name.partition(".")[0] in rows)
    key, copied = "", set[str]()
    for part in walk.parts():
        row = rows.get(part.key) if isinstance(part, Member) else None
        if row is None or not isinstance(part, Member):
            continue
        if part.extension == "mp4":
            key, copied = (row.key if part.offset == row.offset else ""), set()
        if row.key != key or part.extension in copied:
            continue
        if row.member_sha256.get(part.extension, part.sha256) == part.sha256:
            copied.add(part.extension)
            missing.discard((key, part.extension))
            yield part.name, part.content
    if missing:
        key, extension = min(missing)
        raise DataError(
            f"{key}.{extension} in shard {path} is damaged or absent; take it out with "
            f"densewalk inspect {dataset} --repair, then repeat this command"
        )


def _fewer_pictures(rejected: Path, scratch: Path, unseen: frozenset[str]) -> Path | None:
    if not unseen or not rejected.is_file():
        return None
    gather_rejected(scratch / REJECTED, [rejected], without=unseen)
    return scratch / REJECTED


class _Rows:
    """The rows of all tables without what goes, in the order of the tables."""

    def __init__(self, tables: Tables, withdrawal: Withdrawal, worn: set[str], gone_of: Counter[str]) -> None:
        self._tables, self._withdrawal, self._worn, self._gone_of = tables, withdrawal, worn, gone_of

    def clips(self, places: Iterator[bytes]) -> Iterator[ClipRow]:
        follower = Follower(map(_place, places))
        for row in self._tables.clips():
            if row.key in self._withdrawal.clips:
                continue
            place = follower.match(row.key) if row.shard in self._worn else (row.shard, row.offset)
            assert place is not None, f"{row.key} was not copied"
            yield replace(row, shard=place[0], offset=place[1])

    def sources(self) -> Iterator[SourceRow]:
        for row in self._tables.sources():
            if row.id not in self._withdrawal.sources:
                yield replace(row, clips=row.clips - self._gone_of[row.id])

    def verdicts(self) -> Iterator[Verdict]:
        kept = (new for old in self._tables.verdicts() if (new := self._withdrawal.verdict(old)) is not None)
        return heapq.merge(kept, sorted(self._withdrawal.new_verdicts, key=ledger_order), key=ledger_order)

    def signatures(self) -> Iterator[Signed]:
        return (row for row in self._tables.signatures() if row.key not in self._withdrawal.clips)

    def tombstones(self) -> Iterator[Signed]:
        going = (row for row in self._tables.signatures() if row.key in self._withdrawal.clips)
        return heapq.merge(self._tables.tombstones(), going if self._withdrawal.buried else (), key=lambda row: row.key)


def _place(line: bytes) -> tuple[str, tuple[str, int]]:
    key, shard, offset = line.decode().split()
    return key, (shard, int(offset))
