"""The state of a dataset folder and its change in one step.

Shards are added first; they mean nothing until the index names them. The new tables and the card are then laid ready in
`.work/commit` and a marker declares them complete. From that moment the change happens: whoever comes next, the same
process or the repeated command after a crash, moves them into place, the card last. Without the marker they are thrown
away and made again from the staged sources.
"""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from densewalk.datasets.atomic import write_text
from densewalk.datasets.dataset import CARD, INDEX, SHARDS, read_card, summarise, write_card
from densewalk.datasets.ledger import Verdict, read_ledger, write_ledger
from densewalk.datasets.records import ClipRow, file_sha256
from densewalk.datasets.shards.index import read_index, write_index
from densewalk.pipelines.corpus.source_table import SOURCES, SourceRow, read_sources, write_sources
from densewalk.pipelines.dedup.signature_table import SIGNATURES, write_signatures
from densewalk.pipelines.dedup.signed import Signed

__all__ = ["LEDGER", "State", "commit", "read_state", "roll_forward"]

LEDGER = "ledger.parquet"
_READY = "READY"
_MOVES = (SOURCES, LEDGER, SIGNATURES, INDEX, CARD)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """All rows of a dataset folder."""

    clips: tuple[ClipRow, ...] = ()
    sources: tuple[SourceRow, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    recipe_hash: str = ""
    shard_sha256: tuple[tuple[str, str], ...] = ()
    """Names and hashes of the shards."""

    @classmethod
    def of(
        cls,
        *,
        clips: Iterable[ClipRow],
        sources: Iterable[SourceRow],
        verdicts: Iterable[Verdict],
        recipe_hash: str,
        shard_sha256: Iterable[tuple[str, str]],
    ) -> "State":
        """Build a state whose rows have an order of their own, so that equal contents make equal states."""
        return cls(
            clips=tuple(sorted(clips, key=lambda row: row.key)),
            sources=tuple(sorted(sources, key=lambda row: row.id)),
            verdicts=tuple(sorted(verdicts, key=lambda row: (row.kind, row.uri, row.id))),
            recipe_hash=recipe_hash,
            shard_sha256=tuple(sorted(shard_sha256)),
        )

    @property
    def next_shard(self) -> int:
        """Number of the next new shard."""
        return max((int(name[len("clips-") : -len(".tar")]) + 1 for name, _ in self.shard_sha256), default=0)


def read_state(folder: Path) -> State:
    """Return what a dataset folder holds; an empty state when it was never finished."""
    if not (folder / CARD).is_file():
        return State()
    card = read_card(folder)
    return State.of(
        clips=read_index(folder / INDEX),
        sources=read_sources(folder / SOURCES),
        verdicts=read_ledger(folder / LEDGER),
        recipe_hash=card.recipe_hash,
        shard_sha256=card.shard_sha256.items(),
    )


def commit(folder: Path, ready: Path, state: State, signatures: Iterable[Signed]) -> None:
    """Lay the tables and card of `state` and the signatures ready in the folder `ready`, then move them in at once.

    `signatures` come in the order of their keys.
    """
    shutil.rmtree(ready, ignore_errors=True)
    known = dict(state.shard_sha256)
    shards = sorted({row.shard for row in state.clips})
    hashes = {name: known.get(name) or file_sha256(folder / SHARDS / name) for name in shards}
    write_sources(ready / SOURCES, state.sources)
    write_ledger(ready / LEDGER, state.verdicts)
    write_index(ready / INDEX, state.clips)
    write_signatures(ready / SIGNATURES, signatures)
    card = summarise(state.clips, state.verdicts, recipe_hash=state.recipe_hash, shard_sha256=hashes)
    write_card(ready, card)
    write_text(ready / _READY, "")
    roll_forward(folder, ready)


def roll_forward(folder: Path, ready: Path) -> None:
    """Finish a commit that was declared complete; throw away one that was not."""
    if (ready / _READY).is_file():
        for name in _MOVES:
            if (ready / name).is_file():
                (ready / name).replace(folder / name)
    shutil.rmtree(ready, ignore_errors=True)
