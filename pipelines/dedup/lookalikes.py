"""Which clips of a dataset show what some of its clips show, whatever was decided when they came in.

The search for duplicates asks whether a new clip gives way, so a short excerpt that was there first stays beside the
long clip that came later. Here both ways count: one of the two shows at least `min_share` of the other. The clips asked
about are held in memory, some thousands at a time; all others pass by once for each such part.

Shapes: M samples, F cosines, N entries, P pairs.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from math import ceil

import numpy as np
from jaxtyping import Int8, Shaped

from densewalk.pipelines.dedup.buckets import MAX_DIFFERING, entries_of
from densewalk.pipelines.dedup.film import read_film
from densewalk.pipelines.dedup.matching import match
from densewalk.pipelines.dedup.signed import Signed

__all__ = ["find_lookalikes"]

_ASKED_AT_ONCE, _OTHERS_AT_ONCE = 4096, 256


def find_lookalikes(
    is_asked: Callable[[str], bool],
    signatures: Callable[[], Iterable[Signed]],
    *,
    min_similarity: float,
    min_share: float,
) -> set[str]:
    """Return the keys of clips that show the same as one for whose key `is_asked` is true, those not included.

    `signatures` begins a new pass each time. Raises `DataError` for a signature that this version cannot read.
    """
    found: set[str] = set()
    asked = (row for row in signatures() if is_asked(row.key))
    while some := _Films(islice(asked, _ASKED_AT_ONCE)):
        others = (row for row in signatures() if not is_asked(row.key))
        while part := _Films(islice(others, _OTHERS_AT_ONCE)):
            found |= {
                part.keys[number]
                for number, met in some.meetings(part)
                if any(_same(some.films[other], part.films[number], min_similarity, min_share) for other in met)
            }
    return found


class _Films:
    """The films of some clips, and where they may meet others; false when there are no clips left."""

    def __init__(self, rows: Iterable[Signed]) -> None:
        taken = list(rows)
        self._is_some = bool(taken)
        signed = [row for row in taken if row.signature]
        self.keys = [row.key for row in signed]
        self.films = [read_film(row.signature) for row in signed]
        entries = _entries(self.films)
        self._entries = entries[np.argsort(entries["bucket"], kind="stable")]

    def __bool__(self) -> bool:
        return self._is_some

    def meetings(self, others: "_Films") -> Iterator[tuple[int, list[int]]]:
        """Yield clips of `others` by number with the clips here that they meet and look like, ascending."""
        own, theirs = self._entries, others._entries
        first = np.searchsorted(own["bucket"], theirs["bucket"], side="left")
        count = np.searchsorted(own["bucket"], theirs["bucket"], side="right") - first
        their_P = np.repeat(np.arange(len(theirs)), count)
        own_P = np.repeat(first - np.cumsum(count) + count, count) + np.arange(count.sum())
        differing_P = np.bitwise_count(theirs["picture"][their_P] ^ own["picture"][own_P])
        alike_P = differing_P <= MAX_DIFFERING
        pairs = np.stack((theirs["rank"][their_P[alike_P]], own["rank"][own_P[alike_P]]), axis=1)
        pairs = np.unique(pairs, axis=0)
        for number in np.unique(pairs[:, 0]):
            yield int(number), pairs[pairs[:, 0] == number, 1].tolist()


def _entries(films: Sequence[Int8[np.ndarray, "_ f"]]) -> Shaped[np.ndarray, "n"]:
    if not films:
        return entries_of(np.zeros(0, dtype=np.int64), np.zeros((0, 32), dtype=np.int8))
    rank_M = np.repeat(np.arange(len(films)), [len(film_MF) for film_MF in films])
    return entries_of(rank_M, np.concatenate(films))


def _same(a: np.ndarray, b: np.ndarray, min_similarity: float, min_share: float) -> bool:
    """Return whether one film shows at least `min_share` of the other."""
    longer, shorter = (a, b) if len(a) >= len(b) else (b, a)
    return match(longer, shorter, min_samples=ceil(min_share * len(shorter))).similarity >= min_similarity
