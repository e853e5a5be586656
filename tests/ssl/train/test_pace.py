"""Tests of measuring a run's pace."""

import pytest

from densewalk.ssl.train.pace import Pace


def test_reading_sums_up_since_the_last_reading() -> None:
    pace = Pace()
    pace.count(4, seconds=1.0, waited_seconds=0.5)
    pace.count(4, seconds=3.0, waited_seconds=0.5)
    assert pace.read() == pytest.approx((2.0, 0.25))
    pace.count(6, seconds=2.0, waited_seconds=0.0)
    assert pace.read() == pytest.approx((3.0, 0.0))


def test_reading_before_any_step_is_zero() -> None:
    assert Pace().read() == (0.0, 0.0)
