"""Kubric's cameras and moving boxes: from pixels to the world and back, at any frame.

Blender's camera looks along -z with y up. With p a world point in the camera's frame, f the focal length and s the
width of the sensor (both in mm),

    x = W/2 - W f/s p_x / p_z        y = H/2 + W f/s p_y / p_z

are raster pixels (x, y). Depth is the distance to the camera's centre, not to its plane. An object moves rigidly with
its box: coordinates of -1/2 to 1/2 within the box are mapped to the world by the affine map that takes the box's eight
corners there, in the order (-, -, -), (-, -, +) ... (+, +, +).

Sources: kubric/core/cameras.py and objects.py; challenges/point_tracking/dataset.py, whose sensor height differs for
rasters that are not square (MOVi's are).

Shapes: T frames, K objects, N points, 2 = (x, y), 3 = world axes.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

__all__ = ["KubricCamera", "rotations", "world_from_box"]

_CORNERS_83 = np.stack(np.meshgrid(*[(-0.5, 0.5)] * 3, indexing="ij"), axis=-1).reshape(8, 3)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KubricCamera:
    """A camera that moves; frames are numbers of the video."""

    focal: float
    """Focal length in widths of the sensor."""
    position_T3: Float64[np.ndarray, "t 3"]
    rotation_T33: Float64[np.ndarray, "t 3 3"]
    """From the camera's axes to the world's."""
    size_hw: tuple[int, int]

    def project(
        self, world_N3: Float[np.ndarray, "n 3"], frame_N: Int[np.ndarray, " n"]
    ) -> tuple[Float64[np.ndarray, "n 2"], Float64[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
        """Return where points are seen in their frames, how far away, and which of them lie in front."""
        offset_N3 = world_N3 - self.position_T3[frame_N]
        seen_N3 = np.einsum("nij,ni->nj", self.rotation_T33[frame_N], offset_N3)
        height, width = self.size_hw
        in_front_N = seen_N3[:, 2] < 0
        scale_N = self.focal * width / np.where(in_front_N, -seen_N3[:, 2], np.inf)
        point_N2 = np.stack((width / 2 + scale_N * seen_N3[:, 0], height / 2 - scale_N * seen_N3[:, 1]), axis=-1)
        return point_N2, np.linalg.norm(offset_N3, axis=-1), in_front_N

    def unproject(
        self,
        point_N2: Float[np.ndarray, "n 2"],
        distance_N: Float[np.ndarray, " n"],
        frame_N: Int[np.ndarray, " n"],
    ) -> Float64[np.ndarray, "n 3"]:
        """Return the world points that are seen at raster positions of their frames, so far from the camera."""
        height, width = self.size_hw
        x_N, y_N = (point_N2[:, 0] - width / 2), (height / 2 - point_N2[:, 1])
        ray_N3 = np.stack((x_N, y_N, np.full(len(x_N), -self.focal * width)), axis=-1)
        ray_N3 *= (distance_N / np.linalg.norm(ray_N3, axis=-1))[:, None]
        return self.position_T3[frame_N] + np.einsum("nij,nj->ni", self.rotation_T33[frame_N], ray_N3)


def rotations(quaternion_N4: Float[np.ndarray, "*n 4"]) -> Float64[np.ndarray, "*n 3 3"]:
    """Return rotation matrices of quaternions (w, x, y, z) of any length."""
    unit = quaternion_N4 / np.linalg.norm(quaternion_N4, axis=-1, keepdims=True)
    w, x, y, z = np.moveaxis(unit.astype(np.float64), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def world_from_box(corner_KT83: Float[np.ndarray, "k t 8 3"]) -> Float64[np.ndarray, "k t 3 4"]:
    """Return the affine maps from a box's own coordinates (-1/2 to 1/2) to the world: axes, then the centre.

    They are the least-squares maps of the eight corners, exact when these are those of a box.
    """
    corner_KT83 = corner_KT83.astype(np.float64)
    axes_KT33 = np.einsum("ca,ktcx->ktxa", _CORNERS_83 / 2, corner_KT83)
    return np.concatenate((axes_KT33, corner_KT83.mean(axis=2)[..., None]), axis=-1)
