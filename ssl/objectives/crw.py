"""Contrastive random walks over patches of a video (CRW, Jabri et al. 2020).

Frames are cut into nodes whose features are unit vectors q; walkers go from frame to frame by A = softmax(q q' / tau)
with some edges dropped at random, turn back at the last frame, and every one must come home. The loss is the mean of
-log P(home) over palindromes of growing length from the same first frame. Every frame is shown through a crop of its
own and every patch through another, so a node's place in the grid says little about what it shows. `nodes="image"`
takes the nodes of the encoder's map of each cropped frame instead: cheaper and denser, but its border and its padding
give places away, and walkers can learn to come home without looking; the scalar `shortcut`, above `chance`, tells.

Shapes: B batch, T frames, N nodes, C channels, H W rows and columns of an image, D feature width.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from densewalk.datasets.config import require
from densewalk.datasets.errors import ConfigError
from densewalk.datasets.geometry import transform_points
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.views import ClipBatch
from densewalk.ssl.encoders.resnet import ResNet, ResNetConfig
from densewalk.ssl.matchers.cosine import CosineMatcher
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.objectives.objective import Objective, ObjectiveConfig, Progress, StepOutput
from densewalk.ssl.objectives.patches import cut_patches, draw_crops, patch_cells, patches_per_side
from densewalk.ssl.show.heat import heat_overlay
from densewalk.ssl.walk.chain import chain_transitions, sub_cycle_losses
from densewalk.ssl.walk.labels import identity_labels
from densewalk.ssl.walk.pair_features import PairFeatures
from densewalk.ssl.walk.transition import transition

__all__ = ["CRW", "CRWConfig"]

_MEAN = (0.4914, 0.4822, 0.4465)
_STD = (0.2023, 0.1994, 0.2010)
_MARK = (92, 225, 255)


def _plan() -> PalindromePlan:
    """Return the whole square of four frames; CRW's `frame-skip 8` resamples Kinetics to 8 frames a second."""
    return PalindromePlan(
        size=256,
        num_frames=4,
        gap_seconds=(0.125, 0.125),
        crop_area=(1.0, 1.0),
        crop_aspect=(1.0, 1.0),
        independent_return=False,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CRWConfig(ObjectiveConfig):
    """Settings of the CRW objective."""

    name: Literal["crw"] = "crw"
    """Fixed."""
    plan: PalindromePlan = field(default_factory=_plan)
    """Views a batch must carry; the walk uses the forward view and crops it itself."""
    encoder: ResNetConfig = field(default_factory=lambda: ResNetConfig(padding="reflect", mean=_MEAN, std=_STD))
    """The network that describes patches (CRW: ResNet-18, the last two stages without stride, reflected borders)."""
    dim: int = 128
    """Width of a node's feature after the linear head (CRW: 128)."""
    nodes: Literal["patches", "image"] = "patches"
    """What a node is: an overlapping patch, or a cell of the encoder's map of the whole frame."""
    patch_px: int = 64
    """Side of a patch, pixels (CRW: 64)."""
    patch_stride_px: int = 32
    """Distance of neighbouring patches, pixels (CRW: 32, 7 x 7 patches)."""
    frame_crop_area: tuple[float, float] = (0.8, 0.95)
    """Range of the share of the frame that each frame's crop shows (CRW: 0.8-0.95)."""
    frame_crop_aspect: tuple[float, float] = (0.7, 1.3)
    """Range of that crop's width over height (CRW: 0.7-1.3)."""
    patch_crop_area: tuple[float, float] = (0.7, 0.9)
    """Range of the share of a patch that its own crop shows (CRW: 0.7-0.9)."""
    patch_crop_aspect: tuple[float, float] = (0.75, 4 / 3)
    """Range of that crop's width over height (CRW: 3/4-4/3)."""
    edge_dropout: float = 0.1
    """Probability that an edge is left out of a step, drawn for each direction (CRW: 0.1)."""
    temperature: float = 0.05
    """Divisor of the cosine (CRW: 0.05 in its published command, 0.07 in its code)."""
    skip_two_frame_cycle: bool = True
    """Leave the shortest palindrome out of the loss, as CRW's code does."""
    subject_stages: int = 3
    """Stages of the encoder that the evaluated matcher reads (CRW: 3, the last one is removed)."""
    probe_every: int = 50
    """Steps between two measurements of the shortcut; they need at least two clips in a step."""

    def __post_init__(self) -> None:
        areas = {name: getattr(self, name) for name in ("frame_crop_area", "patch_crop_area")}
        aspects = {name: getattr(self, name) for name in ("frame_crop_aspect", "patch_crop_aspect")}
        shortest = 3 if self.skip_two_frame_cycle else 2
        require(
            self.dim < 1 and f"objective.dim={self.dim} must be at least 1",
            not 1 <= self.patch_stride_px <= self.patch_px <= self.plan.size
            and f"objective.patch_stride_px={self.patch_stride_px}, objective.patch_px={self.patch_px} and "
            f"objective.plan.size={self.plan.size} must not decrease from at least 1",
            *(
                not 0 < low <= high <= 1 and f"objective.{name}={(low, high)} is not a range within (0, 1]"
                for name, (low, high) in areas.items()
            ),
            *(
                not 0 < low <= high and f"objective.{name}={(low, high)} is not a range of positive ratios"
                for name, (low, high) in aspects.items()
            ),
            not 0 <= self.edge_dropout < 1 and f"objective.edge_dropout={self.edge_dropout} must be in [0, 1)",
            self.temperature <= 0 and f"objective.temperature={self.temperature} must be positive",
            self.plan.num_frames < shortest
            and f"objective.plan.num_frames={self.plan.num_frames} leaves no palindrome; use at least {shortest} "
            "(2 with objective.skip_two_frame_cycle=false)",
            not 1 <= self.subject_stages <= self.encoder.stages
            and f"objective.subject_stages={self.subject_stages} must be 1 to encoder.stages={self.encoder.stages}",
            self.probe_every < 1 and f"objective.probe_every={self.probe_every} must be at least 1",
        )


class CRW(Objective):
    """Walks a clip there and back and asks every node to come home.

    Crops and dropped edges are drawn from torch's generators, whose state the training loop saves.
    """

    def __init__(self, config: CRWConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = ResNet(config.encoder)
        self.head = nn.Linear(self.encoder.dim, config.dim)
        if config.nodes == "patches":
            name, self._side_px, self._node_px = "patch_px", config.patch_px, config.patch_stride_px
            self._grid = patches_per_side(config.plan.size, patch_px=config.patch_px, stride_px=config.patch_stride_px)
        else:
            name, self._side_px, self._node_px = "plan.size", config.plan.size, self.encoder.stride
            self._grid = config.plan.size // self.encoder.stride
        if self._side_px % self.encoder.stride:
            raise ConfigError(
                f"objective.{name}={self._side_px} must be a multiple of the encoder's stride, "
                f"{self.encoder.stride} pixels"
            )

    @property
    def plan(self) -> PalindromePlan:
        """The views a batch must carry."""
        return self.config.plan

    def subject(self) -> Matcher:
        """Return the encoder without its last stages as a matcher by cosine; the weights are shared, not copied."""
        with torch.device("meta"):
            encoder = ResNet(replace(self.config.encoder, stages=self.config.subject_stages))
        for name, _ in list(encoder.named_children()):
            setattr(encoder, name, self.encoder.get_submodule(name))
        return CosineMatcher(encoder, temperature=self.config.temperature)

    def forward(self, batch: ClipBatch, progress: Progress) -> StepOutput:
        """Return the mean loss of all palindromes from the first frame, and how many walkers come home."""
        config = self.config
        frame_BTCHW = batch.views[0].video_BTCHW.float() / 255
        frame_from_crop_BT33, frame_from_patch_BTN33 = self._draw(frame_BTCHW)
        node_BTND = self._nodes(frame_BTCHW, frame_from_patch_BTN33)
        there, back = self._steps(node_BTND, edge_dropout=config.edge_dropout)
        labels = identity_labels(len(batch), node_BTND.shape[2], device=node_BTND.device)
        shortest = 3 if config.skip_two_frame_cycle else 2
        lengths = range(shortest, config.plan.num_frames + 1)
        loss_L = sub_cycle_losses(there, back, labels, shortest=shortest)
        scalars = {f"walk_loss_{n}": loss for n, loss in zip(lengths, loss_L.detach(), strict=True)}
        scalars |= {f"returned_{n}": _returned(there[: n - 1], back[: n - 1]) for n in lengths}
        if progress.step % config.probe_every == 0 and len(batch) > 1:
            scalars |= self._shortcut(node_BTND.detach())
        return StepOutput(
            loss=loss_L.mean(),
            scalars=scalars,
            panels={
                "patches": lambda: _patches_panel(frame_BTCHW[0], frame_from_patch_BTN33[0], side_px=self._side_px),
                "step": lambda: self._step_panel(frame_BTCHW[0], frame_from_crop_BT33[0], node_BTND[0].detach()),
            },
        )

    def _draw(self, frame_BTCHW: Tensor) -> tuple[Float[Tensor, "b t 3 3"], Float[Tensor, "b t n 3 3"]]:
        """Draw the crop of every frame and of every patch in it; without patches the whole crop is the only one."""
        config, (batch, num_frames), device = self.config, frame_BTCHW.shape[:2], frame_BTCHW.device
        side, count = config.plan.size, batch * num_frames
        crop_K33 = draw_crops(count, side_px=side, area=config.frame_crop_area, aspect=config.frame_crop_aspect)
        crop_BT33 = crop_K33.unflatten(0, (batch, num_frames)).to(device)
        if config.nodes == "image":
            return crop_BT33, crop_BT33[:, :, None]
        cell_N33 = patch_cells(side, patch_px=config.patch_px, stride_px=config.patch_stride_px).to(device)
        patch_K33 = draw_crops(
            count * len(cell_N33), side_px=config.patch_px, area=config.patch_crop_area, aspect=config.patch_crop_aspect
        )
        patch_BTN33 = patch_K33.unflatten(0, (batch, num_frames, -1)).to(device)
        return crop_BT33, crop_BT33[:, :, None] @ cell_N33 @ patch_BTN33

    def _nodes(self, frame_BTCHW: Tensor, frame_from_patch_BTN33: Tensor) -> Float[Tensor, "b t n d"]:
        """Return the unit features of every node."""
        patch_KNCPP = cut_patches(
            frame_BTCHW.flatten(0, 1), frame_from_patch_BTN33.flatten(0, 1), side_px=self._side_px
        )
        map_JDHW = self.encoder(patch_KNCPP.flatten(0, 1))
        if self.config.nodes == "patches":
            map_JDHW = map_JDHW.mean((-2, -1), keepdim=True)
        node_JND = F.normalize(self.head(map_JDHW.flatten(2).transpose(1, 2)), dim=-1)
        return node_JND.reshape(*frame_BTCHW.shape[:2], -1, self.config.dim)

    def _steps(self, node_BTND: Tensor, *, edge_dropout: float = 0.0) -> tuple[list[Tensor], list[Tensor]]:
        """Return the transitions from every frame to the next, and from the next back to it."""
        grid_hw, temperature = (self._grid, self._grid), self.config.temperature
        pairs = [
            PairFeatures(source_BND=source, target_BND=target, grid_hw=grid_hw, temperature=temperature)
            for source, target in pairwise(node_BTND.unbind(1))
        ]
        there = [transition(pair, edge_dropout=edge_dropout) for pair in pairs]
        return there, [transition(pair.swapped(), edge_dropout=edge_dropout) for pair in pairs]

    @torch.no_grad()
    def _shortcut(self, node_BTND: Tensor) -> dict[str, Tensor]:
        """Return how many walkers come home by their place in the grid alone, and how many would by chance.

        They go out through the frames of another clip and come back from the same places of their own. One unrelated
        clip both ways would not do: likeness is mutual, and features drawn at random bring half of all walkers home.
        """
        other_BTND = torch.cat((node_BTND[:, :1], node_BTND[:, 1:].roll(1, dims=0)), dim=1)
        (there, _), (_, back) = self._steps(other_BTND), self._steps(node_BTND)
        return {"shortcut": _returned(there, back), "chance": node_BTND.new_tensor(1 / node_BTND.shape[2])}

    def _step_panel(
        self, frame_TCHW: Tensor, frame_from_crop_T33: Tensor, node_TND: Tensor
    ) -> UInt8[np.ndarray, "h w 3"]:
        """Return the first cropped frame with its middle node marked, and where walkers from it go in the next."""
        there, _ = self._steps(node_TND[None, :2])
        row = column = self._grid // 2
        weight_HW = there[0][0, row * self._grid + column].unflatten(0, (self._grid, self._grid)).float().cpu().numpy()
        crop_T1CHW = cut_patches(frame_TCHW, frame_from_crop_T33[:, None], side_px=self.plan.size)
        first_HWC, next_HWC = (_picture(crop_1CHW[0]) for crop_1CHW in crop_T1CHW[:2])
        step, extent = self._node_px, self._node_px * self._grid
        margin = (self._side_px - step) // 2 if self.config.nodes == "patches" else 0
        left, top = margin + column * step, margin + row * step
        cv2.rectangle(first_HWC, (left, top), (left + step - 1, top + step - 1), _MARK, 1)
        shown = slice(margin, margin + extent)
        next_HWC[shown, shown] = heat_overlay(np.ascontiguousarray(next_HWC[shown, shown]), weight_HW)
        return np.concatenate((first_HWC, next_HWC), axis=1)


@torch.no_grad()
def _returned(there: Sequence[Tensor], back: Sequence[Tensor]) -> Tensor:
    """Return the share of walkers whose most likely end is the node they started from, as CRW measures it."""
    end_BN = chain_transitions([*there, *reversed(back)]).argmax(-1)
    return (end_BN == torch.arange(end_BN.shape[1], device=end_BN.device)).float().mean()


def _patches_panel(frame_TCHW: Tensor, frame_from_patch_TN33: Tensor, *, side_px: int) -> UInt8[np.ndarray, "h w 3"]:
    """Return the frames of a clip side by side with the outlines of what the encoder sees of each."""
    corner_22 = torch.tensor([[0.0, 0.0], [side_px, side_px]], device=frame_TCHW.device)
    corner_TN22 = transform_points(frame_from_patch_TN33, corner_22.expand(*frame_from_patch_TN33.shape[:2], -1, -1))
    pictures = [_picture(frame_CHW) for frame_CHW in frame_TCHW]
    for picture_HWC, box_N22 in zip(pictures, corner_TN22.round().int().tolist(), strict=True):
        for (left, top), (right, bottom) in box_N22:
            cv2.rectangle(picture_HWC, (left, top), (right - 1, bottom - 1), _MARK, 1)
    return np.concatenate(pictures, axis=1)


def _picture(image_CHW: Tensor) -> UInt8[np.ndarray, "h w 3"]:
    return np.ascontiguousarray((image_CHW.permute(1, 2, 0) * 255).round().byte().cpu().numpy())
