"""A ramp waits, rises and stays."""

import pytest

from densewalk.ssl.objectives.objective import Progress
from densewalk.ssl.objectives.ramp import ramp


def test_a_ramp_waits_then_rises_then_stays() -> None:
    values = [ramp(Progress(step=step, num_steps=100), start=0.2, full=0.4) for step in (0, 20, 30, 40, 100)]
    assert values == pytest.approx([0, 0, 0.5, 1, 1])


@pytest.mark.parametrize(("start", "at_start"), [(0.0, 1.0), (0.5, 0.0)])
def test_a_ramp_without_length_is_a_step(start: float, at_start: float) -> None:
    values = [ramp(Progress(step=step, num_steps=10), start=start, full=start) for step in (0, 5, 10)]
    assert values == [at_start, 1.0, 1.0]
