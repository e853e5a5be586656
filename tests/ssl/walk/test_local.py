"""Local transitions are the dense ones cut to a window, and their windows stay where they must."""

import pytest
import torch

from densewalk.ssl.walk.coordinates import expected_flow
from densewalk.ssl.walk.local import local_flow, local_transition, window_nodes, window_starts
from densewalk.ssl.walk.pair_features import PairFeatures

GRID = (5, 7)


def _starts(flow_px: tuple[float, float] = (0.0, 0.0), *, radius: int, batch: int = 2) -> torch.Tensor:
    flow = torch.tensor(flow_px).view(1, 2, 1, 1).expand(batch, 2, 3, 4)
    return window_starts(flow, radius=radius, stride=4, grid_hw=GRID)


def test_windows_are_centred_on_the_ends_of_the_flow() -> None:
    nodes = window_nodes(_starts((9.0, -3.0), radius=1), window_hw=(3, 3), grid_hw=GRID)
    start = 3 * GRID[1] + 2
    assert nodes[0, start, 4] == 2 * GRID[1] + 4
    assert nodes[0, start].tolist() == [10, 11, 12, 17, 18, 19, 24, 25, 26]


@pytest.mark.parametrize("flow_px", [(0.0, 0.0), (100.0, 100.0), (-100.0, 3.0)])
def test_windows_at_the_border_move_inwards_and_keep_their_size(flow_px: tuple[float, float]) -> None:
    nodes = window_nodes(_starts(flow_px, radius=1), window_hw=(3, 3), grid_hw=GRID)
    assert nodes.min() >= 0
    assert nodes.max() < GRID[0] * GRID[1]
    rows, columns = nodes // GRID[1], nodes % GRID[1]
    assert torch.equal(rows.amax(-1) - rows.amin(-1), torch.full((2, 35), 2))
    assert torch.equal(columns.amax(-1) - columns.amin(-1), torch.full((2, 35), 2))


def test_a_coarser_flow_is_read_where_the_finer_nodes_lie() -> None:
    flow = torch.zeros(1, 2, 4, 4)
    flow[:, 0, :, 2:] = 8.0
    starts = window_starts(flow, radius=0, stride=2, grid_hw=(8, 8))
    column = starts.view(8, 8) % 8
    assert column[0].tolist() == [0, 1, 2, 4, 7, 7, 7, 7]


@pytest.mark.parametrize("tile", [4, 35])
def test_a_local_transition_is_the_dense_one_restricted_and_scaled_up(make_pair, dense_transition, tile: int) -> None:
    pair, starts = make_pair(grid_hw=GRID), _starts((5.0, 2.0), radius=1)
    local = local_transition(pair, starts, radius=1, tile=tile)
    nodes = window_nodes(starts, window_hw=(3, 3), grid_hw=GRID)
    inside = dense_transition(pair).gather(-1, nodes)
    assert torch.allclose(local.log_prob_BNK.exp(), inside / inside.sum(-1, keepdim=True), atol=1e-12)


def test_a_window_over_the_whole_grid_gives_the_dense_flow(make_pair) -> None:
    pair = make_pair(grid_hw=GRID)
    local = local_transition(pair, _starts(radius=6), radius=6)
    assert torch.allclose(local_flow(local, stride=4), expected_flow(pair, stride=4), atol=1e-5)


def test_flow_is_the_displacement_to_the_chosen_node(make_pair) -> None:
    local = local_transition(make_pair(grid_hw=GRID), _starts((8.0, 4.0), radius=0), radius=0)
    flow = local_flow(local, stride=4)
    assert torch.equal(flow[:, 0, :, :5], torch.full((2, 5, 5), 8.0, dtype=torch.float64))
    assert torch.equal(flow[:, 1, :4], torch.full((2, 4, 7), 4.0, dtype=torch.float64))
    assert torch.equal(flow[:, 0, :, 6], torch.zeros(2, 5, dtype=torch.float64))


@pytest.mark.parametrize("tile", [4, 35])
def test_gradients_reach_both_frames_whatever_the_tile(make_pair, tile: int) -> None:
    pair, starts = make_pair(grid_hw=GRID), _starts((5.0, 2.0), radius=1)
    leaves = (pair.source_BND, pair.target_BND)
    loss = local_transition(pair, starts, radius=1, tile=tile).log_prob_BNK.square().sum()
    whole = local_transition(pair, starts, radius=1, tile=1000).log_prob_BNK.square().sum()
    for mine, reference in zip(torch.autograd.grad(loss, leaves), torch.autograd.grad(whole, leaves), strict=True):
        assert reference.abs().sum() > 0
        assert torch.allclose(mine, reference, atol=1e-12, rtol=1e-10)


def test_split_returns_the_transitions_of_each_part_of_the_batch(make_pair) -> None:
    whole = local_transition(make_pair(batch=4, grid_hw=GRID), _starts(radius=1, batch=4), radius=1)
    first, second = whole.split(2)
    assert torch.equal(torch.cat((first.log_prob_BNK, second.log_prob_BNK)), whole.log_prob_BNK)
    assert torch.equal(torch.cat((first.first_BN, second.first_BN)), whole.first_BN)


def test_inner_products_keep_float32_under_autocast(make_pair) -> None:
    pair, starts = make_pair(grid_hw=GRID), _starts(radius=1)
    single = PairFeatures(
        source_BND=pair.source_BND.float(), target_BND=pair.target_BND.float(), grid_hw=GRID, temperature=0.1
    )
    plain = local_transition(single, starts, radius=1)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = local_transition(single, starts, radius=1)
        flow = local_flow(mixed, stride=4)
    assert torch.equal(mixed.log_prob_BNK, plain.log_prob_BNK)
    assert torch.equal(flow, local_flow(plain, stride=4))
