"""Films drawn at random: pictures that drift, and noisy copies of them."""

from collections.abc import Callable

import numpy as np
import pytest

from densewalk.pipelines.dedup.film import NUM_COSINES, film_text
from densewalk.pipelines.dedup.signed import Signed

Film = np.ndarray


@pytest.fixture(scope="session")
def draw_film() -> Callable[..., Film]:
    """Draw a film by number; equal numbers give equal pictures, up to noise."""

    def draw(number: int, *, samples: int = 24, noise: float = 0.0, noise_seed: int = 0, drift: float = 5.0) -> Film:
        rng = np.random.default_rng(number)
        film_SF = 40 * rng.standard_normal(NUM_COSINES)
        film_SF = film_SF + np.cumsum(drift * rng.standard_normal((samples, NUM_COSINES)), 0)
        film_SF = film_SF + noise * np.random.default_rng((number, noise_seed)).standard_normal(film_SF.shape)
        return np.clip(np.rint(film_SF), -127, 127).astype(np.int8)

    return draw


@pytest.fixture(scope="session")
def sign(draw_film: Callable[..., Film]) -> Callable[..., Signed]:
    """Sign a drawn clip."""

    def run(
        key: str,
        number: int,
        *,
        pixels: int = 0,
        seconds: float = 6.0,
        sha256: str = "",
        shot: str = "",
        **film: float,
    ) -> Signed:
        text = film_text(draw_film(number, **film))
        return Signed(key=key, signature=text, sha256=sha256, shot=shot, pixels=pixels, seconds=seconds)

    return run
