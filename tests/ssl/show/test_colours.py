"""Colours are right where sRGB fixes them, even where evenness is claimed, and told apart where they must be."""

import numpy as np
import pytest

from densewalk.ssl.show.colours import DIM, INK, SLATE, distinct_colours, heat_colours, oklch


@pytest.mark.parametrize(
    ("coordinates", "rgb"),
    [
        ((1.0, 0.0, 0.0), (255, 255, 255)),
        ((0.0, 0.0, 0.0), (0, 0, 0)),
        ((0.62796, 0.25768, 29.234), (255, 0, 0)),
        ((0.86644, 0.29483, 142.495), (0, 255, 0)),
        ((0.45201, 0.31321, 264.052), (0, 0, 255)),
    ],
)
def test_oklch_gives_the_published_primaries(
    coordinates: tuple[float, float, float], rgb: tuple[int, int, int]
) -> None:
    assert np.abs(oklch(*coordinates).astype(int) - rgb).max() <= 1


def test_no_chroma_is_grey_for_every_hue() -> None:
    colours = oklch(0.6, 0.0, np.arange(0.0, 360.0, 30.0))
    assert colours.shape == (12, 3)
    assert np.ptp(colours.astype(int), axis=1).max() <= 1


def test_neighbouring_distinct_colours_are_far_apart() -> None:
    colours = distinct_colours(12).astype(float)
    assert np.linalg.norm(np.diff(colours, axis=0), axis=1).min() > 80


def test_heat_grows_brighter_with_the_value_and_saturates() -> None:
    luma = heat_colours(np.linspace(0, 1, 32)) @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(luma) > 0).all()
    assert (heat_colours(np.array([1.0, 7.0])) == heat_colours(np.array([1.0]))).all()


def test_text_reads_on_slate() -> None:
    def luminance(rgb: tuple[int, int, int]) -> float:
        linear = [v / 3294.6 if v <= 10 else ((v / 255 + 0.055) / 1.055) ** 2.4 for v in rgb]
        return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))

    for text, contrast in ((INK, 12.0), (DIM, 4.5)):
        assert (luminance(text) + 0.05) / (luminance(SLATE) + 0.05) > contrast
