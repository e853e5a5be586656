"""One training step of GMRW at its published size with our code: B = 1, a palindrome of two frames, forward + backward.

The frames are noise, since neither memory nor time depends on them; the way back has a crop of its own, under which
about three quarters of the nodes have a label.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from densewalk.datasets.geometry import crop_affine
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.views import ClipBatch, View
from densewalk.ssl.matchers.gmflow import GMFlow, GMFlowConfig
from densewalk.ssl.objectives.gmrw import GMRW, GMRWConfig
from densewalk.ssl.objectives.objective import Progress
from tests.benchmarks._measuring import Cost, cost

__all__ = ["StepKind", "cost_of_our_step", "model_flop", "our_step", "palindrome"]

_END = Progress(step=1, num_steps=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepKind:
    """What a training step is asked for."""

    smooth: bool = True
    checkpoint: bool = False
    """Whether transformer blocks are computed again in the backward pass."""
    bf16: bool = False

    def __str__(self) -> str:
        parts = ("bf16" if self.bf16 else "fp32", *(["blocks recomputed"] if self.checkpoint else []))
        return ", ".join((*parts, "with smoothness" if self.smooth else "walk alone"))

    def precision(self, device: str) -> AbstractContextManager[object]:
        """Return the context in which the forward pass runs."""
        return torch.autocast(device, torch.bfloat16, enabled=self.bf16)


def cost_of_our_step(side: int, kind: StepKind, device: str) -> Cost:
    """Return what a step on images of `side` x `side` pixels costs; for a fresh process."""
    return cost(lambda chosen: our_step(chosen, kind, device), side, device)


def our_step(side: int, kind: StepKind, device: str) -> Callable[[], None]:
    """Return a step at full smoothness weight on a network and a batch of its own."""
    torch.manual_seed(0)
    config = GMRWConfig(
        matcher=GMFlowConfig(checkpoint_blocks=kind.checkpoint),
        plan=PalindromePlan(size=side),
        smoothness_weight=200.0 if kind.smooth else 0.0,
    )
    objective, batch = GMRW(config).to(device), palindrome(side).to(device)

    def step() -> None:
        objective.zero_grad(set_to_none=True)
        with kind.precision(device):
            output = objective(batch, _END)
        output.loss.backward()

    return step


def palindrome(side: int) -> ClipBatch:
    """Return one clip seen forwards whole and backwards through a crop of 0.85 x 0.9 of its sides."""
    video_BTCHW = torch.randint(0, 256, (1, 2, 3, side, side), dtype=torch.uint8)
    boxes = ((0.0, 0.0, side, side), (0.07 * side, 0.05 * side, 0.85 * side, 0.9 * side))
    frames = torch.tensor([[0, 1]])
    forward, backward = (
        View(
            video_BTCHW=video.contiguous(),
            clip_from_view_B33=crop_affine(box, (side, side))[None],
            frame_BT=frame_BT,
        )
        for video, box, frame_BT in zip(
            (video_BTCHW, video_BTCHW.flip(1)), boxes, (frames, frames.flip(1)), strict=True
        )
    )
    return ClipBatch(keys=("noise",), views=(forward, backward))


def model_flop(side: int) -> float:
    """Return the floating-point operations of a step, nothing counted twice that could be kept.

    Three times the forward pass of the network, and six products of N x D by D x N for the walk: the logits of both
    ways and their gradients.
    """
    with torch.device("meta"):
        matcher = GMFlow(GMFlowConfig())
        images = torch.empty(3, 3, side, side)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        first, middle, last = matcher.encode(images).chunk(3)
        matcher.relate(torch.cat((first, middle)), torch.cat((middle, last)))
    num_nodes = (side // matcher.stride) ** 2
    return 3 * counter.get_total_flops() + 6 * 2 * num_nodes**2 * matcher.dim
