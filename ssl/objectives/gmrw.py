"""Global matching random walks: a two-frame palindrome whose label is warped by the crop of the way back (GMRW).

With one crop for both directions the network can send every walker home by its position alone, and it does: it
collapses to zero motion. With a crop of its own for the return, home lies elsewhere, and only the image says where.
"""

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from densewalk.datasets.config import require
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.views import ClipBatch
from densewalk.ssl.matchers.gmflow import GMFlow, GMFlowConfig
from densewalk.ssl.matchers.palindrome import encode_palindrome
from densewalk.ssl.objectives.objective import MatcherObjective, ObjectiveConfig, Progress, StepOutput
from densewalk.ssl.objectives.panels import flow_panel, palindrome_panel
from densewalk.ssl.objectives.ramp import ramp
from densewalk.ssl.walk.coordinates import expected_flow, round_trip_points
from densewalk.ssl.walk.diagnostics import chance_accuracy, return_accuracy, return_statistics
from densewalk.ssl.walk.labels import Taps, WalkLabels, palindrome_labels
from densewalk.ssl.walk.loss import walk_loss
from densewalk.ssl.walk.pair_features import PairFeatures
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
    label: Taps = "bilinear"
    """Targets of the walk: the four nodes around home by their bilinear weights, or the nearest one (GMRW: nearest)."""
    both_directions: bool = False
    """Whether the same features also walk from the last frame to the first, under the inverse label (GMRW: no)."""
    smoothness_weight: float = 200.0
    """Weight of the edge-aware second-order smoothness once its ramp is over (GMRW: 200 on MOVi-E)."""
    smoothness_start: float = 0.07
    """Share of the run before the smoothness ramp begins (GMRW: 5,000 of 73,000 steps)."""
    smoothness_full: float = 0.2
    """Share of the run at which the ramp is complete (GMRW: 15,000 of 73,000 steps)."""
    probe_every: int = 50
    """Steps between two measurements of the shortcut; they need at least two clips in a step."""

    def __post_init__(self) -> None:
        start, full = self.smoothness_start, self.smoothness_full
        require(
            self.smoothness_weight < 0 and f"objective.smoothness_weight={self.smoothness_weight} must not be negative",
            self.probe_every < 1 and f"objective.probe_every={self.probe_every} must be at least 1",
            not 0 <= start <= full <= 1
            and f"objective.smoothness_start={start} and smoothness_full={full} must be ordered shares of the run",
            self.plan.num_frames != 2 and f"objective.plan.num_frames={self.plan.num_frames}; GMRW walks two frames",
        )


class GMRW(MatcherObjective):
    """Walks two frames forward and back under another crop and asks every node to come home.

    The middle frame is seen twice, once with each partner, so the way there and the way back have features of their
    own. Three images are encoded per palindrome; the pair network runs on both pairs as one batch.
    """

    matcher: GMFlow

    def __init__(self, config: GMRWConfig) -> None:
        super().__init__(config, GMFlow(config.matcher))
        self.config = config

    def forward(self, batch: ClipBatch, progress: Progress) -> StepOutput:
        """Return the walk loss plus weighted smoothness, with how far from home walkers end."""
        images, (first, middle, last) = encode_palindrome(self.matcher, batch)
        pairs = self.matcher.relate(torch.cat((first, middle)), torch.cat((middle, last)))
        there, back = pairs.split(len(batch))
        labels = self._labels(batch, there.grid_hw)
        walk = walk_loss(there, back, labels)
        if self.config.both_directions:
            reverse = self._labels(batch, there.grid_hw, reverse=True)
            walk = (walk + walk_loss(back.swapped(), there.swapped(), reverse)) / 2
        weight = self.smoothness_weight(progress)
        with torch.set_grad_enabled(weight > 0 and torch.is_grad_enabled()):
            flow = expected_flow(pairs, stride=self.matcher.stride)
            rough = smoothness(flow, torch.cat(images[:2]))
        scalars = {"walk_loss": walk.detach(), "smoothness": rough.detach()}
        scalars |= self._statistics(there, back, labels)
        if progress.step % self.config.probe_every == 0 and len(batch) > 1:
            scalars |= self._shortcut(first, middle, back, labels)
        return StepOutput(
            loss=walk + weight * rough,
            scalars=scalars,
            panels={"palindrome": lambda: palindrome_panel(images), "flow": lambda: flow_panel(flow, images[0])},
        )

    def _labels(self, batch: ClipBatch, grid_hw: tuple[int, int], *, reverse: bool = False) -> WalkLabels:
        forward_view, backward_view = batch.views
        return palindrome_labels(
            forward_view,
            backward_view,
            batch.motion,
            grid_hw=grid_hw,
            stride=self.matcher.stride,
            taps=self.config.label,
            reverse=reverse,
        )

    @torch.no_grad()
    def _statistics(self, there: PairFeatures, back: PairFeatures, labels: WalkLabels) -> dict[str, Tensor]:
        stride = self.matcher.stride
        end_BN2 = round_trip_points(there, back, stride=stride)
        return return_statistics(end_BN2, labels, grid_hw=there.grid_hw, stride=stride)

    @torch.no_grad()
    def _shortcut(self, first: Tensor, middle: Tensor, back: PairFeatures, labels: WalkLabels) -> dict[str, Tensor]:
        """Return how many walkers come home although they went out through another clip's frame."""
        there = self.matcher.relate(first, middle.roll(1, dims=0))
        accuracy = return_accuracy(there, back, labels)
        return {"shortcut": accuracy, "chance": accuracy.new_tensor(chance_accuracy(labels))}

    def smoothness_weight(self, progress: Progress) -> float:
        """Return the weight of the smoothness term: 0, then a linear ramp, then constant."""
        config = self.config
        return config.smoothness_weight * ramp(progress, start=config.smoothness_start, full=config.smoothness_full)
