"""Layer poses: closed form, invertible, never faster than their limits."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from densewalk.datasets.scenes.paths import Path, Swing, draw_swing, invert, move


def swing(value: float) -> Swing:
    return Swing(middle=value, amplitude=1.0, rate=0.0, phase=0.0)


def test_a_pose_stretches_then_turns_then_shifts() -> None:
    path = Path(
        x=swing(10.0), y=swing(20.0), log_scale_x=swing(np.log(2)), log_scale_y=swing(0.0), angle=0.0, turn=np.pi / 4
    )
    # A quarter turn after two frames: layer x, twice as long, points down the raster.
    pose = path.raster_from_layer(2)
    x, y = move(pose, np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    np.testing.assert_allclose(x, [10, 9], atol=1e-12)
    np.testing.assert_allclose(y, [22, 20], atol=1e-12)


@settings(deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=6, max_size=6), st.floats(-50, 50), st.floats(-50, 50))
def test_inverting_a_pose_brings_points_back(numbers: list[float], px: float, py: float) -> None:
    affine = np.array(numbers).reshape(2, 3) + np.array([[8.0, 0, 0], [0, 8.0, 0]])
    x, y = move(invert(affine), *move(affine, np.array([px]), np.array([py])))
    np.testing.assert_allclose([x[0], y[0]], [px, py], atol=1e-6)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.floats(0, 10), st.floats(0.05, 50), st.floats(-1000, 1000))
def test_a_swing_keeps_its_range_and_its_speed(seed: int, speed: float, amplitude: float, time: float) -> None:
    drawn = draw_swing(np.random.default_rng(seed), middle=7.0, amplitude=amplitude, peak_speed=speed)
    assert abs(drawn.at(time) - 7.0) <= amplitude + 1e-9
    assert abs(drawn.at(time + 1) - drawn.at(time)) <= speed + 1e-9


def test_a_swing_reaches_its_peak_speed() -> None:
    drawn = draw_swing(np.random.default_rng(0), middle=0.0, amplitude=40.0, peak_speed=5.0)
    steps = np.diff([drawn.at(t) for t in range(400)])
    assert 4.9 < np.abs(steps).max() <= 5.0
