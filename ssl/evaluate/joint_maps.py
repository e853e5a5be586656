"""Joints as label maps: blobs that a propagation begins with and places that are read out of what it carried on.

As CRW and UVC do it on JHMDB, node i of the grid stands at pixel i times stride of the network's raster, counted from
0, in drawing and reading alike, and a blob keeps its width in nodes on every stride. It is a Gaussian of deviation 0.5
nodes and height 1 at the node next to the joint, of which the nodes -2 to +1 are kept; their code rounds the blob's
first node towards 0, which moves blobs that touch the left or upper border inwards by a node. A joint is read as the
mean place of the strongest nodes, weighted by their labels. (Jabri et al., CRW; Li et al., UVC: draw_labelmap and
process_pose.)

On BADJA, as PIPs propagates with DINO, a joint is 1 at the node that contains it and is read as the mean place of the
map, enlarged bilinearly and stretched to 0-1.

Shapes: J joints, gh gw rows and columns of the grid, H W of the raster, 2 = (x, y).
"""

import math

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

__all__ = ["joint_blobs", "joint_nodes", "mean_places", "strongest_places"]

_DEVIATION_NODES = 0.5
_REACH_NODES = 3 * _DEVIATION_NODES


def joint_blobs(node_J2: Float[np.ndarray, "j 2"], grid_hw: tuple[int, int]) -> Float[Tensor, "j gh gw"]:
    """Return a blob for every joint, all zero for one too far outside; `node_J2` are places in nodes, (x, y)."""
    blobs = [np.outer(_profile(y, grid_hw[0]), _profile(x, grid_hw[1])) for x, y in node_J2.tolist()]
    return torch.from_numpy(np.stack(blobs)).float()


def joint_nodes(node_J2: Float[np.ndarray, "j 2"], grid_hw: tuple[int, int]) -> Float[Tensor, "j gh gw"]:
    """Return 1 at the node that contains each joint, or that is nearest to one outside, and 0 elsewhere."""
    column_J, row_J = np.clip(np.floor(node_J2), 0, (grid_hw[1] - 1, grid_hw[0] - 1)).astype(np.int64).T
    map_JHW = torch.zeros(len(node_J2), *grid_hw)
    map_JHW[np.arange(len(node_J2)), row_J, column_J] = 1
    return map_JHW


def strongest_places(
    map_JHW: Float[Tensor, "j gh gw"], *, count: int
) -> tuple[Float[np.ndarray, "j 2"], Bool[np.ndarray, "j"]]:
    """Return places in nodes, the weighted mean of each map's `count` strongest, and which maps hold anything.

    A map that holds nothing has place 0.
    """
    flat_JN = map_JHW.flatten(1).double()
    value_JK, node_JK = flat_JN.topk(min(count, flat_JN.shape[1]), dim=1)
    held_J = flat_JN.sum(1) != 0
    weight_JK = torch.where(held_J[:, None], value_JK / value_JK.sum(1, keepdim=True), 0.0)
    columns = map_JHW.shape[-1]
    place_J2 = torch.stack(
        ((weight_JK * (node_JK % columns)).sum(1), (weight_JK * (node_JK // columns)).sum(1)), dim=-1
    )
    return place_J2.cpu().numpy(), held_J.cpu().numpy()


def mean_places(map_JHW: Float[Tensor, "j h w"]) -> tuple[Float[np.ndarray, "j 2"], Bool[np.ndarray, "j"]]:
    """Return raster places, the means of pixel centres weighted by the stretched maps, and which maps hold anything.

    A map that holds nothing has place 0.
    """
    largest_J = map_JHW.amax((1, 2))
    held_J = largest_J > map_JHW.amin((1, 2))
    weight_JHW = (map_JHW - map_JHW.amin((1, 2), keepdim=True)).double()
    total_J = torch.where(held_J, weight_JHW.sum((1, 2)), 1.0)
    x_W, y_H = (torch.arange(side, device=map_JHW.device) + 0.5 for side in map_JHW.shape[:0:-1])
    place_J2 = torch.stack(((weight_JHW.sum(1) * x_W).sum(1), (weight_JHW.sum(2) * y_H).sum(1)), dim=-1)
    return (place_J2 / total_J[:, None]).cpu().numpy(), held_J.cpu().numpy()


def _profile(place: float, side: int) -> Float[np.ndarray, "n"]:
    """Return a blob along one axis."""
    first, end = math.trunc(place - _REACH_NODES), math.trunc(place + _REACH_NODES + 1)
    node = np.arange(side)
    peak = first + math.floor((6 * _DEVIATION_NODES + 1) / 2)
    height = np.exp(-((node - peak) ** 2) / (2 * _DEVIATION_NODES**2))
    return np.where((node >= first) & (node < end), height, 0.0)
