"""Whether a dataset is what it says: every byte hashed, index, ledger, shards and card reconciled.

Nothing is repaired here. A finding says what disagrees with what; a damaged clip is named with its shard, and every
other clip is still looked at.
"""

import tarfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from densewalk.datasets.dataset import SHARDS, Dataset
from densewalk.datasets.errors import DataError
from densewalk.datasets.ledger import Verdict, count_outcomes, read_ledger
from densewalk.datasets.records import file_sha256
from densewalk.pipelines.corpus.commit import LEDGER

__all__ = ["Audit", "audit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The result of looking at every byte of a dataset."""

    dataset: Dataset
    verdicts: tuple[Verdict, ...]
    findings: tuple[str, ...]
    """What disagrees; empty for a sound dataset."""

    @property
    def reasons(self) -> list[tuple[str, str, str, int]]:
        """Kind, outcome, reason and number of ledger rows that were not written, most frequent first."""
        counts = Counter((v.kind, v.outcome, v.reason) for v in self.verdicts if v.outcome != "written")
        return [(*key, count) for key, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]


def audit(folder: Path, *, on_clip: Callable[[int, int], None] | None = None) -> Audit:
    """Look at every clip, shard and row of a dataset; `on_clip` hears how many clips of how many are done.

    Raises `DataError` when the folder is no dataset at all.
    """
    dataset = Dataset.open(folder)
    verdicts = read_ledger(folder / LEDGER)
    findings = [*_clips(dataset, on_clip), *_shards(dataset), *_ledger(dataset, verdicts)]
    return Audit(dataset=dataset, verdicts=tuple(verdicts), findings=tuple(findings))


def _clips(dataset: Dataset, on_clip: Callable[[int, int], None] | None) -> Iterator[str]:
    for number, row in enumerate(dataset.rows, start=1):
        try:
            dataset.read_clip(row)
            meta = dataset.read_meta(row)
            for extension in row.member_sha256.keys() - {"mp4", "json"}:
                dataset.read_companion(row, extension)
            if meta.get("key", row.key) != row.key:
                yield f"clip {row.key} in shard {row.shard}: its json member speaks of {meta['key']}"
        except DataError as error:
            yield str(error)
        if on_clip is not None:
            on_clip(number, len(dataset.rows))


def _shards(dataset: Dataset) -> Iterator[str]:
    """Compare files, card and index: hashes, missing and unknown files, members without a row."""
    folder = dataset.folder / SHARDS
    present = {path.name for path in folder.glob("*.tar")}
    stated = dataset.card.shard_sha256
    yield from (f"shard {name} is in dataset.json and not in {SHARDS}/" for name in sorted(stated.keys() - present))
    yield from (f"shard {name} is in {SHARDS}/ and not in dataset.json" for name in sorted(present - stated.keys()))
    indexed: dict[str, set[str]] = {}
    for row in dataset.rows:
        indexed.setdefault(row.shard, set()).add(row.key)
    for name in sorted(present & stated.keys()):
        if file_sha256(folder / name) != stated[name]:
            yield f"shard {name} does not have the SHA-256 of dataset.json"
        yield from _members(folder / name, indexed.get(name, set()))


def _members(shard: Path, keys: set[str]) -> Iterator[str]:
    try:
        with tarfile.open(shard, "r:") as tar:
            found = {name.partition(".")[0] for name in tar.getnames() if name.endswith(".mp4")}
    except (OSError, tarfile.TarError) as error:
        yield f"shard {shard.name} cannot be listed: {error}"
        return
    yield from (f"clip {key} is in shard {shard.name} and not in the index" for key in sorted(found - keys))
    yield from (f"clip {key} is in the index and not in shard {shard.name}" for key in sorted(keys - found))


def _ledger(dataset: Dataset, verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Compare the ledger with the card's counts and with the clips and sources of the index."""
    card = dataset.card
    for kind, stated in (("source", card.source_outcomes), ("clip", card.clip_outcomes)):
        counted = count_outcomes(verdicts, kind)
        if counted != stated:
            yield f"the ledger counts {kind}s {counted}, dataset.json says {stated}"
    written = {v.id for v in verdicts if v.kind == "clip" and v.outcome == "written"}
    keys = {row.key for row in dataset.rows}
    yield from (f"clip {key} is written in the ledger and not in the index" for key in sorted(written - keys))
    yield from (f"clip {key} is in the index and not written in the ledger" for key in sorted(keys - written))
    sources = {v.id for v in verdicts if v.kind == "source" and v.outcome == "written"}
    lost = {row.source_id for row in dataset.rows} - sources
    yield from (f"source {source} has clips and is not written in the ledger" for source in sorted(lost))
