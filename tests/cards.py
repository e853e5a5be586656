"""The card of a dataset that a test made by hand."""

from collections import deque
from collections.abc import Iterable, Mapping

from densewalk.datasets.dataset_card import CardCounts, DatasetCard
from densewalk.datasets.ledger import Verdict
from densewalk.datasets.records import ClipRow

__all__ = ["card_of"]


def card_of(
    rows: Iterable[ClipRow],
    verdicts: Iterable[Verdict],
    *,
    recipe_hash: str = "0" * 16,
    shard_sha256: Mapping[str, str],
) -> DatasetCard:
    """Return the card of a dataset with these clips, by key, ledger rows and shards."""
    counts = CardCounts()
    for passed in (counts.clips(rows), counts.verdicts(verdicts)):
        deque(passed, maxlen=0)
    return counts.card(recipe_hash=recipe_hash, shard_sha256=shard_sha256)
