"""The tables of a dataset against each other and against its card, row by row.

Index and signatures are walked by key, ledger and sources by source: all of them follow the index, since a key begins
with its source's id. What the ledger has in another order is sorted on disk first.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from densewalk.datasets.dataset_card import INDEX, CardCounts, ContentHash
from densewalk.datasets.ledger import Verdict
from densewalk.datasets.records import ClipRow, file_sha256
from densewalk.pipelines.corpus.audit.findings import ClipFacts, Findings
from densewalk.pipelines.corpus.follower import Follower
from densewalk.pipelines.corpus.source_table import SourceRow
from densewalk.pipelines.corpus.tables import Tables
from densewalk.pipelines.dedup.external_sort import sorted_lines
from densewalk.pipelines.dedup.signed import Signed

__all__ = ["BookAudit"]

_WRITTEN = "written"


class BookAudit:
    """Reads every table once and tells `findings` what disagrees."""

    def __init__(self, tables: Tables, findings: Findings) -> None:
        self._tables, self._findings = tables, findings
        self.facts = ClipFacts()
        self.ended: Counter[tuple[str, str, str]] = Counter()
        """Ledger rows by kind, outcome and reason."""
        self._content = ContentHash()

    @property
    def hash(self) -> str:
        """Hash of the clips' keys and contents, as readers of the dataset know it."""
        return self._content.text

    def run(self, scratch: Path) -> None:
        """Look at every row; files lie below `scratch` meanwhile."""
        scratch.mkdir(parents=True, exist_ok=True)
        counts = CardCounts()
        with ExitStack() as stack:
            clip_list = stack.enter_context((scratch / "ledger-clips").open("w+b"))
            source_list = stack.enter_context((scratch / "ledger-sources").open("w+b"))
            for verdict in self._in_order(counts.verdicts(self._tables.verdicts())):
                self.ended[verdict.kind, verdict.outcome, verdict.reason] += 1
                if verdict.kind == "clip" and verdict.outcome == _WRITTEN:
                    clip_list.write(f"{verdict.id}\n".encode())
                elif verdict.kind == "source" and not verdict.is_of_name:
                    source_list.write(f"{verdict.id}\t{verdict.outcome}\n".encode())
            clip_list.seek(0)
            source_list.seek(0)
            written = _keyed(sorted_lines(clip_list, scratch))
            contents = _keyed(sorted_lines(source_list, scratch))
            self._follow(self._content.clips(counts.clips(self._tables.clips())), written, contents)
        self._compare_card(counts)

    def _in_order(self, verdicts: Iterable[Verdict]) -> Iterator[Verdict]:
        """Pass rows through; a name may have a row for each content it ever held, and no other twice."""
        last = ("", "")
        for verdict in verdicts:
            if verdict.kind == "source":
                if (verdict.uri, verdict.id) == last:
                    self._findings.add(f"source {verdict.uri} has two rows in the ledger", books=True)
                last = verdict.uri, verdict.id
            yield verdict

    def _follow(
        self, clips: Iterable[ClipRow], written: Iterator[tuple[str, str]], contents: Iterator[tuple[str, str]]
    ) -> None:
        in_ledger = Follower(written, lambda key, _: self._lonely_verdict(key))
        signed = Follower(((row.key, row) for row in self._tables.signatures()), self._lonely_signature)
        buried = Follower((row.key, row) for row in self._tables.tombstones())
        sources = _Sources(self._findings, contents, self._tables.sources())
        last = ""
        for row in clips:
            self._count(row)
            if row.key <= last:
                self._findings.add(f"clip {row.key} stands behind {last} in the index", clip=row.key, books=True)
                self._findings.index = True
                continue
            last = row.key
            if in_ledger.match(row.key) is None:
                self._findings.add(f"clip {row.key} is in the index and not written in the ledger", clip=row.key)
            signature = signed.match(row.key)
            if signature is None or signature.sha256 != row.sha256:
                self._findings.add(f"clip {row.key} has no row of its own in the table of signatures", clip=row.key)
            if buried.match(row.key) is not None:
                self._findings.add(f"clip {row.key} is in the index and was purged", clip=row.key)
            sources.clip(row.source_id)
        in_ledger.finish()
        signed.finish()
        sources.finish()

    def _count(self, row: ClipRow) -> None:
        self.facts.sizes[f"{row.width}x{row.height}"] += 1
        self.facts.rates[row.fps] += 1
        self.facts.seconds[round(row.frames / row.fps, 1)] += 1

    def _lonely_verdict(self, key: str) -> None:
        self._findings.add(f"clip {key} is written in the ledger and not in the index", clip=key)

    def _lonely_signature(self, key: str, _: Signed) -> None:
        self._findings.add(f"clip {key} is in the table of signatures and not in the index", stray=key)

    def _compare_card(self, counts: CardCounts) -> None:
        card = self._tables.card
        index_sha256 = card.index_sha256 and file_sha256(self._tables.folder / INDEX)
        counted = counts.card(recipe_hash=card.recipe_hash, shard_sha256=card.shard_sha256, index_sha256=index_sha256)
        stated, found = asdict(card), asdict(counted)
        for name in stated:
            if stated[name] != found[name]:
                text = f"the tables give {name} {found[name]}, dataset.json says {stated[name]}"
                self._findings.add(text, books=True)


class _Sources:
    """Follows the index source by source, in the ledger and in the table of sources."""

    def __init__(self, findings: Findings, contents: Iterator[tuple[str, str]], rows: Iterator[SourceRow]) -> None:
        self._findings = findings
        self._ledger = Follower(contents, self._without_clips)
        self._table = Follower(((row.id, row) for row in rows), self._row_without_clips)
        self._id, self._clips = "", 0

    def clip(self, source_id: str) -> None:
        if source_id != self._id:
            self._close()
            self._id, self._clips = source_id, 0
        self._clips += 1

    def finish(self) -> None:
        self._close()
        self._ledger.finish()
        self._table.finish()

    def _close(self) -> None:
        if not self._clips:
            return
        outcome = self._ledger.match(self._id)
        if outcome != _WRITTEN:
            found = outcome or "absent"
            text = f"source {self._id} has {self._clips} clips and is not written in the ledger: {found}"
            self._findings.add(text, source=self._id)
        row = self._table.match(self._id)
        if row is None:
            self._findings.add(f"source {self._id} has clips and no row in the table of sources", source=self._id)
        elif row.clips != self._clips:
            text = f"source {self._id} has {self._clips} clips, the table of sources says {row.clips}"
            self._findings.add(text, source=self._id)

    def _without_clips(self, source_id: str, outcome: str) -> None:
        if outcome == _WRITTEN:
            self._findings.add(f"source {source_id} is written in the ledger and has no clip", source=source_id)

    def _row_without_clips(self, source_id: str, row: SourceRow) -> None:
        if row.clips:
            text = f"source {source_id} has no clip, the table of sources says {row.clips}"
            self._findings.add(text, source=source_id)


def _keyed(lines: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    for line in lines:
        key, _, value = line.decode().rstrip("\n").partition("\t")
        yield key, value
