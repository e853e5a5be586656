"""Merging and re-sharding: the clips of one or more datasets in new shards of a new one.

The datasets must have been made by one recipe, so that their clips are alike. Content that several of them hold is
taken from the first; clips that come too close to those of an earlier dataset are left out, as if it had grown. What
one of them purged stays out of the whole. The result depends on what the datasets hold, not on their shards; with one
dataset this is re-sharding. Memory does not grow with the datasets.
"""

import heapq
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import chain
from operator import attrgetter

from densewalk.datasets.atomic import write_text
from densewalk.datasets.config import to_yaml
from densewalk.datasets.dataset_card import CARD
from densewalk.datasets.errors import ConfigError
from densewalk.datasets.ledger import PURGED, Verdict, ledger_order
from densewalk.datasets.records import source_of
from densewalk.pipelines.corpus.commit import Change, commit
from densewalk.pipelines.corpus.harvest import Harvest
from densewalk.pipelines.corpus.homes.home import CONFIG, Home
from densewalk.pipelines.corpus.merging.merged_ledger import MergedLedger
from densewalk.pipelines.corpus.merging.merging_parts import Part
from densewalk.pipelines.corpus.pack import PackConfig, pack_shards
from densewalk.pipelines.corpus.rejects import REJECTED, LateRejection, gather_rejected
from densewalk.pipelines.corpus.workplace import Workplace, held
from densewalk.pipelines.dedup.signed import Signed
from densewalk.pipelines.recipe import check_config
from densewalk.pipelines.scratch_tables import scratch_faults

__all__ = ["MergeResult", "merge"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeResult:
    """What a merge made."""

    clips: int
    shards: int
    dropped: int
    """Clips left out because an earlier dataset has the same content or a near-duplicate, or because of a purge."""


def merge(homes: Sequence[Home], out: Home, pack: PackConfig) -> MergeResult:
    """Write the clips of the datasets in `homes` into a new one in `out` with shards filled as `pack` says.

    Raises `ConfigError` when there is a dataset in `out` already or the datasets were made by different recipes (the
    difference is named), `DataError` when one is no dataset or a clip is damaged.
    """
    with ExitStack() as stack:
        parts = []
        for home in homes:
            parts.append(Part.open(home, stack.enter_context(home.reading())))
            stack.callback(parts[-1].close)
        _refuse_mixture(parts, pack)
        work = stack.enter_context(held(out, parts[0].card.recipe_hash))
        if (out.folder / CARD).exists():
            raise ConfigError(f"{out.name} is a dataset already; choose a new --out")
        write_text(out.folder / CONFIG, to_yaml(replace(parts[0].config, pack=pack)))
        stack.enter_context(scratch_faults(work.scratch))
        ledger = stack.enter_context(MergedLedger(work.scratch / "ledger.sqlite"))
        for number, part in enumerate(parts):
            ledger.add(number, part.tables.source_verdicts())
        ledger.settle()
        harvests = [
            stack.enter_context(Harvest(work.scratch / f"harvest-{number}.sqlite")) for number in range(len(parts))
        ]
        whole = _Whole(parts, ledger, harvests)
        whole.gather(work)
        card = commit(out.folder, whole.change(work, whole.pack(out, work, pack)))
        out.publish(frozenset(card.shard_sha256))
    given = sum(part.card.num_clips for part in parts)
    return MergeResult(clips=card.num_clips, shards=len(card.shard_sha256), dropped=given - card.num_clips)


def _refuse_mixture(parts: Sequence[Part], pack: PackConfig) -> None:
    first = parts[0]
    for part in parts[1:]:
        check_config(part.tables.folder / CONFIG, replace(first.config, pack=pack))
        if part.card.recipe_hash != first.card.recipe_hash:
            raise ConfigError(
                f"{part.home.name} and {first.home.name} were made by different versions of the stages; "
                "prepare one of them again"
            )


class _Whole:
    """The parts, what is taken of each, and the rows of both together in the order of the tables."""

    def __init__(self, parts: Sequence[Part], ledger: MergedLedger, harvests: Sequence[Harvest]) -> None:
        self._parts, self._ledger, self._harvests = parts, ledger, harvests

    def gather(self, work: Workplace) -> None:
        """Take from each dataset the sources that have their home there, without clips that an earlier one has too."""
        has_tombstones = next(self._tombstones(), None) is not None
        for number, (part, harvest) in enumerate(zip(self._parts, self._harvests, strict=True)):
            for outcome in part.sources(work.scratch):
                home = self._ledger.home(outcome.row.id)
                if home is not None and home.part == number and home.outcome != "purged":
                    harvest.add(outcome, part.shards)
            if number or (has_tombstones and len(self._parts) > 1):
                known = chain.from_iterable(earlier.signatures() for earlier in self._harvests[:number])
                config = part.config.dedup
                harvest.drop_duplicates(known, (), self._tombstones(), work=work.scratch, config=config)
            self._ledger.update(harvest.source_verdicts())

    def pack(self, out: Home, work: Workplace, config: PackConfig) -> dict[str, str]:
        """Write the shards; return their hashes by name."""
        hashes: dict[str, str] = {}
        clips = chain.from_iterable(harvest.packed() for harvest in self._harvests)
        for shard in pack_shards(
            out.folder, clips, first_number=0, config=config, scratch=work.scratch, on_shard=out.keep_shard
        ):
            hashes[shard.name] = shard.sha256
            for harvest in self._harvests:
                harvest.place(row for row in shard.rows if harvest.holds(row.source_id))
        return hashes

    def change(self, work: Workplace, shards: dict[str, str]) -> Change:
        """Return the rows of the new dataset."""
        late = chain.from_iterable(harvest.late() for harvest in self._harvests)
        gather_rejected(
            work.scratch / REJECTED,
            [part.tables.folder / REJECTED for part in self._parts],
            (LateRejection(verdict=verdict, row=row, tar=tar) for verdict, row, tar in late),
            without=self._ledger.purged(),
        )
        by_key = attrgetter("key")
        return Change(
            sources=heapq.merge(*(harvest.sources() for harvest in self._harvests), key=attrgetter("id")),
            verdicts=chain(self._ledger.verdicts(), self._candidates()),
            clips=heapq.merge(*(harvest.clips() for harvest in self._harvests), key=by_key),
            signatures=heapq.merge(*(harvest.signatures() for harvest in self._harvests), key=by_key),
            tombstones=self._tombstones(),
            recipe_hash=self._parts[0].card.recipe_hash,
            shard_sha256=shards,
            rejected=work.scratch / REJECTED,
        )

    def _candidates(self) -> Iterator[Verdict]:
        taken = (harvest.clip_verdicts() for harvest in self._harvests)
        left = (self._other_candidates(number) for number in range(len(self._parts)))
        return heapq.merge(*taken, *left, key=ledger_order)

    def _other_candidates(self, number: int) -> Iterator[Verdict]:
        """Yield the rows of clips whose source gives no clip, such as those that show what was purged."""
        for verdict in self._parts[number].tables.verdicts():
            home = self._ledger.home(verdict.source_id) if verdict.kind == "clip" else None
            if home is None or home.part != number or home.reason == PURGED:
                continue
            if not self._harvests[number].holds(verdict.source_id):
                yield verdict

    def _tombstones(self) -> Iterator[Signed]:
        """Yield what was purged from any of them, and what others have of it."""
        buried = (part.tables.tombstones() for part in self._parts)
        last = ""
        for row in heapq.merge(*buried, *map(self._purged_elsewhere, self._parts), key=attrgetter("key")):
            if row.key != last:
                yield row
            last = row.key

    def _purged_elsewhere(self, part: Part) -> Iterator[Signed]:
        for row in part.tables.signatures():
            home = self._ledger.home(source_of(row.key))
            if home is not None and home.outcome == "purged":
                yield row
