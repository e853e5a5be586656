"""The change of a dataset folder in one step.

Shards are added first; they mean nothing until the index names them. The new tables and the card are then laid ready in
`.work/commit`, row by row, and a marker declares them complete. From that moment the change happens: whoever comes
next, the same process or the repeated command after a crash, moves them into place, the card last. Without the marker
they are thrown away and made again from the staged sources.
"""

import filecmp
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from densewalk.datasets.atomic import write_text
from densewalk.datasets.dataset_card import CARD, INDEX, CardCounts, DatasetCard, write_card
from densewalk.datasets.ledger import Verdict, write_ledger
from densewalk.datasets.records import ClipRow, file_sha256
from densewalk.datasets.shards.index import write_index
from densewalk.pipelines.corpus.homes.home import CONFIG, WORK
from densewalk.pipelines.corpus.readme import README, readme_text
from densewalk.pipelines.corpus.rejects import REJECTED
from densewalk.pipelines.corpus.source_table import SOURCES, SourceRow, write_sources
from densewalk.pipelines.corpus.tables import LEDGER, TOMBSTONES
from densewalk.pipelines.dedup.signature_table import SIGNATURES, write_signatures
from densewalk.pipelines.dedup.signed import Signed

__all__ = ["Change", "commit", "is_pending", "ready_folder", "roll_forward"]

_READY = "READY"
_MOVES = (REJECTED, SOURCES, LEDGER, SIGNATURES, TOMBSTONES, INDEX, README, CARD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """All rows of a dataset as they are to be; each iterable is read once."""

    sources: Iterable[SourceRow]
    """By id."""
    verdicts: Iterable[Verdict]
    """In the order of a ledger."""
    clips: Iterable[ClipRow]
    """By key."""
    signatures: Iterable[Signed]
    """Of the clips, by key."""
    tombstones: Iterable[Signed]
    """Of purged clips, by key."""
    recipe_hash: str
    shard_sha256: Mapping[str, str]
    """Hashes of all shards, by name."""
    rejected: Path | None = None
    """The file that takes the place of rejected.tar; None for the one that is there."""


def commit(folder: Path, change: Change) -> DatasetCard:
    """Lay the tables and card of a change ready, then move them in at once; return the card.

    A change that changes nothing touches no file. Raises `ValueError` when rows come out of order or twice.
    """
    ready = ready_folder(folder)
    shutil.rmtree(ready, ignore_errors=True)
    counts = CardCounts()
    write_sources(ready / SOURCES, change.sources)
    write_ledger(ready / LEDGER, counts.verdicts(change.verdicts))
    write_index(ready / INDEX, counts.clips(change.clips))
    write_signatures(ready / SIGNATURES, change.signatures)
    write_signatures(ready / TOMBSTONES, change.tombstones)
    if change.rejected is not None:
        shutil.move(change.rejected, ready / REJECTED)
    card = counts.card(
        recipe_hash=change.recipe_hash, shard_sha256=change.shard_sha256, index_sha256=file_sha256(ready / INDEX)
    )
    config = folder / CONFIG
    write_text(ready / README, readme_text(card, config.read_text() if config.is_file() else "", counts.reasons))
    write_card(ready, card)
    if any(not _is_same(ready / name, folder / name) for name in _MOVES if (ready / name).is_file()):
        write_text(ready / _READY, "")
    roll_forward(folder)
    return card


def ready_folder(folder: Path) -> Path:
    """Return where the change of a dataset folder is laid ready."""
    return folder / WORK / "commit"


def is_pending(folder: Path) -> bool:
    """Return whether a commit was declared complete and broken off."""
    return (ready_folder(folder) / _READY).is_file()


def roll_forward(folder: Path) -> None:
    """Finish a commit that was declared complete; throw away one that was not."""
    ready = ready_folder(folder)
    if is_pending(folder):
        for name in _MOVES:
            if (ready / name).is_file():
                (ready / name).replace(folder / name)
    shutil.rmtree(ready, ignore_errors=True)


def _is_same(new: Path, old: Path) -> bool:
    return old.is_file() and filecmp.cmp(new, old, shallow=False)
