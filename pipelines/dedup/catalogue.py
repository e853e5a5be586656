"""All clips in order of priority, on disk: held-out parts first, then the dataset's clips, then new ones by their rule.

A clip's rank is its place in that order. Whatever order clips come in, ranks are the same; everything that is decided
is decided by ranks. Memory holds one clip at a time, and a buffer for sorting.

    clips    key and film of one clip after another
    places   where they lie, one record a rank
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, unquote

import numpy as np
from jaxtyping import Int8

from densewalk.datasets.errors import DataError
from densewalk.pipelines.dedup.external_sort import sorted_lines
from densewalk.pipelines.dedup.film import NUM_COSINES, read_film
from densewalk.pipelines.dedup.signed import Signed

__all__ = ["Catalogue"]

_PLACE = np.dtype([("offset", "<u8"), ("key_bytes", "<u4"), ("samples", "<u4"), ("sha256", "V16"), ("shot", "V8")])
_MOST = 10**18
_NO_FILM = np.zeros((0, NUM_COSINES), dtype=np.int8)


class Catalogue:
    """Clips by rank. Written once by `fill`, then read; `close` it at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.num_held_out = 0
        """Ranks below it are parts of held-out videos."""
        self.first_new = 0
        """Ranks from here on are new clips."""
        self.count = 0
        self._clips = os.open(folder / "clips", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        self._places = os.open(folder / "places", os.O_RDWR | os.O_CREAT | os.O_TRUNC)

    def close(self) -> None:
        """Close the files."""
        os.close(self._clips)
        os.close(self._places)

    def fill(self, origins: tuple[Iterable[Signed], Iterable[Signed], Iterable[Signed]], *, memory_bytes: int) -> None:
        """Rank the held-out parts, known clips and new clips; raises `DataError` for a signature nobody can read."""
        lines = (_line(number, signed) for number, origin in enumerate(origins) for signed in origin)
        counts = [0, 0, 0]
        offset = 0
        with (self._folder / "clips").open("wb") as clips, (self._folder / "places").open("wb") as places:
            for line in sorted_lines(lines, self._folder, memory_bytes=memory_bytes):
                order, key, sha256, shot, signature = line[:-1].split(b" ", 4)
                film_SF = read_film(signature.decode()) if signature else _NO_FILM
                names = bytes.fromhex(sha256.decode())[:16].ljust(16, b"\0"), bytes.fromhex(shot.decode())
                places.write(np.array((offset, len(key), len(film_SF), *names), dtype=_PLACE).tobytes())
                offset += clips.write(key) + clips.write(film_SF.tobytes())
                counts[order[0] - ord("0")] += 1
        self.num_held_out, self.first_new, self.count = counts[0], counts[0] + counts[1], sum(counts)

    def key(self, rank: int) -> str:
        """Return the key of a clip."""
        offset, key_bytes, _ = self._place(rank)
        return unquote(os.pread(self._clips, key_bytes, offset).decode())

    def shot(self, rank: int) -> bytes:
        """Return eight bytes that stand for the clip's shot; zeros when it is not known."""
        return os.pread(self._places, 8, (rank + 1) * _PLACE.itemsize - 8)

    def film(self, rank: int) -> Int8[np.ndarray, "s f"]:
        """Return the film of a clip; without samples when it has no signature."""
        offset, key_bytes, samples = self._place(rank)
        content = os.pread(self._clips, samples * NUM_COSINES, offset + key_bytes)
        return np.frombuffer(content, dtype=np.int8).reshape(samples, NUM_COSINES)

    def hashes(self, *, memory_bytes: int) -> Iterator[tuple[int, np.ndarray]]:
        """Yield the first rank of a stretch and the first 16 bytes of its clips' hashes, zeros where there is none."""
        for rank, places in self._stretches(memory_bytes):
            yield rank, places["sha256"]

    def films(self, *, memory_bytes: int) -> Iterator[tuple[np.ndarray, Int8[np.ndarray, "m f"]]]:
        """Yield stretches of clips in order of rank: the rank of each sample, and the samples."""
        for first, places in self._stretches(memory_bytes):
            samples = places["samples"].astype(np.int64)
            part = np.cumsum(samples) // max(1, memory_bytes // NUM_COSINES)
            for ranks in np.split(first + np.arange(len(places)), np.flatnonzero(np.diff(part)) + 1):
                films = [self.film(int(rank)) for rank in ranks]
                yield np.repeat(ranks, [len(film_SF) for film_SF in films]), np.concatenate(films)

    def _stretches(self, memory_bytes: int) -> Iterator[tuple[int, np.ndarray]]:
        at_once = max(1, memory_bytes // _PLACE.itemsize)
        for first in range(0, self.count, at_once):
            content = os.pread(self._places, at_once * _PLACE.itemsize, first * _PLACE.itemsize)
            yield first, np.frombuffer(content, dtype=_PLACE)

    def _place(self, rank: int) -> tuple[int, int, int]:
        content = os.pread(self._places, _PLACE.itemsize, rank * _PLACE.itemsize)
        offset, key_bytes, samples, *_ = np.frombuffer(content, dtype=_PLACE)[0]
        return int(offset), int(key_bytes), int(samples)


def _line(origin: int, signed: Signed) -> bytes:
    """Return a line whose bytes sort as clips are ranked."""
    milliseconds = round(1000 * signed.seconds)
    if not (0 <= signed.pixels < _MOST and 0 <= milliseconds < _MOST and signed.key):
        raise DataError(f"clip {signed.key!r} has {signed.pixels} pixels and {signed.seconds} s; expected sane numbers")
    if not signed.signature.isprintable():
        raise DataError(f"the signature of clip {signed.key!r} is no text of this stage; make the clip again")
    order = f"{origin}{_MOST - signed.pixels:019d}{_MOST - milliseconds:019d}"
    shot = hashlib.blake2b(signed.shot.encode(), digest_size=8).hexdigest() if signed.shot else "0" * 16
    return f"{order} {quote(signed.key, safe='')} {signed.sha256} {shot} {signed.signature}\n".encode()
