"""Whether a displacement comes back: two squares by which a point of optical flow is believed or not.

A point x goes to x + w(x), and the flow back, w', is read there bilinearly. With

    a = |w(x) + w'(x + w(x))|²        b = |w(x)|² + |w'(x + w(x))|²

the point counts as occluded unless a < alpha b + beta (Sundaram et al. 2010; PiCo, section 3: alpha = 0.01, beta = 0.5
px²). Who keeps both squares chooses alpha and beta later. A point that leaves the frame has a = infinity.

Shapes: N points, H W rows and columns, 2 = (x, y), raster coordinates with pixel centres at +0.5.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float, Float32, Shaped

__all__ = [
    "PAPER_ALPHA",
    "PAPER_BETA",
    "Residual",
    "cell_pixels",
    "occlusion",
    "pixel_residual",
    "read_at",
    "round_trip",
]

PAPER_ALPHA, PAPER_BETA = 0.01, 0.5
"""Sundaram et al.'s constants, used by PiCo, ARFlow and UFlow; beta in px²."""


@dataclass(frozen=True, slots=True)
class Residual:
    """What the test needs of each point, px²."""

    a: Float[np.ndarray, "*n"]
    """|w + w'|²; infinite where the point leaves the frame."""
    b: Float[np.ndarray, "*n"]
    """|w|² + |w'|²."""


def occlusion(residual: Residual, *, alpha: float = PAPER_ALPHA, beta: float = PAPER_BETA) -> Bool[np.ndarray, "*n"]:
    """Return which points do not come back; `beta` in px² of the raster the residual was measured in."""
    return ~(residual.a.astype(np.float32) < alpha * residual.b.astype(np.float32) + beta)


def read_at(flow_2HW: Float32[np.ndarray, "2 h w"], point_N2: Float32[np.ndarray, "n 2"]) -> Float32[np.ndarray, "n 2"]:
    """Read a flow bilinearly at points; beyond the outermost pixel centres it goes on as it is there."""
    import torch

    from densewalk.datasets.geometry import sample_at

    read_1N2 = sample_at(torch.from_numpy(flow_2HW)[None], torch.from_numpy(point_N2)[None])
    return np.ascontiguousarray(read_1N2[0].numpy())


def round_trip(
    point_N2: Float32[np.ndarray, "n 2"],
    flow_N2: Float32[np.ndarray, "n 2"],
    back_2HW: Float32[np.ndarray, "2 h w"],
) -> Residual:
    """Return the residuals of points that go along `flow_N2` and come back along `back_2HW`, float32."""
    back_N2 = read_at(back_2HW, point_N2 + flow_N2)
    # By component: numpy is slow at reducing an axis of two.
    (x, y), (u, v), (back_u, back_v) = point_N2.T, flow_N2.T, back_N2.T
    height, width = back_2HW.shape[1:]
    inside_N = (x + u >= 0) & (x + u <= width) & (y + v >= 0) & (y + v <= height)
    a_N = np.where(inside_N, np.square(u + back_u) + np.square(v + back_v), np.float32(np.inf))
    return Residual(a=a_N, b=u * u + v * v + back_u * back_u + back_v * back_v)


def pixel_residual(
    flow_2HW: Float32[np.ndarray, "2 h w"], back_2HW: Float32[np.ndarray, "2 h w"], *, stride: int = 1
) -> Residual:
    """Return the residuals of the pixels that speak for cells of `stride` x `stride` (rows and columns of cells)."""
    height, width = flow_2HW.shape[1:]
    flow_2IJ = cell_pixels(flow_2HW, stride)
    residual = round_trip(_cell_points(height, width, stride), _as_points(flow_2IJ), back_2HW)
    return Residual(a=residual.a.reshape(flow_2IJ.shape[1:]), b=residual.b.reshape(flow_2IJ.shape[1:]))


def cell_pixels(field: Shaped[np.ndarray, "*c h w"], stride: int) -> Shaped[np.ndarray, "*c i j"]:
    """Return one pixel of each cell: right of and below its middle, or the last one where the frame ends before."""
    row_I, column_J = (
        np.minimum(np.arange(stride // 2, side + stride // 2, stride), side - 1) for side in field.shape[-2:]
    )
    return field.take(row_I, axis=-2).take(column_J, axis=-1)


@lru_cache(maxsize=2)
def _cell_points(height: int, width: int, stride: int) -> Float32[np.ndarray, "n 2"]:
    from densewalk.datasets.geometry import grid_points

    return _as_points(cell_pixels(grid_points(height, width).numpy().T.reshape(2, height, width), stride))


def _as_points(field_2IJ: Float32[np.ndarray, "2 i j"]) -> Float32[np.ndarray, "n 2"]:
    return np.ascontiguousarray(field_2IJ.reshape(2, -1).T)
