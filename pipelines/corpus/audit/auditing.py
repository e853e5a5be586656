"""Whether a dataset is what it says: every byte hashed, some clips played, tables, shards and card reconciled.

Nothing is changed here. A finding says what disagrees with what; a damaged clip is named with its shard, and every
other clip is still looked at. Tables are read row by row and shards one after another, so memory does not grow with the
dataset; what has to be sorted lies in a temporary folder meanwhile, about 700 bytes a clip (TMPDIR chooses where).
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

from densewalk.datasets.errors import DataError
from densewalk.pipelines.corpus.audit.books import BookAudit
from densewalk.pipelines.corpus.audit.findings import Audit, Findings
from densewalk.pipelines.corpus.audit.shards import ShardAudit
from densewalk.pipelines.corpus.commit import is_pending
from densewalk.pipelines.corpus.homes.home import Home
from densewalk.pipelines.corpus.tables import Tables

__all__ = ["audit", "audit_folder"]


def audit(
    home: Home, *, decode_one_in: int = 100, on_shard: Callable[[int, int], None] = lambda done, total: None
) -> Audit:
    """Look at every shard and row of a dataset; `on_shard` hears how many shards of how many are done.

    Of each shard one clip in `decode_one_in` is played whole, at least one, always the same ones; 0 plays none. Raises
    `DataError` when there is no dataset, when one of its tables cannot be read, or while a change of it waits to be
    finished.
    """
    with home.reading() as folder:
        if is_pending(folder):
            raise DataError(
                f"a command that changes {home.name} was broken off in its last step; repeat it, or let "
                "densewalk inspect --repair finish it"
            )
        return audit_folder(home, folder, decode_one_in=decode_one_in, on_shard=on_shard)


def audit_folder(
    home: Home, folder: Path, *, decode_one_in: int, on_shard: Callable[[int, int], None] = lambda done, total: None
) -> Audit:
    """Look at the tables in `folder` and the shards of `home`, as `audit` does."""
    tables = Tables(folder)
    card = tables.card
    findings = Findings()
    with tempfile.TemporaryDirectory(prefix="densewalk-audit-") as name:
        books = BookAudit(tables, findings)
        books.run(Path(name))
        shards = ShardAudit(home, card, findings, decode_one_in=decode_one_in)
        shards.run(tables.clips(), Path(name), on_shard)
        shards.strays(folder)
    return Audit(
        name=home.name,
        card=card,
        hash=books.hash,
        facts=books.facts,
        ended=books.ended,
        findings=findings,
        bytes=shards.bytes,
        decoded=shards.decoded,
    )
