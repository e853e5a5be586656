"""How a dataset grows: what is new is harvested from staging, packed, and merged into the tables that are there."""

import heapq
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from operator import attrgetter
from pathlib import Path

from densewalk.datasets.ledger import Verdict, ledger_order
from densewalk.pipelines.corpus.accounting.accounts import Accounts
from densewalk.pipelines.corpus.accounting.books import Books
from densewalk.pipelines.corpus.accounting.closing import whole_source
from densewalk.pipelines.corpus.commit import Change
from densewalk.pipelines.corpus.harvest import Harvest
from densewalk.pipelines.corpus.pack import PackConfig, pack_shards
from densewalk.pipelines.corpus.rejects import REJECTED, LateRejection, gather_rejected, rejected_path
from densewalk.pipelines.corpus.source_table import SourceRow
from densewalk.pipelines.corpus.staging import Staging
from densewalk.pipelines.corpus.tables import Tables
from densewalk.pipelines.corpus.workplace import Workplace

__all__ = ["grown", "harvest_staged", "pack_harvest"]


def harvest_staged(books: Books, accounts: Accounts, harvest: Harvest, staging: Staging) -> None:
    """Take in what is staged of every source that is kept; each is read once."""
    for kept in accounts.kept():
        outcome = staging.outcome(kept.source_id, kept.name)
        if outcome is None:
            raise RuntimeError(f"{kept.uri} left the last stage but is not staged in {staging.folder}")
        if isinstance(outcome, Verdict):
            books.end(outcome)
        else:
            tars = [staging.tar_path(reel.source.id, reel.name, reel.number) for reel in outcome]
            harvest.add(whole_source(outcome), staging.folder, tars)


def pack_harvest(
    harvest: Harvest, work: Workplace, config: PackConfig, *, first_number: int, on_shard: Callable[[Path], None]
) -> dict[str, str]:
    """Pack the clips that are left into new shards; return their hashes by name."""
    hashes: dict[str, str] = {}
    shards = pack_shards(
        work.out,
        harvest.packed(),
        first_number=first_number,
        config=config,
        scratch=work.scratch,
        on_shard=on_shard,
    )
    for shard in shards:
        harvest.place(shard.rows)
        hashes[shard.name] = shard.sha256
    return hashes


def grown(
    before: Tables,
    accounts: Accounts,
    harvest: Harvest,
    work: Workplace,
    *,
    recipe_hash: str,
    new_shards: Mapping[str, str],
) -> Change:
    """Return the rows of the dataset with the harvest in it.

    A source that was tried again takes the place of what the tables said of it.
    """
    rejected = work.scratch / REJECTED
    late = (LateRejection(verdict=verdict, row=row, tar=tar) for verdict, row, tar in harvest.late())
    gather_rejected(rejected, chain([work.out / REJECTED], map(rejected_path, harvest.reel_tars())), late)
    clip_verdicts = heapq.merge(_old_candidates(before, harvest), harvest.clip_verdicts(), key=ledger_order)
    return Change(
        sources=heapq.merge(_old_sources(before, harvest), harvest.sources(), key=attrgetter("id")),
        verdicts=chain(accounts.verdicts(), clip_verdicts),
        clips=heapq.merge(before.clips(), harvest.clips(), key=attrgetter("key")),
        signatures=heapq.merge(before.signatures(), harvest.signatures(), key=attrgetter("key")),
        tombstones=before.tombstones(),
        recipe_hash=recipe_hash,
        shard_sha256={**before.shard_sha256, **new_shards},
        rejected=rejected,
    )


def _old_sources(before: Tables, harvest: Harvest) -> Iterator[SourceRow]:
    return (row for row in before.sources() if not harvest.holds(row.id))


def _old_candidates(before: Tables, harvest: Harvest) -> Iterator[Verdict]:
    """Yield the rows of clips, those of sources that were made again left out."""
    source_id, is_made_again = "", False
    for verdict in before.verdicts():
        if verdict.kind == "clip":
            if verdict.source_id != source_id:
                source_id, is_made_again = verdict.source_id, harvest.holds(verdict.source_id)
            if not is_made_again:
                yield verdict
