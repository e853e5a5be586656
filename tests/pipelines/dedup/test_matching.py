"""Matching films: the same thing at an offset, flat and static clips, different moments of one scene."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from densewalk.pipelines.dedup.film import NUM_COSINES
from densewalk.pipelines.dedup.matching import match

DrawFilm = Callable[..., np.ndarray]


def test_a_film_matches_itself_wholly(draw_film: DrawFilm) -> None:
    found = match(draw_film(1), draw_film(1), min_samples=12)
    assert found.similarity == pytest.approx(1, abs=0.01)
    assert found.offset_seconds == 0


@given(start=st.integers(0, 12), number=st.integers(0, 50))
def test_the_offset_of_a_part_is_found(draw_film: DrawFilm, start: int, number: int) -> None:
    film_SF = draw_film(number)
    assert match(film_SF, film_SF[start : start + 12], min_samples=12).offset_seconds == start / 4
    assert match(film_SF[start : start + 12], film_SF, min_samples=12).offset_seconds == -start / 4


def test_half_a_sample_of_shift_is_found(draw_film: DrawFilm) -> None:
    fine_SF = draw_film(3, samples=48).astype(int)
    late = (fine_SF[1:-1:2] + fine_SF[2::2]) // 2
    found = match(((fine_SF[::2] + fine_SF[1::2]) // 2).astype(np.int8), late.astype(np.int8), min_samples=12)
    assert found.offset_seconds == 0.125
    assert found.similarity > 0.9


def test_brightness_and_contrast_do_not_matter(draw_film: DrawFilm) -> None:
    film_SF = draw_film(4)
    assert match(film_SF, np.rint(film_SF * 0.6).astype(np.int8), min_samples=12).similarity > 0.98


def test_different_films_do_not_match(draw_film: DrawFilm) -> None:
    highest = max(match(draw_film(0), draw_film(k), min_samples=12).similarity for k in range(1, 100))
    assert highest < 0.7


@pytest.mark.parametrize("level", [0.0, 1.5])
def test_flat_films_match_nothing_not_even_each_other(level: float) -> None:
    rng = np.random.default_rng(0)
    one, other = (np.rint(level * rng.standard_normal((24, NUM_COSINES))).astype(np.int8) for _ in range(2))
    assert match(one, other, min_samples=12).similarity < 0.3
    assert match(one, one, min_samples=12).similarity < 0.5


def test_two_moments_before_one_static_camera_differ(draw_film: DrawFilm) -> None:
    scene = draw_film(5, samples=1).astype(float)
    rng = np.random.default_rng(5)
    moving = [np.cumsum(6 * rng.standard_normal((24, NUM_COSINES)) * (np.arange(NUM_COSINES) > 20), 0) for _ in "ab"]
    one, other = (np.clip(np.rint(scene + part - part.mean(0)), -127, 127).astype(np.int8) for part in moving)
    assert match(one, other, min_samples=12).similarity < 0.6


def test_a_static_picture_must_agree_the_better(draw_film: DrawFilm) -> None:
    still = draw_film(6, samples=24, drift=0.0)
    near = np.clip(still + np.rint(22 * np.random.default_rng(1).standard_normal(NUM_COSINES)), -127, 127)
    same = match(still, np.clip(still.astype(int) + 2, -127, 127).astype(np.int8), min_samples=12)
    assert same.similarity > 0.9
    cosine = float((near * still).sum() / np.sqrt((near**2).sum() * (still.astype(float) ** 2).sum()))
    assert 0.85 < cosine < 0.95
    assert match(still, near.astype(np.int8), min_samples=12).similarity < cosine**2


def test_a_short_film_is_compared_whole_and_a_long_one_in_blocks(draw_film: DrawFilm) -> None:
    long_SF = draw_film(7, samples=700)
    found = match(long_SF, long_SF[600:603], min_samples=20)
    assert found.offset_seconds == 150
    assert found.similarity > 0.95


def test_one_sample_is_enough_for_a_still(draw_film: DrawFilm) -> None:
    film_SF = draw_film(8)
    assert match(film_SF[7:8], film_SF, min_samples=4).offset_seconds == -7 / 4
