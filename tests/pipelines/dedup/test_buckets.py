"""Buckets: copies meet, different clips rarely, crowds are bounded, and memory changes nothing."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from densewalk.pipelines.dedup import buckets
from densewalk.pipelines.dedup.buckets import ENTRY, entries_of, entry_parts, meetings
from densewalk.pipelines.dedup.film import NUM_COSINES

DrawFilm = Callable[..., np.ndarray]


def _entries(films: list[np.ndarray]) -> np.ndarray:
    ranks = np.repeat(np.arange(len(films)), [len(film_SF) for film_SF in films])
    return entries_of(ranks, np.concatenate(films))


def _met(folder: Path, entries: np.ndarray, *, first_new: int = 0, memory_bytes: int = 1 << 24) -> set[tuple[int, int]]:
    """Return pairs (worse, better) that meet."""
    parts = entry_parts(folder / "entries", memory_bytes=memory_bytes)
    parts.add(entries[np.argsort(entries["rank"], kind="stable")])
    met = meetings(parts, folder / "divided", first_new, memory_bytes=memory_bytes)
    return {(int(pair) >> 32, int(pair) & 0xFFFFFFFF) for pairs in met for pair in pairs}


def test_copies_meet_and_different_clips_rarely_do(tmp_path: Path, draw_film: DrawFilm) -> None:
    films = [draw_film(k % 60, noise=5, noise_seed=k) for k in range(120)]
    met = _met(tmp_path, _entries(films))
    copies = {(k + 60, k) for k in range(60)}
    assert copies <= met
    assert len(met - copies) <= 6


def test_entries_of_one_clip_do_not_meet_each_other_and_known_ones_only_new_ones(
    tmp_path: Path, draw_film: DrawFilm
) -> None:
    met = _met(tmp_path, _entries([draw_film(1, noise=2, noise_seed=k) for k in range(6)]), first_new=4)
    assert met == {(worse, better) for worse in (4, 5) for better in range(worse)}


def test_a_static_clip_is_entered_once_and_a_flat_one_never(draw_film: DrawFilm) -> None:
    assert len(_entries([draw_film(1, samples=100, drift=0.0)])) == 16
    assert not len(_entries([np.full((9, NUM_COSINES), 3, np.int8)]))
    assert not len(entries_of(np.zeros(0, np.int64), np.zeros((0, NUM_COSINES), np.int8)))


def test_weak_numbers_may_change_their_sign(draw_film: DrawFilm) -> None:
    film_SF = draw_film(2, samples=1)
    weakest = np.argsort(np.abs(film_SF[0].astype(int)), kind="stable")[:2]
    turned = film_SF.copy()
    turned[0, weakest] *= -1
    assert np.intersect1d(_entries([film_SF])["bucket"], _entries([turned])["bucket"]).size


def _crowd(count: int) -> np.ndarray:
    """Entries of one bucket, one a clip, whose pictures are near one of a few."""
    rng = np.random.default_rng(0)
    entries = np.zeros(count, dtype=ENTRY)
    entries["rank"], entries["bucket"] = np.arange(count), 12345
    centres = rng.integers(0, 1 << 63, 8, dtype=np.uint64)
    entries["picture"] = centres[rng.integers(0, 8, count)] ^ np.uint64(1) << rng.integers(
        0, 64, count, dtype=np.uint64
    )
    return entries


def test_a_crowded_bucket_stays_linear_and_the_best_meet_everyone(tmp_path: Path) -> None:
    entries = _crowd(3000)
    met = _met(tmp_path, entries)
    assert len(met) < 3000 * (buckets._ALL_MEET + 17 * buckets._STARS)
    for better in range(8):
        near = np.bitwise_count(entries["picture"] ^ entries["picture"][better]) <= 10
        assert {(worse, better) for worse in np.flatnonzero(near).tolist() if worse > better} <= met


@pytest.mark.parametrize("crowded", [False, True])
def test_meetings_do_not_depend_on_memory(tmp_path: Path, draw_film: DrawFilm, crowded: bool) -> None:
    entries = _crowd(6000) if crowded else _entries([draw_film(k % 100, noise=5, noise_seed=k) for k in range(400)])
    roomy = _met(tmp_path / "roomy", entries)
    assert roomy
    assert _met(tmp_path / "tight", entries, memory_bytes=1 << 19 if crowded else 1 << 17) == roomy


def test_copies_without_end_are_bounded_too(tmp_path: Path) -> None:
    entries = np.zeros(10_000, dtype=ENTRY)
    entries["rank"] = np.arange(10_000)
    met = _met(tmp_path, entries, memory_bytes=1 << 18)
    assert {better for _, better in met} == set(range(buckets._STARS))
    assert {worse for worse, _ in met} == set(range(1, 10_000))
