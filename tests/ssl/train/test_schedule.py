"""Tests of the learning rate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from densewalk.ssl.objectives.objective import Progress
from densewalk.ssl.train.schedule import learning_rate


def _rate(step: int, warmup_steps: int, peak: float = 0.4) -> float:
    return learning_rate(Progress(step=step, num_steps=1000), peak=peak, warmup_steps=warmup_steps)


def test_rate_rises_in_equal_steps_and_then_stays() -> None:
    assert [_rate(step, 4) for step in range(6)] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4, 0.4])


def test_rate_without_warm_up_is_constant_from_the_first_step() -> None:
    assert {_rate(step, 0) for step in (0, 1, 999)} == {0.4}


@given(step=st.integers(0, 2000), warmup_steps=st.integers(0, 1000), peak=st.floats(1e-6, 10))
def test_rate_is_positive_never_above_the_peak_and_never_falls(step: int, warmup_steps: int, peak: float) -> None:
    now, later = _rate(step, warmup_steps, peak), _rate(step + 1, warmup_steps, peak)
    assert 0 < now <= later <= peak
