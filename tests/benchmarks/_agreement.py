"""How far our network and loss agree with the released ones on the same weights, frames and crops.

Two differences are meant: the released label map is sampled with zeros around it and rounded, so nodes just outside
count as labelled and some of their labels are wrong, and 1e-7 is added to every probability. With both put into our
loss nothing but rounding is left.

Shapes: B batch, P pairs, N nodes, D feature width.
"""

import tempfile
from pathlib import Path

import torch
from torch import Tensor, nn

from densewalk.ssl.matchers.gmflow import GMFlow
from densewalk.ssl.matchers.released import load_released
from densewalk.ssl.walk.labels import WalkLabels, palindrome_labels
from densewalk.ssl.walk.loss import return_log_prob
from densewalk.ssl.walk.pair_features import PairFeatures
from tests.benchmarks._measuring import Row
from tests.benchmarks._published_step import StepKind, palindrome
from tests.benchmarks._released_code import affine_of_return, frames_of, released_network

__all__ = ["agreement"]

_SIDE, _STRIDE = 128, 4
_TEMPERATURE = 100.0
"""Of both codes here: untrained features at their own temperature would find home with less than 1e-7."""


@torch.no_grad()
def agreement(device: str) -> list[Row]:
    """Return differences of features and of the loss; for a fresh process."""
    torch.manual_seed(0)
    network, batch = released_network(device, StepKind(smooth=False)).eval(), palindrome(_SIDE).to(device)
    network.args.temp = _TEMPERATURE
    frames_BTCHW, affine_B23 = frames_of(batch), affine_of_return(batch, _SIDE // _STRIDE)
    source, target = frames_BTCHW[:, [0, 1]], frames_BTCHW[:, [1, 3]]
    matcher = _ours_with_weights_of(network).to(device)
    ours = matcher(source[0] / 255, target[0] / 255)  # its colours are multiplied by 255
    theirs_BPDHW = network.compute_correspondence_for_pairs(source, target, return_features=True)
    theirs_PND = [maps[0].flatten(2).mT for maps in theirs_BPDHW]
    released_loss = network(frames_BTCHW, affine_B23, 0.0)[1]
    there, back = PairFeatures(
        source_BND=theirs_PND[0], target_BND=theirs_PND[1], grid_hw=ours.grid_hw, temperature=_TEMPERATURE
    ).split(1)
    labels = palindrome_labels(*batch.views, None, grid_hw=ours.grid_hw, stride=_STRIDE, taps="nearest")
    their_labels = _their_labels(network, affine_B23, ours.grid_hw)
    loss, alike = _loss(there, back, labels), _loss(there, back, their_labels, epsilon=1e-7)
    feature_gap = torch.stack((ours.source_BND - theirs_PND[0], ours.target_BND - theirs_PND[1])).abs().max()
    return [
        ("the same weights: largest difference of features", float(feature_gap), f"of {theirs_PND[0].abs().max():.2g}"),
        ("the same features: our walk loss, nearest labels", float(loss), "nats"),
        ("the same features: released walk loss", float(released_loss), "nats"),
        ("the same labels and 1e-7 added: our walk loss minus the released", float(alike - released_loss), "nats"),
        ("nodes with a label, ours over released", float(labels.mask_BN.sum() / their_labels.mask_BN.sum()), "x"),
    ]


def _ours_with_weights_of(network: nn.Module) -> GMFlow:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "released.pth"
        torch.save({"model": network.state_dict()}, path)
        return load_released(path)


def _their_labels(network: nn.Module, affine_B23: Tensor, grid_hw: tuple[int, int]) -> WalkLabels:
    network.B = len(affine_B23)
    one_hot_BNN, mask_BN = network.get_affine_transformed_labels(affine_B23, *grid_hw, _STRIDE)
    return WalkLabels(
        tap_BNR=one_hot_BNN.argmax(-1, keepdim=True),
        weight_BNR=torch.ones_like(mask_BN)[..., None],
        mask_BN=mask_BN > 0,
    )


def _loss(there: PairFeatures, back: PairFeatures, labels: WalkLabels, *, epsilon: float = 0.0) -> Tensor:
    log_prob_BN = return_log_prob(there, back, labels, backend="dense")
    return -(log_prob_BN.exp() + epsilon).log()[labels.mask_BN].mean()
