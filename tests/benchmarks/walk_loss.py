"""The palindrome loss against the textbook product of two N x N matrices: time of forward and backward."""

import time
from collections.abc import Callable
from functools import partial

import torch

from densewalk.ssl.walk.labels import WalkLabels, bilinear_labels
from densewalk.ssl.walk.loss import walk_loss
from densewalk.ssl.walk.pair_features import PairFeatures
from densewalk.ssl.walk.transition import transition

DEVICES = ("cpu", "cuda")


def run(device: str) -> list[tuple[str, float, str]]:
    """Measure at grids of 16, 32 and 64 nodes a side with 128 channels."""
    rows: list[tuple[str, float, str]] = []
    for side in (16, 32, 64):
        ours = _seconds(partial(walk_loss, *_problem(side, device)), device)
        dense = _seconds(partial(_dense_loss, *_problem(side, device)), device)
        rows += [
            (f"N={side * side}: forward + backward", ours * 1e3, "ms"),
            (f"N={side * side}: dense product over ours", dense / ours, "x"),
        ]
    return rows


def _problem(side: int, device: str) -> tuple[PairFeatures, PairFeatures, WalkLabels]:
    generator = torch.Generator().manual_seed(0)

    def pair() -> PairFeatures:
        source, target = (
            torch.randn(1, side * side, 128, generator=generator).to(device).requires_grad_() for _ in range(2)
        )
        return PairFeatures(source_BND=source, target_BND=target, grid_hw=(side, side), temperature=128**0.5)

    node = (torch.rand(1, side * side, 2, generator=generator) * (side - 1)).to(device)
    valid = torch.ones(1, side * side, dtype=torch.bool, device=device)
    return pair(), pair(), bilinear_labels(node, valid, grid_hw=(side, side))


def _dense_loss(there: PairFeatures, back: PairFeatures, labels: WalkLabels) -> torch.Tensor:
    palindrome = transition(there) @ transition(back)
    home = (palindrome.gather(-1, labels.tap_BNR) * labels.weight_BNR).sum(-1)
    return -home.clamp_min(1e-30).log().mean()


def _seconds(loss: Callable[[], torch.Tensor], device: str) -> float:
    times = []
    for _ in range(4):
        _wait(device)
        began = time.perf_counter()
        loss().backward()
        _wait(device)
        times.append(time.perf_counter() - began)
    return min(times)


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
