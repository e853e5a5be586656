"""Taking clips out of a dataset: shards that hold one are written anew under another name, everything else stays.

    clips-00003.tar -> clips-00003-1.tar -> clips-00003-2.tar -> ...           (a shard that is left empty goes)

What stays of a shard is copied byte for byte in its order. New shards mean nothing until the new tables name them; the
tables change in one step (commit.py); only then the old shards go. A process that dies on the way leaves the old state
or the new one, and the repeated command ends in the same files. Readers that opened the dataset before keep their rows,
but no longer find the shards that were replaced: they have to open it again.

Memory grows with what is taken out, not with the dataset.
"""

import hashlib
import heapq
import re
import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from densewalk.datasets.atomic import disk_faults
from densewalk.datasets.dataset import CARD, SHARDS, DatasetCard
from densewalk.datasets.errors import DataError
from densewalk.datasets.ledger import Verdict, ledger_order
from densewalk.datasets.records import ClipRow
from densewalk.datasets.shards.tar import write_shard
from densewalk.pipelines.corpus.audit.merging_keys import Follower
from densewalk.pipelines.corpus.audit.shard_walk import Member, ShardWalk
from densewalk.pipelines.corpus.by_shard import clips_by_shard
from densewalk.pipelines.corpus.commit import Change, commit
from densewalk.pipelines.corpus.homes.folder_home import FolderHome
from densewalk.pipelines.corpus.homes.home import WORK, Home
from densewalk.pipelines.corpus.rejects import REJECTED, gather_rejected
from densewalk.pipelines.corpus.source_table import SourceRow
from densewalk.pipelines.corpus.tables import Tables
from densewalk.pipelines.dedup.external_sort import sorted_lines
from densewalk.pipelines.dedup.signed import Signed

__all__ = ["RewrittenShard", "Withdrawal", "Withdrawn", "held_for_care", "next_generation", "withdraw"]

_NAME = re.compile(r"(clips-\d+)(?:-(\d+))?\.tar")
_MEMORY_BYTES = 64 << 20


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


@dataclass(frozen=True, slots=True, kw_only=True)
class RewrittenShard:
    """A shard before and after."""

    old: str
    old_sha256: str
    """As the card said."""
    new: str
    """Empty when nothing was left of it."""
    new_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """What was taken out."""

    clips: tuple[ClipRow, ...]
    """By key, as they lay in the dataset before."""
    shards: tuple[RewrittenShard, ...]
    card: DatasetCard
    """Of the dataset now."""
    hash_before: str
    """Of the clips' keys and contents."""
    hash_after: str


@contextmanager
def held_for_care(home: Home) -> Iterator[Path]:
    """Be the only writer and have a scratch folder; what an interrupted preparation staged stays where it is.

    Raises `DataError` when there is no dataset or somebody else writes to it.
    """
    if isinstance(home, FolderHome) and not (home.folder / CARD).is_file():
        raise DataError(f"{home.name} is not a finished dataset made by prepare")
    with home.held():
        scratch = home.folder / WORK / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        own = scratch / uuid.uuid4().hex
        with disk_faults(own):
            own.mkdir(parents=True)
        try:
            yield own
        finally:
            shutil.rmtree(own, ignore_errors=True)
            with suppress(OSError):
                scratch.rmdir()


def withdraw(
    home: Home,
    withdrawal: Withdrawal,
    *,
    scratch: Path,
    on_shard: Callable[[int, int], None] = lambda done, total: None,
) -> Withdrawn:
    """Take clips out of a home that is held; `on_shard` hears how many shards of how many were written.

    Raises `DataError` when a clip that stays is damaged.
    """
    tables = Tables(home.folder)
    card = tables.card
    assert card is not None, f"{home.name} has no card"
    before, after = hashlib.sha256(), hashlib.sha256()
    gone = tuple(row for row in _hashed(tables.clips(), before) if row.key in withdrawal.clips)
    worn = {row.shard for row in gone} | withdrawal.shards
    with (scratch / "places").open("w+b") as places:
        rewritten: list[RewrittenShard] = []
        for shard, clips in clips_by_shard(tables.clips(), scratch, wants=worn.__contains__):
            left = [row for row in clips if row.key not in withdrawal.clips]
            rewritten.append(_rewrite(home, shard, card.shard_sha256.get(shard, ""), left, places))
            on_shard(len(rewritten), len(worn))
        places.seek(0)
        rows = _Rows(tables, withdrawal, worn, Counter(row.source_id for row in gone))
        change = Change(
            clips=_hashed(rows.clips(sorted_lines(places, scratch, memory_bytes=_MEMORY_BYTES)), after),
            sources=rows.sources(),
            verdicts=rows.verdicts(),
            signatures=rows.signatures(),
            tombstones=rows.tombstones(),
            recipe_hash=card.recipe_hash,
            shard_sha256=_hashes(card, worn, rewritten),
            rejected=_fewer_pictures(home.folder / REJECTED, scratch, withdrawal.unseen),
        )
        card = commit(home.folder, home.folder / WORK / "commit", change)
    home.publish(frozenset(card.shard_sha256))
    return Withdrawn(
        clips=gone,
        shards=tuple(rewritten),
        card=card,
        hash_before=before.hexdigest(),
        hash_after=after.hexdigest(),
    )


def next_generation(shard: str) -> str:
    """Return the name of what is left of a shard; raises `DataError` for a name that prepare does not give."""
    found = _NAME.fullmatch(shard)
    if found is None:
        raise DataError(f"shard {shard} is not named as prepare names shards, such as clips-00003.tar")
    return f"{found[1]}-{int(found[2] or 0) + 1}.tar"


def _hashes(card: DatasetCard, worn: set[str], rewritten: Sequence[RewrittenShard]) -> dict[str, str]:
    stay = {name: sha256 for name, sha256 in card.shard_sha256.items() if name not in worn}
    return stay | {shard.new: shard.new_sha256 for shard in rewritten if shard.new}


def _rewrite(home: Home, shard: str, sha256: str, left: Sequence[ClipRow], places: BinaryIO) -> RewrittenShard:
    """Write what is left of a shard, and to `places` a line for each clip: key, shard, offset."""
    if not left:
        return RewrittenShard(old=shard, old_sha256=sha256, new="", new_sha256="")
    path = home.folder / SHARDS / next_generation(shard)
    written = write_shard(path, _members(home.shard(shard), left, home.name))
    home.drop_shard(shard)
    home.keep_shard(path)
    for place in written.places:
        if place.name.endswith(".mp4"):
            places.write(f"{place.name.removesuffix('.mp4')}\t{path.name}\t{place.offset}\n".encode())
    return RewrittenShard(old=shard, old_sha256=sha256, new=path.name, new_sha256=written.sha256)


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


def _hashed(rows: Iterator[ClipRow], content: "hashlib._Hash") -> Iterator[ClipRow]:
    """Pass rows through and take them into the hash by which readers know the clips of a dataset."""
    for row in rows:
        content.update(f"{row.key} {row.sha256}\n".encode())
        yield row


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
        follower = Follower(map(_place, places), lambda _key, _place: None)
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
