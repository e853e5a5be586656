"""The wheel says of every direction and speed what the picture shows."""

import colorsys

import numpy as np
import pytest

from densewalk.ssl.show.colours import SLATE
from densewalk.ssl.show.flow_wheel import flow_colours, flow_picture, flow_wheel


def hue_degrees(rgb: np.ndarray) -> float:
    return 360 * colorsys.rgb_to_hsv(*(rgb / 255))[0]


@pytest.mark.parametrize(
    ("direction", "low", "high"),
    [((5, 0), -15, 20), ((0, 5), 45, 90), ((-5, 0), 165, 205), ((0, -5), 240, 300)],
    ids=["right is red", "down is yellow", "left is cyan", "up is violet"],
)
def test_hue_is_the_direction(direction: tuple[float, float], low: float, high: float) -> None:
    flow = np.zeros((2, 3, 3), np.float32)
    flow[0], flow[1] = direction
    hue = hue_degrees(flow_colours(flow, max_px=5)[1, 1])
    assert low <= (hue - 360 if hue > 340 else hue) <= high


def test_standing_still_is_white_and_faster_is_stronger() -> None:
    flow = np.zeros((2, 1, 6), np.float32)
    flow[0, 0] = [0, 1, 2, 3, 4, 9]
    colours = flow_colours(flow, max_px=4).astype(int)[0]
    strength = np.ptp(colours, axis=1)
    assert (colours[0] == 255).all()
    assert (np.diff(strength[:5]) > 0).all()
    assert (colours[5] == colours[4]).all()


def test_the_wheel_shows_the_colours_of_the_picture() -> None:
    wheel = flow_wheel(101)
    assert (wheel[50, 50] > 250).all()
    flow = np.zeros((2, 1, 1), np.float32)
    flow[:, 0, 0] = (40 / 50.5, 0)
    assert np.abs(wheel[50, 90].astype(int) - flow_colours(flow, max_px=1)[0, 0]).max() <= 1
    assert tuple(wheel[0, 0]) == SLATE


def test_unknown_flow_is_dark_and_disturbs_no_scale() -> None:
    flow = np.full((2, 20, 160), 3.0, np.float32)
    flow[0, 0, 0] = np.nan
    flow[1, 1, 1] = np.inf
    valid = np.ones((20, 160), bool)
    valid[5:] = False
    picture = flow_picture(flow, valid_HW=valid)
    assert picture.shape[0] >= 84
    assert picture.shape[1] > 160 + 84
    assert (picture[10, 50] == picture[0, 0]).all()
    assert (picture[0, 0] == picture[1, 1]).all()
    assert (picture[2, 2] != picture[0, 0]).any()
