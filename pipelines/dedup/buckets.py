"""Keys that films of the same thing share: only clips that meet under a key are compared.

Every second sample of a film, or every one of a film below 24, gives a key in each of four bands: the signs of the 24
cosines whose number is not the band's modulo 4. Copies differ in the signs of the weakest numbers, so each key is also
entered with the signs of its two weakest turned. Samples of flat and dark pictures give none. A key leads to a bucket
of entries.

In a bucket of at most 128 entries all meet. A larger one is crowded by pictures that are common: there, 8 clips of
the highest priority meet everyone, and the rest is divided by the next 4 bits of the picture, again and again. So an
entry meets at most 128 + 17 * 8 others, however large the corpus and whatever memory there is.

Entries that meet must look alike: of their 32 signs and 32 marks "stronger than the picture's median" at most 10
differ. One in 700 different pictures that share a key does. Of 72 real clips all copies that were re-encoded, resized,
trimmed, darkened, cropped by 5 % or given a logo meet the original, and 70 of those that lost 5 % at two sides only.

Shapes: M samples, F cosines, N entries, P pairs.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Int8, Shaped, UInt64

from densewalk.pipelines.dedup.partitions import Parts, read_records

__all__ = ["ENTRY", "MAX_DIFFERING", "entries_of", "entry_parts", "meetings"]

ENTRY = np.dtype([("rank", "<u4"), ("bucket", "<u4"), ("picture", "<u8")])
"""Who, the band in the upper bits and the key in the lower 24, and signs (lower half) and marks (upper half)."""

_BANDS, _SHORT, _MIN_STRENGTH = 4, 24, 4.0
_ALL_MEET, _STARS, _STARS_AMONG = 128, 8, 4096
MAX_DIFFERING = 10
_BUCKET_LEVELS = 4
_LEVELS = _BUCKET_LEVELS + 16
_Pairs = Iterator[tuple[Shaped[np.ndarray, "p"], Shaped[np.ndarray, "p"]]]


def entries_of(rank_M: np.ndarray, film_MF: Int8[np.ndarray, "m f"]) -> Shaped[np.ndarray, "n"]:
    """Return the entries of films; `rank_M` is the clip of each sample, the samples of a clip follow each other."""
    starts = np.flatnonzero(np.diff(rank_M, prepend=-1))
    lengths = np.diff(starts, append=len(rank_M))
    place_M = np.arange(len(rank_M)) - np.repeat(starts, lengths)
    strength_M = np.sqrt((film_MF.astype(np.float32) ** 2).mean(1))
    chosen = ((place_M % 2 == 0) | (np.repeat(lengths, lengths) < _SHORT)) & (strength_M >= _MIN_STRENGTH)
    rank_M, film_MF = rank_M[chosen], film_MF[chosen]
    size_MF = np.abs(film_MF.astype(np.int16))
    marks_MF = size_MF > np.median(size_MF, axis=1, keepdims=True) if len(film_MF) else size_MF > 0
    picture_M = _bits(film_MF > 0) | _bits(marks_MF) << np.uint64(32)
    parts = [_band(band, rank_M, film_MF, size_MF, picture_M) for band in range(_BANDS)]
    return np.concatenate(parts)


def entry_parts(folder: Path, *, memory_bytes: int) -> Parts:
    """Return where entries are collected."""
    return Parts(folder, lambda entries: _digit(entries, 0), memory_bytes=memory_bytes)


def meetings(parts: Parts, folder: Path, first_new: int, *, memory_bytes: int) -> Iterator[UInt64[np.ndarray, "p"]]:
    """Yield the pairs that meet and look alike, the worse of which is a new clip; files go as they are read.

    A pair is a number: the rank of the worse clip in the upper half, that of the better one in the lower.
    """
    folder.mkdir()
    for path in parts.files():
        for some_P, others_P in _meet(path, 1, folder, first_new, memory_bytes):
            yield _alike(some_P, others_P, first_new)
        path.unlink()


def _band(
    band: int, rank_M: np.ndarray, film_MF: np.ndarray, size_MF: np.ndarray, picture_M: np.ndarray
) -> Shaped[np.ndarray, "n"]:
    """Return four entries a sample; those a clip's sample shares with the one before are entered once."""
    columns = [number for number in range(film_MF.shape[1]) if number % _BANDS != band]
    key_M = _bits(film_MF[:, columns] > 0) | np.uint64(band << len(columns))
    flip_M2 = np.uint64(1) << _two_smallest(size_MF[:, columns])
    known_M = np.zeros(len(rank_M), dtype=bool)
    same_flips = (np.sort(flip_M2[1:], 1) == np.sort(flip_M2[:-1], 1)).all(1)
    known_M[1:] = (key_M[1:] == key_M[:-1]) & (rank_M[1:] == rank_M[:-1]) & same_flips
    turned = (flip_M2[:, 0], flip_M2[:, 1], flip_M2[:, 0] | flip_M2[:, 1])
    keys = [key_M, *(key_M ^ flip_M for flip_M in turned)]
    entries = np.empty((4, int((~known_M).sum())), dtype=ENTRY)
    entries["rank"], entries["picture"] = rank_M[~known_M], picture_M[~known_M]
    entries["bucket"] = np.stack(keys)[:, ~known_M]
    return entries.T.ravel()


def _two_smallest(size_MF: np.ndarray) -> UInt64[np.ndarray, "m 2"]:
    """Return the columns of the smallest and the next number of each row; the earlier one of equal numbers."""
    first_M = size_MF.argmin(axis=1)[:, None]
    left_MF = size_MF.copy()
    np.put_along_axis(left_MF, first_M, np.iinfo(left_MF.dtype).max, axis=1)
    return np.concatenate((first_M, left_MF.argmin(axis=1)[:, None]), axis=1).astype(np.uint64)


def _bits(flags_MF: np.ndarray) -> UInt64[np.ndarray, "m"]:
    """Return a row of at most 32 flags as a number, the first one in the lowest bit."""
    weights = np.uint64(1) << np.arange(flags_MF.shape[1], dtype=np.uint64)
    return (flags_MF * weights).sum(1, dtype=np.uint64)


def _digit(entries: np.ndarray, level: int) -> UInt64[np.ndarray, "n"]:
    """Return the part an entry belongs to at a level: four levels of the scattered bucket, then bits of the picture."""
    if level < _BUCKET_LEVELS:
        scattered = entries["bucket"] * np.uint32(0x9E3779B1)
        return (scattered >> np.uint32(24 - 8 * level) & np.uint32(255)).astype(np.uint64)
    return entries["picture"] >> np.uint64(4 * (level - _BUCKET_LEVELS)) & np.uint64(15)


def _meet(path: Path, level: int, folder: Path, first_new: int, memory_bytes: int) -> _Pairs:
    """Yield pairs of entries from a file of entries, in order of rank, that agree in all digits before `level`."""
    if path.stat().st_size * 8 <= memory_bytes:
        yield from _meet_in_memory(np.fromfile(path, dtype=ENTRY), level, first_new)
        return
    stars = _stars(np.fromfile(path, dtype=ENTRY, count=_STARS_AMONG))
    parts = Parts(folder / f"level-{level}", lambda entries: _digit(entries, level), memory_bytes=memory_bytes // 8)
    for entries in read_records(path, ENTRY, memory_bytes=memory_bytes // 8):
        if level >= _BUCKET_LEVELS:
            yield from _starred(stars, entries[entries["rank"] >= first_new])
        if level < _LEVELS:
            parts.add(entries)
    for part in parts.files():
        yield from _meet(part, level + 1, folder, first_new, memory_bytes)
        part.unlink()


def _meet_in_memory(entries: np.ndarray, level: int, first_new: int) -> _Pairs:
    if level < _BUCKET_LEVELS:
        entries = entries[np.argsort(entries["bucket"], kind="stable")]
        starts = np.flatnonzero(np.diff(entries["bucket"], prepend=~entries["bucket"][:1]))
    else:
        starts = np.zeros(1, dtype=np.int64)
    sizes = np.diff(starts, append=len(entries))
    yield from _all_meet(entries, starts, sizes, first_new)
    for start, size in zip(starts, sizes, strict=True):
        if size > _ALL_MEET and entries["rank"][start + size - 1] >= first_new:
            crowd = entries[start : start + size]
            yield from _crowd_meets(crowd, max(level, _BUCKET_LEVELS), first_new)


def _all_meet(entries: np.ndarray, starts: np.ndarray, sizes: np.ndarray, first_new: int) -> _Pairs:
    """Let the new entries of each group that is not crowded meet all before them."""
    place_N = np.arange(len(entries)) - np.repeat(starts, sizes)
    late_N = np.flatnonzero((np.repeat(sizes, sizes) <= _ALL_MEET) & (entries["rank"] >= first_new))
    for distance in range(1, _ALL_MEET):
        late_N = late_N[place_N[late_N] >= distance]
        if not len(late_N):
            return
        yield entries[late_N - distance], entries[late_N]


def _crowd_meets(crowd: np.ndarray, level: int, first_new: int) -> _Pairs:
    """Let the best meet everyone, then divide by the next digit in which the crowd differs."""
    yield from _starred(_stars(crowd[:_STARS_AMONG]), crowd[crowd["rank"] >= first_new])
    while level < _LEVELS and len(np.unique(digit_N := _digit(crowd, level))) == 1:
        level += 1
    if level < _LEVELS:
        for digit in np.unique(digit_N):
            part = crowd[digit_N == digit]
            if len(part) > _ALL_MEET:
                yield from _crowd_meets(part, level + 1, first_new)
            else:
                yield from _all_meet(part, np.zeros(1, dtype=np.int64), np.array([len(part)]), first_new)


def _stars(entries: np.ndarray) -> np.ndarray:
    """Return one entry of each of the best clips."""
    return entries[np.unique(entries["rank"], return_index=True)[1][:_STARS]]


def _starred(stars: np.ndarray, entries: np.ndarray) -> _Pairs:
    for star in stars:
        yield np.broadcast_to(star, entries.shape), entries


def _alike(some_P: np.ndarray, others_P: np.ndarray, first_new: int) -> UInt64[np.ndarray, "p"]:
    """Return the pairs that look alike."""
    alike = np.bitwise_count(some_P["picture"] ^ others_P["picture"]) <= MAX_DIFFERING
    ranks = some_P["rank"][alike], others_P["rank"][alike]
    better_P, worse_P = np.minimum(*ranks).astype(np.uint64), np.maximum(*ranks).astype(np.uint64)
    pairs = worse_P << np.uint64(32) | better_P
    return np.unique(pairs[(better_P != worse_P) & (worse_P >= first_new)])
