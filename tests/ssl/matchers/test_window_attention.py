"""Windows cut and join without loss; attention never leaks over a seam."""

import torch

from densewalk.ssl.matchers.window_attention import merge_windows, position_code, split_windows, window_attention


def test_splitting_then_merging_is_the_identity() -> None:
    grid = torch.randn(2, 8, 12, 3)
    assert torch.equal(merge_windows(split_windows(grid, 2), (8, 12)), grid)


def test_a_window_holds_a_rectangle_of_the_grid() -> None:
    grid = torch.arange(96.0).reshape(1, 8, 12, 1)
    assert torch.equal(split_windows(grid, 2)[0, 1, :, 0], grid[0, :4, 6:, 0].flatten())


def test_one_window_is_plain_attention() -> None:
    query, key, value = (torch.randn(1, 4, 6, 8) for _ in range(3))
    ours = window_attention(query, key, value, num_splits=1, shifted=True).flatten(1, 2)
    weight = (query.flatten(1, 2) @ key.flatten(1, 2).transpose(1, 2) / 8**0.5).softmax(-1)
    assert torch.allclose(ours, weight @ value.flatten(1, 2), atol=1e-5)


def _reach(shifted: bool, row: int, column: int) -> torch.Tensor:
    """Return which nodes of an 8 x 8 grid the node at (row, column) attends to."""
    query = key = torch.zeros(64, 8, 8, 4)
    one_hot = torch.eye(64).reshape(64, 8, 8, 1).expand(-1, -1, -1, 4).contiguous()
    return window_attention(query, key, one_hot, num_splits=2, shifted=shifted)[:, row, column, 0].reshape(8, 8) > 0


def test_an_unshifted_node_sees_its_quadrant_only() -> None:
    expected = torch.zeros(8, 8, dtype=torch.bool)
    expected[:4, 4:] = True
    assert torch.equal(_reach(False, 1, 6), expected)


def test_a_shifted_node_sees_the_middle_window_across_the_old_seam() -> None:
    expected = torch.zeros(8, 8, dtype=torch.bool)
    expected[2:6, 2:6] = True
    assert torch.equal(_reach(True, 3, 4), expected)


def test_a_shifted_corner_never_sees_the_opposite_corner_it_was_rolled_to() -> None:
    expected = torch.zeros(8, 8, dtype=torch.bool)
    expected[:2, :2] = True
    assert torch.equal(_reach(True, 0, 0), expected)


def test_position_codes_tell_every_place_of_a_window_apart() -> None:
    code = position_code((6, 7), 16).flatten(0, 1)
    distance = torch.cdist(code, code) + torch.eye(42)
    assert distance.min() > 1e-3


def test_the_first_half_of_the_code_belongs_to_y() -> None:
    code = position_code((6, 7), 16)
    assert torch.equal(code[:, 0, :8], code[:, 5, :8])
    assert torch.equal(code[0, :, 8:], code[3, :, 8:])
