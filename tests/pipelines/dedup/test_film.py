"""Films: what survives resizing, light, borders and frame rate, and their form as text."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from densewalk.datasets.errors import DataError
from densewalk.pipelines.dedup.film import NUM_COSINES, film_of, film_text, read_film


def _plaids(num_frames: int, *, cycles: float = 1.0) -> np.ndarray:
    """Draw smooth colourless patterns, 27 x 48, that move with time (in periods of the film's length)."""
    y, x = (np.arange(27)[:, None] + 0.5) / 27, (np.arange(48) + 0.5) / 48
    phase_K = cycles * np.arange(num_frames) / num_frames
    grey = [128 + 50 * np.sin(6 * x + 6.283 * phase) + 40 * np.cos(5 * y - 2 * x + phase) for phase in phase_K]
    return np.repeat(np.rint(grey).astype(np.uint8)[..., None], 3, axis=-1)


def test_a_cosine_gives_one_number() -> None:
    x = (np.arange(48) + 0.5) / 48
    grey_HW = np.tile(128 + 40 * np.cos(2 * np.pi * x), (27, 1))
    film_SF = film_of(np.rint(grey_HW)[None, ..., None].repeat(3, -1).astype(np.uint8), fps=4.0)
    strongest = int(np.abs(film_SF[0]).argmax())
    # Amplitude 40 in full range, over sqrt 2, at frequency 2: 2 * 2 * 40 / sqrt 2 * 219 / 255.
    assert film_SF[0, strongest] == pytest.approx(2 * 2 * 40 / np.sqrt(2) * 219 / 255, abs=2)
    assert np.abs(np.delete(film_SF[0], strongest)).max() <= 1


def test_a_flat_picture_gives_nothing_whatever_its_shade() -> None:
    for shade in (0, 90, 255):
        assert not film_of(np.full((8, 27, 48, 3), shade, np.uint8), fps=8.0).any()


@pytest.mark.parametrize(
    ("num_frames", "fps", "samples"), [(1, 30, 1), (30, 30, 4), (33, 30, 4), (34, 30, 5), (5, 2, 10)]
)
def test_four_samples_a_second_whatever_the_rate(num_frames: int, fps: int, samples: int) -> None:
    assert film_of(_plaids(num_frames), fps=float(fps)).shape == (samples, NUM_COSINES)


def test_the_frame_rate_changes_little() -> None:
    fast, slow = film_of(_plaids(240), fps=60.0), film_of(_plaids(96), fps=24.0)
    assert np.abs(fast.astype(int) - slow).max() <= 6


def test_a_crop_of_a_bordered_picture_is_the_picture() -> None:
    plain = _plaids(8)
    bordered = np.zeros_like(plain)
    bordered[:, 3:24] = plain[:, np.linspace(0, 26, 21).round().astype(int)]
    inside = film_of(bordered, fps=8.0, crop=(0.0, 3 / 27, 1.0, 21 / 27))
    assert np.abs(inside.astype(int) - film_of(plain, fps=8.0)).mean() < 3
    assert np.abs(film_of(bordered, fps=8.0).astype(int) - film_of(plain, fps=8.0)).mean() > 10


@given(arrays(np.int8, st.tuples(st.integers(1, 50), st.just(NUM_COSINES)), elements=st.integers(-127, 127)))
def test_text_gives_the_film_back(film_SF: np.ndarray) -> None:
    text = film_text(film_SF)
    assert text.isascii()
    assert text.isprintable()
    assert np.array_equal(read_film(text), film_SF)


@pytest.mark.parametrize("text", ["", "film1:", "film0:" + "A" * 44, "film1:AAAA", "film1:?" + "A" * 43, "film1:äöü"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_film(text)
