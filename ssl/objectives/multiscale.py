"""The multi-scale walk: two-frame palindromes at every level of a pyramid, each level around the one before (FlowWalk).

At the coarsest level every walker may go everywhere; at a finer one it keeps to a window around where the coarser level
expects it, on the way there and on the way back. Each level has labels of its own, warped by the crop of the return as
in GMRW. FlowWalk's regression of the flow from correlations is left out: the flow is read from the transitions.

Shapes: B batch, N nodes, H W grid rows and columns, 2 = (x, y) in pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor

from densewalk.datasets.config import require
from densewalk.datasets.geometry import grid_points
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.views import ClipBatch
from densewalk.ssl.matchers.palindrome import encode_palindrome
from densewalk.ssl.matchers.pyramid import CoarseToFine, PyramidConfig, PyramidMatcher
from densewalk.ssl.objectives.objective import MatcherObjective, ObjectiveConfig, Progress, StepOutput
from densewalk.ssl.objectives.panels import flow_panel, palindrome_panel
from densewalk.ssl.objectives.ramp import ramp
from densewalk.ssl.walk.diagnostics import chance_accuracy, return_accuracy, return_statistics
from densewalk.ssl.walk.labels import WalkLabels, palindrome_labels
from densewalk.ssl.walk.local_loss import local_walk_loss
from densewalk.ssl.walk.loss import walk_loss
from densewalk.ssl.walk.smoothness import smoothness
from densewalk.ssl.walk.visibility import move_points

__all__ = ["MultiScaleConfig", "MultiScaleWalk"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiScaleConfig(ObjectiveConfig):
    """Settings of the multi-scale walk."""

    name: Literal["multiscale"] = "multiscale"
    """Fixed."""
    matcher: PyramidConfig = field(default_factory=PyramidConfig)
    """The network whose transitions are walked, with its levels and the radius of their windows."""
    plan: PalindromePlan = field(default_factory=lambda: PalindromePlan(size=512))
    """Views a batch must carry; `plan.independent_return` is label warping."""
    level_weights: tuple[float, ...] = (1.0, 1.0, 1.0)
    """Weights of the walk losses, one a level, the coarsest first (ARFlow's pyramid: equal but for one level)."""
    smoothness_weight: float = 200.0
    """Weight of the smoothness of the finest flow once its ramp is over (GMRW: 200 on MOVi-E)."""
    smoothness_start: float = 0.07
    """Share of the run before the smoothness ramp begins (GMRW: 5,000 of 73,000 steps)."""
    smoothness_full: float = 0.2
    """Share of the run at which the ramp is complete (GMRW: 15,000 of 73,000 steps)."""
    probe_every: int = 50
    """Steps between two measurements of the shortcut; they need at least two clips in a step."""

    def __post_init__(self) -> None:
        weights, start, full = self.level_weights, self.smoothness_start, self.smoothness_full
        require(
            len(weights) != self.matcher.num_levels
            and f"objective.level_weights={weights} must have as many entries as "
            f"objective.matcher.num_levels={self.matcher.num_levels}",
            (min(weights, default=0) < 0 or sum(weights) == 0)
            and f"objective.level_weights={weights} must not be negative, nor all zero",
            self.smoothness_weight < 0 and f"objective.smoothness_weight={self.smoothness_weight} must not be negative",
            not 0 <= start <= full <= 1
            and f"objective.smoothness_start={start} and smoothness_full={full} must be ordered shares of the run",
            self.probe_every < 1 and f"objective.probe_every={self.probe_every} must be at least 1",
            self.plan.num_frames != 2
            and f"objective.plan.num_frames={self.plan.num_frames}; the multi-scale walk takes two frames",
        )


class MultiScaleWalk(MatcherObjective):
    """Walks two frames forward and back under another crop, at every level of a coarse-to-fine matcher."""

    matcher: PyramidMatcher

    def __init__(self, config: MultiScaleConfig) -> None:
        super().__init__(config, PyramidMatcher(config.matcher))
        self.config = config

    def forward(self, batch: ClipBatch, progress: Progress) -> StepOutput:
        """Return the weighted walk losses of all levels plus weighted smoothness of the finest flow."""
        images, (first, middle, last) = encode_palindrome(self.matcher, batch)
        match = self.matcher.match(torch.cat((first, middle)), torch.cat((middle, last)))
        there, back = match.split(len(batch))
        labels = self._labels(batch, match)
        losses, scalars = self._walk(there, back, labels)
        walk = (losses * losses.new_tensor(self.config.level_weights)).sum()
        smooth = self.config.smoothness_weight * ramp(
            progress, start=self.config.smoothness_start, full=self.config.smoothness_full
        )
        with torch.set_grad_enabled(smooth > 0 and torch.is_grad_enabled()):
            rough = smoothness(match.flows[-1], torch.cat(images[:2]))
        scalars |= {"walk_loss": walk.detach(), "smoothness": rough.detach()}
        scalars |= _statistics(there.flows[-1], back.flows[-1], labels[-1], stride=self.matcher.stride)
        if progress.step % self.config.probe_every == 0 and len(batch) > 1:
            scalars |= _shortcut(there, back, labels[0])
        return StepOutput(
            loss=walk + smooth * rough,
            scalars=scalars,
            panels={
                "palindrome": lambda: palindrome_panel(images),
                "flow": lambda: flow_panel(match.flows[-1], images[0]),
            },
        )

    def _labels(self, batch: ClipBatch, match: CoarseToFine) -> list[WalkLabels]:
        """Return the labels of every level."""
        forward_view, backward_view = batch.views
        return [
            palindrome_labels(
                forward_view, backward_view, batch.motion, grid_hw=(flow.shape[-2], flow.shape[-1]), stride=stride
            )
            for flow, stride in zip(match.flows, self.matcher.strides, strict=True)
        ]

    def _walk(
        self, there: CoarseToFine, back: CoarseToFine, labels: Sequence[WalkLabels]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the walk loss of every level, with its scalars: losses, and the share of starts that reach home."""
        coarsest, *finer = self.matcher.strides
        losses = [walk_loss(there.coarse, back.coarse, labels[0])]
        scalars = {f"walk_loss_{coarsest}px": losses[0].detach()}
        for stride, out, home, label in zip(finer, there.fine, back.fine, labels[1:], strict=True):
            loss, reachable = local_walk_loss(out, home, label)
            losses.append(loss)
            scalars |= {f"walk_loss_{stride}px": loss.detach(), f"reachable_{stride}px": reachable}
        return torch.stack(losses), scalars


@torch.no_grad()
def _statistics(there_B2HW: Tensor, back_B2HW: Tensor, labels: WalkLabels, *, stride: int) -> dict[str, Tensor]:
    """Return how far from home points end that follow one flow and then the other."""
    grid_hw = (there_B2HW.shape[-2], there_B2HW.shape[-1])
    start_BN2 = grid_points(*grid_hw, stride=stride, device=there_B2HW.device).expand(len(there_B2HW), -1, -1)
    middle_BN2 = move_points(start_BN2, there_B2HW, stride=stride)
    end_BN2 = move_points(middle_BN2, back_B2HW, stride=stride)
    return return_statistics(end_BN2, labels, grid_hw=grid_hw, stride=stride)


def _shortcut(there: CoarseToFine, back: CoarseToFine, labels: WalkLabels) -> dict[str, Tensor]:
    """Return how many walkers of the coarsest level come home although they went out through another clip's frame."""
    out = replace(there.coarse, target_BND=there.coarse.target_BND.roll(1, dims=0))
    accuracy = return_accuracy(out, back.coarse, labels)
    return {"shortcut": accuracy, "chance": accuracy.new_tensor(chance_accuracy(labels))}
