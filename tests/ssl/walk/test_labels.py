"""Labels carry start nodes through the crops of both directions, exactly up to the border."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from densewalk.datasets.geometry import crop_affine, grid_points
from densewalk.datasets.views import View
from densewalk.ssl.walk.labels import bilinear_labels, palindrome_labels

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
