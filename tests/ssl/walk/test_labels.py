"""Labels carry start nodes through the crops of both directions, exactly up to the border."""

from dataclasses import replace

import torch
from hypothesis import given
from hypothesis import strategies as st

from densewalk.datasets.geometry import crop_affine, flip_affine, grid_points
from densewalk.datasets.views import View
from densewalk.ssl.walk.labels import (
    bilinear_labels,
    identity_labels,
    label_columns,
    nearest_labels,
    palindrome_labels,
)

SIZE, STRIDE, GRID = 32, 4, (8, 8)


def _view(box: tuple[float, float, float, float], frames: tuple[int, int]) -> View:
    return View(
        video_BTCHW=torch.zeros(1, 2, 3, SIZE, SIZE, dtype=torch.uint8),
        clip_from_view_B33=crop_affine(box, (SIZE, SIZE))[None],
        frame_BT=torch.tensor([frames]),
    )


def _read(labels, grid=GRID) -> torch.Tensor:
    return (grid_points(*grid, stride=STRIDE)[labels.tap_BNR] * labels.weight_BNR[..., None]).sum(-2)[0]


def test_one_crop_for_both_directions_gives_the_identity() -> None:
    view, back = _view((3, 5, 40, 40), (2, 7)), _view((3, 5, 40, 40), (7, 2))
    labels = palindrome_labels(view, back, None, grid_hw=GRID, stride=STRIDE)
    assert labels.mask_BN.all()
    assert torch.allclose(_read(labels), grid_points(*GRID, stride=STRIDE), atol=1e-4)


def test_a_crop_shifted_by_six_clip_pixels_moves_labels_by_six_view_pixels() -> None:
    labels = palindrome_labels(
        _view((0, 0, 32, 32), (0, 1)), _view((6, 0, 32, 32), (1, 0)), None, grid_hw=GRID, stride=STRIDE
    )
    start = grid_points(*GRID, stride=STRIDE)
    assert torch.equal(labels.mask_BN[0], start[:, 0] - 6 >= STRIDE / 2)
    moved = start - torch.tensor([6.0, 0.0])
    assert torch.allclose(_read(labels)[labels.mask_BN[0]], moved[labels.mask_BN[0]], atol=1e-4)


@given(
    node_x=st.floats(-2, 9, allow_nan=False),
    node_y=st.floats(-2, 9, allow_nan=False),
)
def test_four_taps_average_to_the_position_and_exist_only_between_nodes(node_x: float, node_y: float) -> None:
    node = torch.tensor([[[node_x, node_y]]])
    labels = bilinear_labels(node, torch.ones(1, 1, dtype=torch.bool), grid_hw=(8, 6))
    between = bool((node >= 0).all() and (node[..., 0] <= 5).all() and (node[..., 1] <= 7).all())
    border = min(abs(node_x), abs(node_x - 5), abs(node_y), abs(node_y - 7)) < 1e-3
    assert border or bool(labels.mask_BN) == between
    assert torch.allclose(labels.weight_BNR.sum(-1), torch.ones(1, 1), atol=1e-6)
    if between:
        taps = torch.stack((labels.tap_BNR % 6, labels.tap_BNR // 6), -1).float()
        assert torch.allclose((taps * labels.weight_BNR[..., None]).sum(-2), node, atol=1e-4)


def test_an_invisible_point_has_no_label() -> None:
    labels = bilinear_labels(torch.ones(1, 1, 2), torch.zeros(1, 1, dtype=torch.bool), grid_hw=(8, 6))
    assert not labels.mask_BN.any()


def _same_moments(box_there: tuple[float, float, float, float], box_back: tuple[float, float, float, float]):
    return _view(box_there, (0, 1)), _view(box_back, (1, 0))


@given(
    left=st.floats(-6, 6), top=st.floats(-6, 6), width=st.floats(24, 44), height=st.floats(24, 44), mirror=st.booleans()
)
def test_the_reverse_walk_undoes_the_map_of_the_walk(
    left: float, top: float, width: float, height: float, mirror: bool
) -> None:
    there, back = _same_moments((0, 0, 32, 32), (left, top, width, height))
    if mirror:
        back = replace(back, clip_from_view_B33=back.clip_from_view_B33 @ flip_affine(SIZE))
    fine, fine_grid = 1, (SIZE, SIZE)
    home = palindrome_labels(there, back, None, grid_hw=fine_grid, stride=fine)
    start = palindrome_labels(there, back, None, grid_hw=fine_grid, stride=fine, reverse=True)
    start_point = (grid_points(*fine_grid)[start.tap_BNR] * start.weight_BNR[..., None]).sum(-2)
    round_trip = (start_point[0][home.tap_BNR] * home.weight_BNR[..., None]).sum(-2)
    whole = home.mask_BN & start.mask_BN[0][home.tap_BNR].all(-1)
    assert whole.any()
    assert torch.allclose(round_trip[whole], grid_points(*fine_grid)[None][whole], atol=1e-2)


def test_the_reverse_walk_begins_in_the_last_frame_of_the_backward_view() -> None:
    there, back = _same_moments((0, 0, 32, 32), (6, 0, 32, 32))
    labels = palindrome_labels(there, back, None, grid_hw=GRID, stride=STRIDE, reverse=True)
    start = grid_points(*GRID, stride=STRIDE)
    assert torch.equal(labels.mask_BN[0], start[:, 0] + 6 <= SIZE - STRIDE / 2)
    moved = start + torch.tensor([6.0, 0.0])
    assert torch.allclose(_read(labels)[labels.mask_BN[0]], moved[labels.mask_BN[0]], atol=1e-4)


@given(node_x=st.floats(-2, 9), node_y=st.floats(-2, 9))
def test_the_nearest_label_is_the_heaviest_bilinear_tap_under_the_same_mask(node_x: float, node_y: float) -> None:
    node, everywhere = torch.tensor([[[node_x, node_y]]]), torch.ones(1, 1, dtype=torch.bool)
    nearest, four = (f(node, everywhere, grid_hw=(8, 6)) for f in (nearest_labels, bilinear_labels))
    assert torch.equal(nearest.mask_BN, four.mask_BN)
    assert nearest.tap_BNR.shape == (1, 1, 1)
    assert nearest.weight_BNR.item() == 1
    weight_of_nearest = four.weight_BNR[four.tap_BNR == nearest.tap_BNR].sum()
    assert weight_of_nearest >= four.weight_BNR.max() - 1e-5


def test_nearest_taps_round_the_labels_of_a_palindrome() -> None:
    there, back = _same_moments((0, 0, 32, 32), (5, 0, 32, 32))
    labels = palindrome_labels(there, back, None, grid_hw=GRID, stride=STRIDE, taps="nearest")
    rounded = grid_points(*GRID, stride=STRIDE) - torch.tensor([4.0, 0.0])
    assert torch.equal(_read(labels)[labels.mask_BN[0]], rounded[labels.mask_BN[0]])


def test_columns_mixed_by_labels_equal_the_product_with_their_matrix() -> None:
    node = torch.rand(2, 20, 2, generator=torch.Generator().manual_seed(0)) * 3
    labels = bilinear_labels(node, torch.ones(2, 20, dtype=torch.bool), grid_hw=(4, 5))
    matrix = torch.randn(2, 7, 20, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    weight = torch.zeros(2, 20, 20, dtype=torch.float64).scatter_add(-1, labels.tap_BNR, labels.weight_BNR.double())
    assert torch.allclose(label_columns(matrix, labels), matrix @ weight.transpose(-1, -2))
    assert torch.equal(label_columns(matrix, identity_labels(2, 20)), matrix)
