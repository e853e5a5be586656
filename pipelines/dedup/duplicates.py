"""The search for duplicates: which new clips give way, to whom.

Clips have an order: parts of held-out videos, the dataset's clips, then new ones by size, length and key. In that order
a new clip gives way if and only if a clip before it that stays shows the same and is not another piece of its shot.
Held-out videos and the dataset always stay. The result depends on the clips alone, not on the order in which they come
or on the memory there is.

Clips of equal bytes are found by sorting hashes. For the rest, keys bring those that may be alike together (buckets.py)
and their films decide (matching.py). Memory does not grow with the number of clips: everything lies in files that are
read a part at a time. Their size, for clips of ten seconds: 2 KB a clip for films and places, 5 KB for entries,
8 bytes for each time two clips meet.
"""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import groupby
from math import ceil
from pathlib import Path
from urllib.parse import quote, unquote

from densewalk.pipelines.dedup.buckets import entries_of, entry_parts, meetings
from densewalk.pipelines.dedup.catalogue import Catalogue
from densewalk.pipelines.dedup.decisions import Decision, Decisions
from densewalk.pipelines.dedup.dedup_config import DedupConfig
from densewalk.pipelines.dedup.external_sort import sorted_lines
from densewalk.pipelines.dedup.matching import Match, match
from densewalk.pipelines.dedup.pairs import Pairs
from densewalk.pipelines.dedup.signed import Duplicate, DuplicateKind, Signed

__all__ = ["find_duplicates"]

_HELD_OUT_SAMPLES = 3
"""A clip overlaps a held-out video from so much in common, at the end of either: three quarters of a second."""


def find_duplicates(
    new: Iterable[Signed], known: Iterable[Signed], held_out: Iterable[Signed], *, work: Path, config: DedupConfig
) -> Iterator[Duplicate]:
    """Yield the new clips that show what a better one shows, by key.

    Each iterable is read once, in any order. Files lie in a folder below `work` that goes when the iterator ends.
    Raises `DataError` for a signature that this version cannot read.
    """
    work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=work, prefix="duplicates-") as name:
        folder = Path(name)
        with closing(Catalogue(folder)) as clips:
            clips.fill((held_out, known, new), memory_bytes=config.memory_bytes // 4)
            with closing(Decisions(folder / "decisions", clips.count)) as decisions:
                if clips.first_new < clips.count:
                    _decide_exact(clips, decisions, folder, config)
                    _decide_near(clips, decisions, folder, config)
                yield from _by_key(clips, decisions, folder, config)


def _decide_exact(clips: Catalogue, decisions: Decisions, folder: Path, config: DedupConfig) -> None:
    memory = config.memory_bytes // 4
    lines = (
        sha256.tobytes().hex().encode() + b" %010d\n" % (first + place)
        for first, hashes in clips.hashes(memory_bytes=memory)
        for place, sha256 in enumerate(hashes)
        if any(sha256.tobytes())
    )
    for _, equal in groupby(sorted_lines(lines, folder, memory_bytes=memory), key=lambda line: line[:32]):
        best, *others = (int(line[32:]) for line in equal)
        for rank in others:
            if rank >= clips.first_new:
                decisions.decide(rank, Decision(exact=True, of=best, similarity=1.0, offset_seconds=0.0))


def _decide_near(clips: Catalogue, decisions: Decisions, folder: Path, config: DedupConfig) -> None:
    pairs = _pairs(clips, decisions, folder, config.memory_bytes)
    for worse, betters in pairs.by_worse():
        for better in betters:
            if not decisions.stays(better) or _pieces_of_one_shot(clips, better, worse):
                continue
            if found := _same(clips, better, worse, config):
                decision = Decision(
                    exact=False, of=better, similarity=found.similarity, offset_seconds=found.offset_seconds
                )
                decisions.decide(worse, decision)
                break


def _pairs(clips: Catalogue, decisions: Decisions, folder: Path, memory_bytes: int) -> Pairs:
    """Return the pairs of clips that are to be compared."""
    parts = entry_parts(folder / "entries", memory_bytes=memory_bytes // 8)
    for rank_M, film_MF in clips.films(memory_bytes=memory_bytes // 64):
        if len(rank_M):
            first, last = int(rank_M[0]), int(rank_M[-1])
            chosen = decisions.staying(first, last + 1)[rank_M - first]
            parts.add(entries_of(rank_M[chosen], film_MF[chosen]))
    pairs = Pairs(folder / "pairs", range(clips.first_new, clips.count), memory_bytes=memory_bytes)
    for met in meetings(parts, folder / "divided", clips.first_new, memory_bytes=memory_bytes // 2):
        pairs.add(met)
    return pairs


def _pieces_of_one_shot(clips: Catalogue, better: int, worse: int) -> bool:
    shot = clips.shot(worse)
    return any(shot) and shot == clips.shot(better)


def _same(clips: Catalogue, better: int, worse: int, config: DedupConfig) -> Match | None:
    better_AF, worse_BF = clips.film(better), clips.film(worse)
    held_out = better < clips.num_held_out
    needed = _HELD_OUT_SAMPLES if held_out else ceil(config.min_share * len(worse_BF))
    if not held_out and len(better_AF) < needed:
        return None
    found = match(better_AF, worse_BF, min_samples=needed)
    return found if found.similarity >= config.min_similarity else None


def _by_key(clips: Catalogue, decisions: Decisions, folder: Path, config: DedupConfig) -> Iterator[Duplicate]:
    lines = (_line(clips, decisions, rank) for rank in decisions.giving_way())
    for line in sorted_lines(lines, folder, memory_bytes=config.memory_bytes // 4):
        key, of, similarity, offset, kind = line.decode().split()
        yield Duplicate(
            key=unquote(key),
            of=unquote(of),
            similarity=float(similarity),
            offset_seconds=float(offset),
            kind=_KINDS[kind],
        )


_KINDS: dict[str, DuplicateKind] = {"exact": "exact", "near": "near", "held-out": "held-out"}


def _line(clips: Catalogue, decisions: Decisions, rank: int) -> bytes:
    decision = decisions.of(rank)
    assert decision is not None, f"clip {rank} stays"
    # The best of clips with equal bytes may itself give way; then all of them do, to the same clip.
    decision = decisions.of(decision.of) or decision
    kind = "exact" if decision.exact else "held-out" if decision.of < clips.num_held_out else "near"
    key, of = (quote(clips.key(number), safe="") for number in (rank, decision.of))
    return f"{key} {of} {decision.similarity!r} {decision.offset_seconds!r} {kind}\n".encode()
