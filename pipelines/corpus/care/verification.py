"""Looking up afterwards that what was purged is nowhere: in no table but where it keeps itself out, in no shard."""

import tarfile
from collections.abc import Container, Iterable
from pathlib import Path
from typing import Any

from densewalk.datasets.dataset_card import SHARDS
from densewalk.datasets.errors import DataError
from densewalk.datasets.ledger import Verdict
from densewalk.datasets.records import file_sha256
from densewalk.pipelines.corpus.homes.home import Home
from densewalk.pipelines.corpus.rejects import REJECTED, read_rejected
from densewalk.pipelines.corpus.tables import Tables
from densewalk.pipelines.dedup.signed import twin_of

__all__ = ["look_up"]


def look_up(home: Home, *, keys: Container[str], contents: Container[str], rewritten: Iterable[str]) -> dict[str, Any]:
    """Look for clips and sources in a home that is held; return how much was looked at.

    Every row of every table is looked at, the names of all members of the shards that lie in the folder, and the
    hash of those that were rewritten, wherever they lie. Raises `DataError` naming the first thing that is still there.
    """
    tables = Tables(home.folder)
    card = tables.card
    rows = _look_through_tables(tables, keys, contents)
    for rejection in read_rejected(home.folder / REJECTED):
        _refuse(rejection.source_id in contents or twin_of(rejection.detail) in keys, rejection.key, REJECTED)
    members = shards = 0
    for name in sorted({name for name in card.shard_sha256 if (home.folder / SHARDS / name).is_file()}):
        members += _look_through(home.folder / SHARDS / name, keys)
        shards += 1
    hashed = [name for name in rewritten if name in card.shard_sha256]
    for name in hashed:
        far = not (home.folder / SHARDS / name).is_file()
        path = home.shard(name)
        if far:
            members += _look_through(path, keys)
            shards += 1
        if file_sha256(path) != card.shard_sha256[name]:
            raise DataError(f"shard {name} of {home.name} is damaged: its SHA-256 is not that of dataset.json")
        home.drop_shard(name)
    return {
        "rows": rows,
        "members": members,
        "shards": shards,
        "of_shards": len(card.shard_sha256),
        "hashed": len(hashed),
    }


def _look_through_tables(tables: Tables, keys: Container[str], contents: Container[str]) -> int:
    rows = 0
    for clip in tables.clips():
        _refuse(clip.key in keys or clip.source_id in contents, clip.key, "the index")
        rows += 1
    for source in tables.sources():
        _refuse(source.id in contents, source.id, "the table of sources")
        rows += 1
    for signed in tables.signatures():
        _refuse(signed.key in keys, signed.key, "the table of signatures")
        rows += 1
    for verdict in tables.verdicts():
        _refuse(_speaks(verdict, keys, contents), verdict.id, "the ledger")
        rows += 1
    return rows


def _speaks(verdict: Verdict, keys: Container[str], contents: Container[str]) -> bool:
    """Return whether a ledger row speaks of what was purged otherwise than to keep it out."""
    if verdict.outcome == "purged":
        return False
    return verdict.source_id in contents or verdict.id in keys or twin_of(verdict.detail) in keys


def _look_through(path: Path, keys: Container[str]) -> int:
    try:
        with tarfile.open(path, "r:") as tar:
            members = 0
            for member in tar:
                _refuse(member.name.partition(".")[0] in keys, member.name, f"shard {path.name}")
                members += 1
    except (OSError, tarfile.TarError) as error:
        raise DataError(f"shard {path} cannot be listed: {error}; densewalk inspect --repair takes it out") from error
    return members


def _refuse(found: bool, what: str, where: str) -> None:
    if found:
        raise DataError(f"{what} was purged and is still in {where}; repeat the purge")
