"""Heat maps keep to their scale, and what is not known has no heat."""

import numpy as np

from densewalk.ssl.show.colours import heat_colours
from densewalk.ssl.show.scales import heat_bar, heat_map, robust_top


def test_values_take_the_colours_of_their_share_and_unknown_ones_are_grey() -> None:
    value = np.array([[0.0, 1.0, 2.0, 9.0, np.nan, np.inf]])
    known = np.array([[True, True, False, True, True, True]])
    shown = heat_map(value, top=2.0, known_HW=known)
    assert (shown[0, [0, 1, 3]] == heat_colours(np.array([0.0, 0.5, 1.0]))).all()
    assert (shown[0, 2] == shown[0, 4]).all()
    assert (shown[0, 4] == shown[0, 5]).all()
    assert np.ptp(shown[0, 2].astype(int)) < 12


def test_the_top_is_robust_and_never_zero() -> None:
    value = np.append(np.ones(1000), 1e6)
    assert robust_top(value, np.ones(1001, bool)) == 1.0
    assert robust_top(value, np.zeros(1001, bool)) == 1.0
    assert robust_top(np.zeros(4), np.ones(4, bool)) == 1.0
    assert robust_top(np.array([np.nan, 3.0]), np.ones(2, bool)) == 3.0


def test_a_bar_runs_from_cold_to_hot() -> None:
    bar = heat_bar("error", top="3 px").astype(int).sum(-1)[10]
    run = np.flatnonzero(np.convolve(np.diff(bar) >= 0, np.ones(100), "valid") == 100)
    assert len(run)
