"""Repairing a dataset: what is damaged goes, whole sources at a time, and is marked so that it can be made again.

A source of which a clip is damaged, missing or contradicted by a table loses all its clips and its row says failed,
"damaged in the dataset"; `densewalk prepare ... --retry "failed:damaged in the dataset"` makes it again, with the same
bytes. Sound clips of other sources stay what they are; shards that are not what the card says are written anew from
them. An index that cannot be read, or contradicts shards that are as the card says, is rebuilt from what lies in the
shards (rebuilding.py).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from densewalk.datasets.ledger import Verdict, content_verdict
from densewalk.datasets.records import source_of
from densewalk.pipelines.corpus.audit.auditing import audit_folder
from densewalk.pipelines.corpus.audit.findings import Audit, Findings
from densewalk.pipelines.corpus.care.rebuilding import index_is_readable, rebuild_index
from densewalk.pipelines.corpus.care.withdrawal import Withdrawal, withdraw
from densewalk.pipelines.corpus.homes.home import Home
from densewalk.pipelines.corpus.tables import Tables
from densewalk.pipelines.corpus.workplace import tended

__all__ = ["DAMAGED", "RepairResult", "repair"]

DAMAGED = "damaged in the dataset"
"""Reason of the ledger rows of sources that have to be made again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairResult:
    """What was found and what was done about it."""

    found: Audit
    """With the index that was rebuilt, if it was."""
    rebuilt_index: bool
    clips: int
    """Clips that were taken out, sound ones of the same sources included."""
    again: tuple[str, ...]
    """Names of the sources that have to be made again."""
    nameless: tuple[str, ...]
    """Ids of sources that no table names any more; whoever hands them in again gets them made."""


def repair(
    home: Home, *, decode_one_in: int = 100, on_shard: Callable[[int, int], None] = lambda done, total: None
) -> RepairResult:
    """Audit a dataset and take out what is damaged; `on_shard` hears how many shards of how many were audited.

    A change that was broken off is finished first. Raises `DataError` when there is no dataset, another process writes
    to it, or a table other than the index cannot be read.
    """
    with tended(home) as scratch:
        tables = Tables(home.folder)
        rebuilt = not index_is_readable(tables)
        if rebuilt:
            rebuild_index(home, tables.card, scratch=scratch)
        found = audit_folder(home, home.folder, decode_one_in=decode_one_in, on_shard=on_shard)
        if found.findings.index and rebuild_index(home, tables.card, scratch=scratch):
            rebuilt, found = True, audit_folder(home, home.folder, decode_one_in=decode_one_in, on_shard=on_shard)
        plan = _Repair(tables, found.findings)
        if found.findings.count or rebuilt:
            withdraw(home, plan.withdrawal(), scratch=scratch)
    return RepairResult(
        found=found,
        rebuilt_index=rebuilt,
        clips=plan.num_clips,
        again=tuple(sorted(plan.names.values())),
        nameless=tuple(sorted(plan.sources - plan.names.keys())),
    )


class _Repair:
    """Which clips and rows go, and what becomes of the others."""

    def __init__(self, tables: Tables, findings: Findings) -> None:
        self.sources = findings.sources | {source_of(key) for key in findings.clips}
        """Ids of sources that have to be made again."""
        self._clips = {row.key for row in tables.clips() if row.source_id in self.sources}
        self.num_clips = len(self._clips)
        self._gone = frozenset(self._clips | findings.strays | findings.clips)
        self._shards = frozenset(findings.shards)
        contents = {verdict.id: verdict for verdict in tables.source_verdicts() if verdict.id in self.sources}
        lost = [row for row in tables.sources() if row.id in self.sources - contents.keys()]
        self._new = tuple(content_verdict(row.id, row.uri, "failed", DAMAGED) for row in lost)
        self.names = {verdict.id: verdict.uri for verdict in (*contents.values(), *self._new)}
        """Names of these sources by id."""
        self._last = ("", "")

    def withdrawal(self) -> Withdrawal:
        return Withdrawal(
            clips=self._gone,
            sources=frozenset(self.sources),
            verdict=self._verdict,
            new_verdicts=self._new,
            shards=self._shards,
        )

    def _verdict(self, verdict: Verdict) -> Verdict | None:
        if verdict.kind == "clip":
            return None if verdict.source_id in self.sources else verdict
        last, self._last = self._last, (verdict.uri, verdict.id)
        if last == self._last:
            return None
        if verdict.id not in self.sources or verdict.outcome == "purged":
            return verdict
        return replace(verdict, outcome="failed", reason=DAMAGED, detail="")
