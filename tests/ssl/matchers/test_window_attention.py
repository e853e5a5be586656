"""Attention never leaks over a seam, and shifted windows are those of the rolled grid under its mask."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from densewalk.ssl.matchers.window_attention import position_code, window_attention


def _three_maps(height: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(height * width)
    first, second, third = (
        torch.randn(2, height, width, 8, dtype=torch.float64, generator=generator) for _ in range(3)
    )
    return first, second, third


def test_one_window_is_plain_attention() -> None:
    query, key, value = _three_maps(4, 6)
    ours = window_attention(query, key, value, num_splits=1, shifted=True).flatten(1, 2)
    weight = (query.flatten(1, 2) @ key.flatten(1, 2).transpose(1, 2) / 8**0.5).softmax(-1)
    assert torch.allclose(ours, weight @ value.flatten(1, 2))


def _rolled_and_masked(query: Tensor, key: Tensor, value: Tensor, splits: int) -> Tensor:
    """Return Swin's formulation: over the whole grid, with every pair of nodes allowed or not by window and region."""
    height, width = query.shape[1:3]
    tall, wide = height // splits, width // splits
    shift = (tall // 2, wide // 2)
    row, column = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    window = (row // tall) * splits + column // wide
    wrapped = (row >= height - shift[0]) * 2 + (column >= width - shift[1])
    label = (window * 4 + wrapped).flatten()
    flat = (torch.roll(part, (-shift[0], -shift[1]), dims=(1, 2)).flatten(1, 2) for part in (query, key, value))
    attended = F.scaled_dot_product_attention(*flat, attn_mask=label[:, None] == label[None])
    return torch.roll(attended.unflatten(1, (height, width)), shift, dims=(1, 2))


@pytest.mark.parametrize(("size", "splits"), [((8, 12), 2), ((10, 14), 2), ((9, 15), 3), ((4, 2), 2)])
def test_shifted_windows_are_those_of_a_rolled_grid_under_its_mask(size: tuple[int, int], splits: int) -> None:
    query, key, value = _three_maps(*size)
    ours = window_attention(query, key, value, num_splits=splits, shifted=True)
    assert torch.allclose(ours, _rolled_and_masked(query, key, value, splits))


def _reach(shifted: bool, row: int, column: int) -> Tensor:
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


def test_a_shifted_corner_never_sees_the_opposite_corner() -> None:
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
