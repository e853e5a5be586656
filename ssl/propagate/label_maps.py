"""Masks as soft labels of nodes, and back.

A node's first labels are the shares of its cell that the classes cover, or what lies at the cell's centre. On the way
back every class is enlarged bilinearly and the largest wins. Stretched to 0-1 over the frame before, as DINO and UVC do
it, a class whose labels have faded still wins where it is strongest.

Shapes: L classes, H W rows and columns of the video, gh gw of a label map.
"""

from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from densewalk.ssl.track.frames import EncodedFrames

__all__ = ["labels_of_mask", "mask_of_labels", "stretched"]


def labels_of_mask(
    mask_HW: UInt8[np.ndarray, "h w"],
    ids_L: UInt8[np.ndarray, " l"],
    frames: EncodedFrames,
    *,
    reduction: Literal["area", "bilinear", "nearest"],
) -> Float[Tensor, "l gh gw"]:
    """Return the labels, 0-1, that a mask of the video's size gives to the nodes of `frames`."""
    if reduction == "nearest":
        return _one_hot(_nearest(mask_HW, frames.grid_hw, frames.size_hw, cell_px=frames.stride), ids_L, frames.device)
    at_network_HW = _nearest(mask_HW, frames.size_hw, frames.size_hw)
    one_hot_1LHW = frames.pad(_one_hot(at_network_HW, ids_L, frames.device)[None])
    if reduction == "area":
        return frames.shown(F.avg_pool2d(one_hot_1LHW, frames.stride))[0]
    nodes_hw = [side // frames.stride for side in frames.padded_hw]
    return frames.shown(F.interpolate(one_hot_1LHW, nodes_hw, mode="bilinear"))[0]


def mask_of_labels(
    label_LHW: Float[Tensor, "l gh gw"],
    ids_L: UInt8[np.ndarray, " l"],
    frames: EncodedFrames,
    *,
    stretch: bool,
    decode_at: Literal["video", "network"],
) -> UInt8[np.ndarray, "h w"]:
    """Return the mask of the video's size in which every pixel has the id of its largest class."""
    at_network = decode_at == "network" or frames.size_hw == frames.video_hw
    best_HW = torch.full((), -torch.inf, device=label_LHW.device)
    winner_HW = torch.zeros((), dtype=torch.uint8, device=label_LHW.device)
    for number, label_HW in enumerate(label_LHW):  # one class after the other: few, and large when enlarged
        large_HW = _enlarged(label_HW, frames, at_network=at_network)
        if stretch:
            large_HW = stretched(large_HW)
        wins_HW = large_HW > best_HW
        winner_HW = torch.where(wins_HW, number, winner_HW)
        best_HW = torch.where(wins_HW, large_HW, best_HW)
    mask_HW = ids_L[winner_HW.cpu().numpy()]
    return _nearest(mask_HW, frames.video_hw, frames.video_hw) if at_network else mask_HW


def _enlarged(label_HW: Tensor, frames: EncodedFrames, *, at_network: bool) -> Tensor:
    label_11HW = label_HW[None, None]
    if not at_network:
        return frames.at_video_pixels(label_11HW)[0, 0]
    large_11HW = F.interpolate(label_11HW, scale_factor=float(frames.stride), mode="bilinear")
    return large_11HW[0, 0, : frames.size_hw[0], : frames.size_hw[1]]


def stretched(label_HW: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    """Return a class from 0 to 1 over the frame; one that is the same everywhere stays as it is."""
    low, high = label_HW.aminmax()
    return torch.where(high > low, (label_HW - low) / (high - low), label_HW)


def _one_hot(mask_HW: np.ndarray, ids_L: np.ndarray, device: torch.device) -> Tensor:
    return torch.from_numpy((mask_HW == ids_L[:, None, None]).astype(np.float32)).to(device)


def _nearest(
    mask_HW: np.ndarray, cells_hw: tuple[int, int], raster_hw: tuple[int, int], *, cell_px: int = 1
) -> np.ndarray:
    """Return the mask's pixels under the centres of cells of `cell_px` pixels of another raster of the same picture.

    Positions are summed up from cell to cell, as Pillow does it in the published codes: where a centre falls between
    two pixels, the rounding of the sum decides.
    """
    row, column = (
        np.minimum(_positions(cells, cell_px * side / raster), side - 1)
        for cells, raster, side in zip(cells_hw, raster_hw, mask_HW.shape, strict=True)
    )
    return mask_HW[row[:, None], column]


def _positions(count: int, step: float) -> np.ndarray:
    return np.cumsum([step * 0.5, *[step] * (count - 1)]).astype(np.int64)
