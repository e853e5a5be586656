"""The released implementation of GMRW, imported from the checkout that the environment variable GMRW_CODE names.

Nothing of it is kept here. It imports packages that a step does not use (flash attention, loggers, HTML), so empty
modules stand in for those that are not installed, in this process only: call these functions in a fresh one.

Shapes: B batch, T frames, H W rows and columns, N nodes, K queries.
"""

import os
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from densewalk.datasets.geometry import affine_scale_shift
from densewalk.datasets.views import ClipBatch
from tests.benchmarks._published_step import StepKind, palindrome

__all__ = [
    "affine_of_return",
    "checkout",
    "frames_of",
    "released_network",
    "released_step",
    "track_as_released",
]

_UNUSED = {"flash_attn": ("flash_attn_qkvpacked_func",), "wandb": (), "dominate": (), "dominate.tags": ()}
_TRAINING_FLAGS = "--data_path datasets/movi --no_of_frames 2 --data_aug_setting setting2 --smoothness_curriculum"
_SIZES = {
    "num_scales": 2,
    "feature_channels": 128,
    "upsample_factor": 8,
    "num_head": 1,
    "attention_type": "swin",
    "ffn_dim_expansion": 4,
    "num_transformer_layers": 6,
    "norm": False,
}


def checkout() -> Path | None:
    """Return the folder that GMRW_CODE names; raises `FileNotFoundError` when it holds something else."""
    if not (named := os.environ.get("GMRW_CODE")):
        return None
    if not (folder := Path(named)).joinpath("models/gmrw.py").is_file():
        raise FileNotFoundError(f"GMRW_CODE={named} has no models/gmrw.py; name a checkout of github.com/ayshrv/gmrw")
    return folder


def released_network(device: str, kind: StepKind) -> nn.Module:
    """Return the network as the training script builds it with the flags of the published Kubric run."""
    flags = _TRAINING_FLAGS + (" --smoothness_loss" if kind.smooth else "")
    args = _module("arguments").train_args(flags)
    args.device = torch.device(device)
    network = _module("models").GMRW(args=args, gradient_checkpointing=kind.checkpoint, **_SIZES)
    return network.to(device)


def released_step(side: int, kind: StepKind, device: str) -> Callable[[], None]:
    """Return a training step, forward and backward, at the full smoothness weight; without anomaly detection."""
    torch.manual_seed(0)
    network, batch = released_network(device, kind), palindrome(side).to(device)
    frames_BTCHW = frames_of(batch)
    affine_B23 = affine_of_return(batch, side // 4)

    def step() -> None:
        network.zero_grad(set_to_none=True)
        with kind.precision(device):
            outputs = network(frames_BTCHW, affine_B23, 200.0)
        outputs[1].mean().backward()

    return step


def frames_of(batch: ClipBatch) -> Tensor:
    """Return the frames of both views in walking order, RGB in 0-1."""
    return torch.cat([view.video_BTCHW for view in batch.views], dim=1).float() / 255


def affine_of_return(batch: ClipBatch, grid: int) -> Tensor:
    """Return the map from the forward crop to the backward crop, where -1 and 1 are the outermost of `grid` nodes."""
    forward, backward = (view.clip_from_view_B33 for view in batch.views)
    centre = (grid - 1) / 2
    node_from_unit = affine_scale_shift((centre, centre), (centre, centre))
    raster_from_node = affine_scale_shift((4.0, 4.0), (2.0, 2.0))
    raster_from_unit = (raster_from_node @ node_from_unit).to(forward)
    return (raster_from_unit.inverse() @ backward.inverse() @ forward @ raster_from_unit)[:, :2]


@torch.no_grad()
def track_as_released(
    network: nn.Module, video_BTCHW: Tensor, query_BK3: Tensor, *, upsample: int
) -> tuple[Tensor, Tensor]:
    """Track queries (frame, y, x) in frames of 0-255 in the order of the released evaluation, chained.

    Every pair of neighbours passes through the network once forwards and once backwards in time, and a pass encodes
    both of its frames.
    """
    height, width = video_BTCHW.shape[-2:]
    network_BTCHW = nn.functional.interpolate(
        video_BTCHW[0], scale_factor=upsample, mode="bilinear", align_corners=True
    )[None]
    read = _module("utils.utils").compute_flow_from_affinity
    device = video_BTCHW.device

    def flows(frames: Tensor) -> Tensor:
        fields = []
        for first in range(frames.shape[1] - 1):
            pairs = network.compute_correspondence(frames[:, first : first + 2])
            fields.append(read(pairs, H=height, W=width, weight_method="weighted_sum", device=device))
        return torch.cat(fields, dim=1)

    forward, backward = flows(network_BTCHW), flows(network_BTCHW.flip(1)).flip(1)
    follow = _module("utils.tracking_utils").get_tracks_from_flows_query_points
    return follow(query_points=query_BK3.clone(), forward_flows=forward, backward_flows=backward, device=device)


def _module(name: str) -> Any:
    """Return a module of the released code."""
    folder = str(checkout())
    if folder not in sys.path:
        sys.path.insert(0, folder)
        for unused, names in _UNUSED.items():
            if unused.split(".")[0] in sys.modules or find_spec(unused) is None:
                sys.modules[unused] = empty = ModuleType(unused)
                vars(empty).update(dict.fromkeys(names))
    return import_module(name)
