"""Limits: messages name the option, sizes are judged upright."""

import math

import pytest

from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.decoding.limits import MediaLimits, UnwantedError, check_size


@pytest.mark.parametrize("value", [0, -1, math.nan])
def test_limits_must_be_positive_and_all_that_are_not_are_named(value: float) -> None:
    with pytest.raises(ConfigError, match=r"probe\.limits\.max_seconds=.*\n.*probe\.limits\.max_aspect="):
        MediaLimits(max_seconds=value, max_aspect=value)


@pytest.mark.parametrize(
    ("size", "reason", "option"),
    [
        ((63.9, 100), "too small", "min_side_px=64"),
        ((100, 12), "too small", "min_side_px=64"),
        ((64, 513), "too narrow", "max_aspect=8"),
        ((513, 64), "too narrow", "max_aspect=8"),
    ],
)
def test_frames_of_no_use_are_rejected(size: tuple[float, float], reason: str, option: str) -> None:
    with pytest.raises(UnwantedError) as caught:
        check_size(*size, MediaLimits())
    assert (caught.value.outcome, caught.value.reason) == ("rejected", reason)
    assert f"probe.limits.{option}" in caught.value.detail


def test_frames_at_the_limit_pass() -> None:
    check_size(64, 512, MediaLimits())
