"""The catalogue: ranks by origin and priority, films and keys back as they came."""

import random
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from densewalk.datasets.errors import DataError
from densewalk.pipelines.dedup.catalogue import Catalogue
from densewalk.pipelines.dedup.film import read_film
from densewalk.pipelines.dedup.signed import Signed

Sign = Callable[..., Signed]


def _filled(folder: Path, *origins: list[Signed], memory_bytes: int = 1 << 20) -> Catalogue:
    folder.mkdir(exist_ok=True)
    catalogue = Catalogue(folder)
    held_out, known, new = origins
    catalogue.fill((iter(held_out), iter(known), iter(new)), memory_bytes=memory_bytes)
    return catalogue


def test_ranks_follow_origin_size_length_and_key(tmp_path: Path, sign: Sign) -> None:
    new = [
        sign("small", 1, pixels=10, seconds=9),
        sign("b", 2, pixels=100, seconds=2),
        sign("a", 3, pixels=100, seconds=2),
        sign("longer", 4, pixels=100, seconds=2.5),
    ]
    random.Random(0).shuffle(new)
    origins = [sign("videos/x y.mp4@3s", 5)], [sign("known", 6)], new
    with closing(_filled(tmp_path, *origins, memory_bytes=1000)) as clips:
        keys = [clips.key(rank) for rank in range(clips.count)]
        assert keys == ["videos/x y.mp4@3s", "known", "longer", "a", "b", "small"]
        assert (clips.num_held_out, clips.first_new, clips.count) == (1, 2, 6)
        by_key = {signed.key: signed.signature for origin in origins for signed in origin}
        for rank, key in enumerate(keys):
            assert np.array_equal(clips.film(rank), read_film(by_key[key]))


@pytest.mark.parametrize("memory_bytes", [1, 2000, 1 << 20])
def test_films_stream_in_stretches_that_lose_nothing(tmp_path: Path, sign: Sign, memory_bytes: int) -> None:
    new = [sign(f"{k:02d}", k, samples=1 + k % 5) for k in range(20)]
    new[3] = Signed(key="03", seconds=6.0)
    with closing(_filled(tmp_path, [], [], new)) as clips:
        stretches = list(clips.films(memory_bytes=memory_bytes))
        ranks = np.concatenate([rank_M for rank_M, _ in stretches])
        films = np.concatenate([film_MF for _, film_MF in stretches])
        for rank in range(20):
            assert np.array_equal(films[ranks == rank], clips.film(rank))
        assert len(stretches) > 5 or memory_bytes > 1000
        assert not len(clips.film(3))


def test_hashes_are_those_of_the_clips(tmp_path: Path, sign: Sign) -> None:
    new = [sign("a", 1, sha256="ab" * 32), sign("b", 2)]
    with closing(_filled(tmp_path, [], [], new)) as clips:
        ((first, hashes),) = clips.hashes(memory_bytes=1 << 20)
    assert first == 0
    assert [value.tobytes() for value in hashes] == [b"\xab" * 16, bytes(16)]


@pytest.mark.parametrize(
    "broken",
    [
        Signed(key="k", signature="film9:AAAA"),
        Signed(key="k", signature="two words"),
        Signed(key="k", signature="film1:\nAA"),
        Signed(key="", signature=""),
        Signed(key="k", pixels=-1),
    ],
)
def test_what_nobody_can_read_is_refused(tmp_path: Path, broken: Signed) -> None:
    with pytest.raises(DataError):
        _filled(tmp_path, [], [], [broken])
