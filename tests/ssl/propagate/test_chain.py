"""Labels along flows whose answer is known."""

import cv2
import numpy as np
import torch
from torch import Tensor

from densewalk.ssl.matchers.dis_flow import DisFlowMatcher
from densewalk.ssl.matchers.position import PositionMatcher
from densewalk.ssl.propagate.config import PropagationConfig
from densewalk.ssl.propagate.propagate import propagate_labels, propagate_maps


class Shift(PositionMatcher):
    """Everything has come from `dx` pixels further right."""

    offers = frozenset(("displacement",))
    dx = 0.0

    def displacement(self, source_BDHW: Tensor, target_BDHW: Tensor) -> tuple[Tensor, Tensor]:
        flow = torch.zeros_like(source_BDHW)
        flow[:, 0] = self.dx
        return flow, -flow


def _first() -> Tensor:
    label = torch.zeros(1, 6, 8)
    label[0, 2, 4] = 1.0
    return label


def _carried(dx: float, *, frames: int = 4) -> list[Tensor]:
    matcher = Shift(stride=4)
    matcher.dx = dx
    video = np.zeros((frames, 24, 32, 3), np.uint8)
    return list(propagate_maps(matcher, video, _first(), PropagationConfig()))


def test_without_flow_labels_stay_to_the_bit_or_nearly() -> None:
    for label in _carried(0.0):
        assert torch.allclose(label, _first(), atol=1e-6)


def test_labels_are_fetched_from_where_the_flow_ends() -> None:
    for t, label in enumerate(_carried(4.0)):
        assert torch.allclose(label, _first().roll(-t, dims=2), atol=1e-5)


def test_between_nodes_labels_are_read_bilinearly() -> None:
    label = _carried(2.0)[1]
    assert torch.allclose(label[0, 2, 3:5], torch.tensor([0.5, 0.5]), atol=1e-5)


def test_dis_flow_follows_a_sliding_world() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (16, 24, 3)).astype(np.uint8)
    world = cv2.resize(noise, (192, 128), interpolation=cv2.INTER_CUBIC)
    video = np.stack([np.roll(world, 2 * t, axis=1)[:, 30:160] for t in range(6)])
    mask = np.zeros((128, 130), np.uint8)
    mask[40:90, 30:70] = 9
    moved = propagate_labels(DisFlowMatcher(), video, mask, PropagationConfig())[5]
    expected = np.roll(mask, 10, axis=1)
    overlap = ((moved == 9) & (expected == 9)).sum() / ((moved == 9) | (expected == 9)).sum()
    still = ((mask == 9) & (expected == 9)).sum() / ((mask == 9) | (expected == 9)).sum()
    assert overlap > 0.95 > still
