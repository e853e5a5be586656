"""Global matching random walks: a two-frame palindrome whose label is warped by the crop of the way back (GMRW).

With one crop for both directions the network can send every walker home by its position alone, and it does: it
collapses to zero motion. With a crop of its own for the return, home lies elsewhere, and only the image says where.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import UInt8
from torch import Tensor

from densewalk.datasets.config import require
from densewalk.datasets.errors import ConfigError
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.views import ClipBatch
from densewalk.ssl.matchers.gmflow import GMFlow, GMFlowConfig
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.objectives.objective import Objective, ObjectiveConfig, Progress, StepOutput
from densewalk.ssl.show.flow_wheel import flow_picture
from densewalk.ssl.walk.coordinates import expected_flow
from densewalk.ssl.walk.diagnostics import return_statistics
from densewalk.ssl.walk.labels import palindrome_labels
from densewalk.ssl.walk.loss import walk_loss
from densewalk.ssl.walk.smoothness import smoothness

__all__ = ["GMRW", "GMRWConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GMRWConfig(ObjectiveConfig):
    """Settings of the GMRW objective."""

    name: Literal["gmrw"] = "gmrw"
    """Fixed."""
    matcher: GMFlowConfig = field(default_factory=GMFlowConfig)
    """The network whose transitions are walked."""
    plan: PalindromePlan = field(default_factory=lambda: PalindromePlan(size=512))
    """Views a batch must carry; `plan.independent_return` is label warping."""
    smoothness_weight: float = 200.0
    """Weight of the edge-aware second-order smoothness once its ramp is over (GMRW: 200 on MOVi-E)."""
    smoothness_start: float = 0.07
    """Share of the run before the smoothness ramp begins (GMRW: 5,000 of 73,000 steps)."""
    smoothness_full: float = 0.2
    """Share of the run at which the ramp is complete (GMRW: 15,000 of 73,000 steps)."""

    def __post_init__(self) -> None:
        start, full = self.smoothness_start, self.smoothness_full
        require(
            self.smoothness_weight < 0 and f"objective.smoothness_weight={self.smoothness_weight} must not be negative",
            not 0 <= start <= full <= 1
            and f"objective.smoothness_start={start} and smoothness_full={full} must be ordered shares of the run",
            self.plan.num_frames != 2 and f"objective.plan.num_frames={self.plan.num_frames}; GMRW walks two frames",
        )


class GMRW(Objective):
    """Walks two frames forward and back under another crop and asks every node to come home.

    The middle frame is seen twice, once with each partner, so the way there and the way back have features of their
    own. Three images are encoded per palindrome; the pair network runs on both pairs as one batch.
    """

    def __init__(self, config: GMRWConfig) -> None:
        super().__init__()
        self.config = config
        self.matcher = GMFlow(config.matcher)
        if config.plan.size % self.matcher.multiple:
            raise ConfigError(
                f"objective.plan.size={config.plan.size} must be a multiple of {self.matcher.multiple} pixels "
                "(stride times objective.matcher.num_splits)"
            )

    @property
    def plan(self) -> PalindromePlan:
        """The views a batch must carry."""
        return self.config.plan

    def subject(self) -> Matcher:
        """Return the matcher."""
        return self.matcher

    def forward(self, batch: ClipBatch, progress: Progress) -> StepOutput:
        """Return the walk loss plus weighted smoothness, with how far from home walkers end."""
        forward_view, backward_view = batch.views
        images = (forward_view.image_BCHW(0), forward_view.image_BCHW(1), backward_view.image_BCHW(-1))
        first, middle, last = self.matcher.encode(torch.cat(images)).chunk(3)
        pairs = self.matcher.relate(torch.cat((first, middle)), torch.cat((middle, last)))
        there, back = pairs.split(len(batch))
        stride = self.matcher.stride
        labels = palindrome_labels(forward_view, backward_view, batch.motion, grid_hw=there.grid_hw, stride=stride)
        walk = walk_loss(there, back, labels)
        flow = expected_flow(pairs, stride=stride)
        rough = smoothness(flow, torch.cat(images[:2]))
        scalars = {"walk_loss": walk.detach(), "smoothness": rough.detach()}
        scalars |= return_statistics(there, back, labels, stride=stride)
        weight = self.smoothness_weight(progress)
        return StepOutput(
            loss=walk + weight * rough,
            scalars=scalars,
            panels={"palindrome": lambda: _palindrome(images), "flow": lambda: _flow_field(flow, images[0])},
        )

    def smoothness_weight(self, progress: Progress) -> float:
        """Return the weight of the smoothness term: 0, then a linear ramp, then constant."""
        start, full = self.config.smoothness_start, self.config.smoothness_full
        if progress.fraction >= full:
            return self.config.smoothness_weight
        return self.config.smoothness_weight * max(0.0, progress.fraction - start) / (full - start)


def _palindrome(images: tuple[Tensor, Tensor, Tensor]) -> UInt8[np.ndarray, "h w 3"]:
    """Return the batch's walks, one a row: first frame, second frame, first frame under the crop of the return."""
    rows = torch.cat(images, dim=-1).permute(0, 2, 3, 1).flatten(0, 1)
    return (rows * 255).round().byte().cpu().numpy()


def _flow_field(flow_B2HW: Tensor, image_BCHW: Tensor) -> UInt8[np.ndarray, "h w 3"]:
    """Return the displacement of the batch's first pair, at the size of its image."""
    full = F.interpolate(flow_B2HW[:1].detach(), image_BCHW.shape[-2:], mode="bilinear", align_corners=False)
    return flow_picture(full[0].float().cpu().numpy())
