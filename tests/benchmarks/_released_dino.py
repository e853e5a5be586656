"""The released video segmentation of DINO, imported from the checkout that the environment variable DINO_CODE names.

Nothing of it is kept here. It imports torchvision and a progress bar that propagation does not use, so empty modules
stand in for them where they are missing, in this process only: call these functions in a fresh one. Frames are not read
and masks are not written as files, since neither is compared; on a CPU `Tensor.cuda` is made to stay there.

Shapes: T frames, D feature width, H W rows and columns.
"""

import os
import sys
from argparse import Namespace
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from densewalk.ssl.propagate.config import PRESETS

__all__ = ["checkout", "propagate_as_released", "reach_as_released", "released_transformer"]

_PATCH = 16
_UNUSED = {"torchvision": ("torchvision", "torchvision.transforms"), "tqdm": ("tqdm",)}


def checkout() -> Path | None:
    """Return the folder that DINO_CODE names; raises `FileNotFoundError` when it holds something else."""
    if not (named := os.environ.get("DINO_CODE")):
        return None
    if not (folder := Path(named)).joinpath("eval_video_segmentation.py").is_file():
        raise FileNotFoundError(
            f"DINO_CODE={named} has no eval_video_segmentation.py; name a checkout of github.com/facebookresearch/dino"
        )
    return folder


class Recorded:
    """Given feature maps in place of a network's, in the order of the video's frames."""

    patch_embed = SimpleNamespace(patch_size=_PATCH)

    def __init__(self, maps: Iterator[Tensor]) -> None:
        self._maps = maps

    def get_intermediate_layers(self, image_BCHW: Tensor, n: int) -> list[Tensor]:
        token_ND = next(self._maps).flatten(1).T.to(image_BCHW.device)
        return [torch.cat((torch.zeros_like(token_ND[:1]), token_ND))[None]]


def released_transformer(device: str) -> nn.Module:
    """Return ViT-S/16 with fresh weights."""
    _module(device)
    return import_module("vision_transformer").vit_small(patch_size=_PATCH, num_classes=0).to(device).eval()


@torch.no_grad()
def propagate_as_released(
    model: "nn.Module | Recorded", image_T3HW: Tensor, first_mask_HW: np.ndarray, *, device: str
) -> np.ndarray:
    """Return the masks (T, H, W) of the released routine for a video at the network's size."""
    released = _module(device)
    size_hw, images, masks = first_mask_HW.shape, iter(image_T3HW), []
    released.read_frame = lambda *_: (next(images), *size_hw)
    released.imwrite_indexed = lambda _, mask_HW, __: masks.append(mask_HW)
    rows, columns = image_T3HW.shape[-2] // _PATCH, image_T3HW.shape[-1] // _PATCH
    small = released.Image.fromarray(first_mask_HW).resize((columns, rows), 0)
    first_1LHW = released.to_one_hot(torch.from_numpy(np.array(small))[None])
    names = [f"/{t:05d}.jpg" for t in range(len(image_T3HW))]
    released.eval_video_tracking_davis(released.args, model, names, "/video", first_1LHW, first_mask_HW, None)
    return np.stack(masks)


def reach_as_released(rows: int, columns: int, device: str) -> None:
    """Build the N x N matrix of what is within the radius, here once, in the released code once a video."""
    _module(device).restrict_neighborhood(rows, columns)


@cache
def _module(device: str) -> Any:
    """Return eval_video_segmentation.py, quiet and on the device."""
    sys.path.insert(0, str(checkout()))
    for package, modules in _UNUSED.items():
        if find_spec(package) is None:
            sys.modules.update({name: ModuleType(name) for name in modules})
            vars(sys.modules[package]).update(transforms=None, tqdm=None)
    if device == "cpu":
        torch.Tensor.cuda = lambda tensor, *_, **__: tensor  # type: ignore[method-assign,assignment]
    released = import_module("eval_video_segmentation")
    released.tqdm = iter
    released.os = SimpleNamespace(path=os.path, makedirs=lambda *_, **__: None)
    released.restrict_neighborhood = cache(released.restrict_neighborhood)
    dino = PRESETS["dino"]
    released.args = Namespace(
        output_dir="/",
        n_last_frames=dino.context,
        size_mask_neighborhood=dino.radius,
        topk=dino.top_k,
        patch_size=_PATCH,
    )
    return released
