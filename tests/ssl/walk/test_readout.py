"""The windowed read-out looks at the neighbourhood of the best match and at nothing else."""

import pytest
import torch

from densewalk.datasets.geometry import grid_points
from densewalk.ssl.walk import readout
from densewalk.ssl.walk.coordinates import expected_flow, expected_points
from densewalk.ssl.walk.pair_features import PairFeatures
from densewalk.ssl.walk.readout import windowed_flow, windowed_points, windowed_transition
from densewalk.ssl.walk.transition import transition

GRID = (6, 9)


def _by_hand(pair: PairFeatures, radius: float) -> torch.Tensor:
    """Zero what lies farther than `radius` from each row's largest entry, in plain loops."""
    rows = transition(pair).detach().clone()
    for batch in range(len(rows)):
        for row in rows[batch]:
            best = divmod(int(row.argmax()), GRID[1])
            for node in range(len(row)):
                down, right = (a - b for a, b in zip(divmod(node, GRID[1]), best, strict=True))
                if (down**2 + right**2) ** 0.5 > radius:
                    row[node] = 0
    return rows / rows.sum(-1, keepdim=True)


@pytest.mark.parametrize("radius", [0.5, 1.0, 2.0, 5.0])
def test_the_windowed_transition_zeroes_what_is_far_from_the_best_and_sums_to_one(make_pair, radius: float) -> None:
    pair = make_pair(grid_hw=GRID)
    assert torch.allclose(windowed_transition(pair, radius=radius), _by_hand(pair, radius), atol=1e-12)


@pytest.mark.parametrize("tile", [7, 54, 256])
def test_positions_equal_those_of_the_whole_windowed_transition(
    make_pair, monkeypatch: pytest.MonkeyPatch, tile: int
) -> None:
    monkeypatch.setattr(readout, "_TILE", tile)
    pair = make_pair(grid_hw=GRID)
    dense = windowed_transition(pair, radius=2.0) @ grid_points(*GRID, stride=4).double()
    assert torch.allclose(windowed_points(pair, stride=4, radius=2.0), dense, atol=1e-6)
    flow = (dense - grid_points(*GRID, stride=4)).transpose(1, 2).unflatten(-1, GRID)
    assert torch.allclose(windowed_flow(pair, stride=4, radius=2.0).double(), flow, atol=1e-5)


def test_a_window_wider_than_the_grid_is_the_whole_mean(make_pair) -> None:
    pair = make_pair(grid_hw=GRID)
    assert torch.allclose(windowed_points(pair, stride=4), expected_points(pair, stride=4), atol=1e-6)
    assert torch.allclose(windowed_flow(pair, stride=4), expected_flow(pair, stride=4), atol=1e-5)


def test_a_second_match_far_away_does_not_pull_the_mean() -> None:
    target = torch.full((1, 64, 1), -50.0)
    target[0, 9], target[0, 62] = 0.1, 0.0
    pair = PairFeatures(source_BND=torch.ones(1, 64, 1), target_BND=target, grid_hw=(8, 8), temperature=1.0)
    best = grid_points(8, 8, stride=4)[9].expand(1, 64, 2)
    assert torch.allclose(windowed_points(pair, stride=4, radius=3.0), best, atol=1e-4)
    assert (expected_points(pair, stride=4) - best).norm(dim=-1).min() > 10


def test_autocast_does_not_round_positions(make_pair) -> None:
    double = make_pair(grid_hw=GRID)
    pair = PairFeatures(
        source_BND=double.source_BND.float(), target_BND=double.target_BND.float(), grid_hw=GRID, temperature=1.7
    )
    plain = windowed_points(pair, stride=4, radius=2.0)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(windowed_points(pair, stride=4, radius=2.0), plain)
