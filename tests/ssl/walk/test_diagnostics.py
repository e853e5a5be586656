"""The log tells how far from home walkers end."""

import torch

from densewalk.datasets.geometry import grid_points, node_from_point
from densewalk.ssl.matchers.position import PositionMatcher
from densewalk.ssl.walk.diagnostics import return_statistics
from densewalk.ssl.walk.labels import bilinear_labels


def _statistics(shift_px: float) -> dict[str, torch.Tensor]:
    image = torch.rand(1, 3, 32, 32)
    pair = PositionMatcher()(image, image)
    home = node_from_point(grid_points(8, 8, stride=4)[None] + torch.tensor([shift_px, 0.0]), stride=4)
    labels = bilinear_labels(home, torch.ones(1, 64, dtype=torch.bool), grid_hw=(8, 8))
    return return_statistics(pair, pair, labels, stride=4)


def test_standing_still_is_home_when_home_has_not_moved() -> None:
    found = _statistics(0.0)
    assert found["return_error_px"] < 1e-4
    assert found["returned"] == 1
    assert found["labelled"] == 1


def test_standing_still_misses_by_the_shift_of_home() -> None:
    found = _statistics(10.0)
    assert torch.isclose(found["return_error_px"], torch.tensor(10.0), atol=1e-3)
    assert found["returned"] == 0
    assert torch.isclose(found["labelled"], torch.tensor(5 / 8))
