"""Which points of a Kubric scene can be seen, by the rules of the TAP-Vid-Kubric generator.

A point is occluded where all four pixels around it are nearer to the camera than 99 % of its own distance, or none of
them shows its object, or its surface turned away from the camera since it was picked. The last rule is left out where
normals vary between neighbours by more than 0.05 (they come from a normal map then, not from the mesh) or where the
surface faced away when it was picked.

Source: kubric's challenges/point_tracking/dataset.py (Greff et al. 2022; Doersch et al. 2022, appendix).

Shapes: T frames, H W rows and columns, N points, 2 = (x, y), 3 = world axes.
"""

import numpy as np
from jaxtyping import Bool, Float, Int, Integer

__all__ = ["faces_away", "inside_raster", "rough_normals", "unoccluded"]

_NEARER = 0.99
_SMOOTH = 0.05


def unoccluded(
    point_N2: Float[np.ndarray, "n 2"],
    distance_N: Float[np.ndarray, " n"],
    row_N: Int[np.ndarray, " n"],
    segment_N: Integer[np.ndarray, " n"],
    *,
    depth_THW: Float[np.ndarray, "t h w"],
    segment_THW: Integer[np.ndarray, "t h w"],
) -> Bool[np.ndarray, " n"]:
    """Return which points nothing covers; `row_N` says in which of the maps each is looked for."""
    height, width = depth_THW.shape[1:]
    deepest_N, is_shown_N = np.zeros(len(point_N2)), np.zeros(len(point_N2), bool)
    # Points far outside would not fit an integer; where they are clipped to does not matter.
    first_N2 = np.floor(point_N2.clip(-2, max(height, width) + 2) - 0.5).astype(np.int64)
    for right in (0, 1):
        for down in (0, 1):
            x_N = (first_N2[:, 0] + right).clip(0, width - 1)
            y_N = (first_N2[:, 1] + down).clip(0, height - 1)
            deepest_N = np.maximum(deepest_N, depth_THW[row_N, y_N, x_N])
            is_shown_N |= segment_THW[row_N, y_N, x_N] == segment_N
    return is_shown_N & (deepest_N >= _NEARER * distance_N)


def inside_raster(point_N2: Float[np.ndarray, "n 2"], size_hw: tuple[int, int]) -> Bool[np.ndarray, " n"]:
    """Return which points lie in the raster, its borders included."""
    x_N, y_N = point_N2.T
    return (x_N >= 0) & (y_N >= 0) & (x_N <= size_hw[1]) & (y_N <= size_hw[0])


def faces_away(
    normal_N3: Float[np.ndarray, "n 3"],
    rotation_N33: Float[np.ndarray, "n 3 3"],
    ray_N3: Float[np.ndarray, "n 3"],
) -> Bool[np.ndarray, " n"]:
    """Return which surfaces show their back: normals in their object's axes, its rotation, rays from the camera."""
    return np.einsum("nij,nj,ni->n", rotation_N33, normal_N3, ray_N3) > 0


def rough_normals(normal_THW3: Float[np.ndarray, "t h w 3"]) -> Bool[np.ndarray, "t h w"]:
    """Return pixels whose normals differ from those of three or four diagonal neighbours."""
    padded = np.pad(normal_THW3, ((0, 0), (1, 1), (1, 1), (0, 0)))
    height, width = normal_THW3.shape[1:3]
    count_THW = np.zeros(normal_THW3.shape[:3], np.int8)
    for y in (0, 2):
        for x in (0, 2):
            difference = padded[:, y : y + height, x : x + width] - normal_THW3
            count_THW += np.square(difference).sum(axis=-1) > _SMOOTH * _SMOOTH
    return count_THW > 2
