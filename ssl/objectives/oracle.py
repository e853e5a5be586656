"""The supervised oracle: GMRW's network taught the exact motion of generated scenes, as a ceiling for what walks learn.

The loss is the mean L1 distance, |dx| + |dy| in pixels, between the expected displacement of a node and its true one
(GMFlow's loss), over the nodes whose point is visible and inside the frame in both images. Every view gives a pair of
frames and every pair is learnt in both directions, which one pass of the network yields.

Shapes: B pairs, H W grid rows and columns, N = H W nodes, 2 = (x, y) in pixels.
"""

from dataclasses import dataclass, field
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from densewalk.datasets.config import require
from densewalk.datasets.errors import ConfigError
from densewalk.datasets.geometry import correspond, grid_points
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.views import ClipBatch
from densewalk.ssl.matchers.gmflow import GMFlow, GMFlowConfig
from densewalk.ssl.objectives.objective import MatcherObjective, ObjectiveConfig, Progress, StepOutput
from densewalk.ssl.objectives.panels import flow_panel, palindrome_panel

__all__ = ["Oracle", "OracleConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleConfig(ObjectiveConfig):
    """Settings of the supervised oracle."""

    name: Literal["oracle"] = "oracle"
    """Fixed."""
    matcher: GMFlowConfig = field(default_factory=GMFlowConfig)
    """The network; that of the GMRW run it is a ceiling for."""
    plan: PalindromePlan = field(default_factory=lambda: PalindromePlan(size=512, motion=True))
    """Views a batch must carry; `plan.motion` is the truth that is learnt."""

    def __post_init__(self) -> None:
        require(
            not self.plan.motion and "objective.plan.motion=false; the oracle learns from exact motion, set it to true",
            self.plan.num_frames != 2 and f"objective.plan.num_frames={self.plan.num_frames}; the oracle takes pairs",
        )


class Oracle(MatcherObjective):
    """Regresses displacement in both directions of the pair of frames that each view shows."""

    matcher: GMFlow

    def __init__(self, config: OracleConfig) -> None:
        super().__init__(config, GMFlow(config.matcher))
        self.config = config

    def forward(self, batch: ClipBatch, progress: Progress) -> StepOutput:
        """Return the mean L1 distance to the true displacement, with the endpoint error and the share of nodes known.

        Raises `ConfigError` when the batch has no motion, as clips of a dataset have none.
        """
        if batch.motion is None:
            raise ConfigError(
                f"clips such as {batch.keys[0]} carry no motion and the oracle learns from it; train on generated "
                "scenes alone (data.scene_weight=1 and no dataset)"
            )
        images = tuple(torch.cat([view.image_BCHW(frame) for view in batch.views]) for frame in (0, 1))
        maps = self.matcher.encode(torch.cat(images)).chunk(2)
        flow_B2HW = torch.cat(self.matcher.displacement(*maps))
        true_BN2, known_BN = _truth(batch, (flow_B2HW.shape[-2], flow_B2HW.shape[-1]), stride=self.matcher.stride)
        error_BN2 = flow_B2HW.flatten(2).transpose(1, 2) - true_BN2
        count = known_BN.sum().clamp_min(1)
        loss = (error_BN2.abs().sum(-1) * known_BN).sum() / count
        with torch.no_grad():
            endpoint_error = (error_BN2.norm(dim=-1) * known_BN).sum() / count
            true_length = (true_BN2.norm(dim=-1) * known_BN).sum() / count
        return StepOutput(
            loss=loss,
            scalars={"EPE": endpoint_error, "true_px": true_length, "labelled": known_BN.float().mean()},
            panels={
                "pairs": lambda: palindrome_panel(images),
                "flow": lambda: flow_panel(flow_B2HW, images[0]),
            },
        )


def _truth(
    batch: ClipBatch, grid_hw: tuple[int, int], *, stride: int
) -> tuple[Float[Tensor, "b n 2"], Bool[Tensor, "b n"]]:
    """Return the true displacement of nodes and where it is known: forth for every view, then back for every view."""
    start_N2 = grid_points(*grid_hw, stride=stride, device=batch.views[0].video_BTCHW.device)
    start_BN2 = start_N2.expand(len(batch), -1, -1)
    ends, known = zip(
        *(
            correspond(view, view, batch.motion, start_BN2, source_position=source, target_position=1 - source)
            for source in (0, 1)
            for view in batch.views
        ),
        strict=True,
    )
    return torch.cat(ends) - start_N2, torch.cat(known)
