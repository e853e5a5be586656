"""True motion between any two frames of a MOVi scene, for every pixel.

A pixel of an object has a place in the object's box, which is carried to the other frame by the box; a pixel of the
background, which does not move, has its place in the world by its depth. The displacement is that of the projections of
one surface point in both frames, so it does not matter where in its pixel the renderer took its single sample. A pixel
is called visible when the point lies within 1.5 px of its own pixel in its own frame (with a damaged pose it does not)
and is seen in the other frame by the rules of TAP-Vid-Kubric (`kubric_points_visibility.py`).

Kubric's own flow exists between neighbouring frames only; `MoviScene.forward_flow` reads it.

Shapes: P pairs, T frames that are shown, H W rows and columns, N pixels, 2 = (x, y), 3 = world axes.
"""

from collections.abc import Sequence
from itertools import chain

import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64, Int, Integer

from densewalk.datasets.geometry import grid_points
from densewalk.datasets.readers.clips.kubric_points_camera import world_from_box
from densewalk.datasets.readers.clips.kubric_points_visibility import (
    faces_away,
    inside_raster,
    rough_normals,
    unoccluded,
)
from densewalk.datasets.readers.clips.movi_scene import MoviScene
from densewalk.datasets.views import Motion

__all__ = ["dense_motion"]

_OWN_PIXEL = 1.5
"""Distance in px within which a surface point belongs to the pixel that shows it."""


def dense_motion(scene: MoviScene, pairs: Sequence[tuple[int, int]]) -> Motion:
    """Return the motion from the first to the second frame of each pair, as a batch of one.

    Raises `DataError` when a layer of one of the frames is damaged.
    """
    surfaces = _Surfaces(scene, sorted(set(chain.from_iterable(pairs))))
    flows, visible = zip(*(surfaces.flow(source, target) for source, target in pairs), strict=True)
    return Motion(
        source_frame_BP=torch.tensor([[source for source, _ in pairs]]),
        target_frame_BP=torch.tensor([[target for _, target in pairs]]),
        flow_BP2HW=torch.from_numpy(np.stack(flows))[None],
        visible_BPHW=torch.from_numpy(np.stack(visible))[None],
    )


class _Surfaces:
    """What some frames of a scene show, and where each pixel's surface is at any time."""

    def __init__(self, scene: MoviScene, frames: Sequence[int]) -> None:
        self._scene = scene
        self._rows = {frame: row for row, frame in enumerate(frames)}
        self._segment_THW = scene.segmentation(frames)
        self._depth_THW = scene.depth(frames)
        self._place_THW3 = scene.object_coordinates(frames)
        self._normal_THW3 = scene.normals(frames)
        self._is_rough_THW = rough_normals(self._normal_THW3)
        self._centre_N2 = grid_points(*scene.size_hw).numpy().astype(np.float64)
        num_objects = int(self._segment_THW.max())
        self._maps_KT34 = (
            world_from_box(scene.boxes(num_objects)) if num_objects else np.empty((0, scene.num_frames, 3, 4))
        )

    def flow(self, source: int, target: int) -> tuple[Float32[np.ndarray, "2 h w"], Bool[np.ndarray, "h w"]]:
        row, camera, (height, width) = self._rows[source], self._scene.camera, self._scene.size_hw
        segment_N = self._segment_THW[row].reshape(-1)
        still_N3 = camera.unproject(
            self._centre_N2, self._depth_THW[row].reshape(-1).astype(np.float64), np.full(height * width, source)
        )
        moving_K = np.flatnonzero(segment_N)
        before_N3, after_N3 = (self._moved(still_N3, moving_K, segment_N, row, frame) for frame in (source, target))
        start_N2 = camera.project(before_N3, np.full(height * width, source))[0]
        end_N2, distance_N, in_front_N = camera.project(after_N3, np.full(height * width, target))
        flow_N2 = np.where(in_front_N[:, None], end_N2 - start_N2, 0.0)
        visible_N = in_front_N & (np.linalg.norm(start_N2 - self._centre_N2, axis=-1) <= _OWN_PIXEL)
        visible_N &= inside_raster(self._centre_N2 + flow_N2, (height, width))
        visible_N &= unoccluded(
            end_N2,
            distance_N,
            np.full(height * width, self._rows[target]),
            segment_N,
            depth_THW=self._depth_THW,
            segment_THW=self._segment_THW,
        )
        visible_N[moving_K] &= ~self._turned(moving_K, before_N3, after_N3, source=source, target=target)
        flow_2HW = np.ascontiguousarray(flow_N2.T.reshape(2, height, width), np.float32)
        return flow_2HW, visible_N.reshape(height, width)

    def _moved(
        self,
        still_N3: Float64[np.ndarray, "n 3"],
        moving_K: Int[np.ndarray, " k"],
        segment_N: Integer[np.ndarray, " n"],
        row: int,
        frame: int,
    ) -> Float64[np.ndarray, "n 3"]:
        """Return where the surfaces that a frame shows are at another one."""
        world_N3 = still_N3.copy()
        maps_K34 = self._maps_KT34[segment_N[moving_K] - 1, frame] if len(moving_K) else np.empty((0, 3, 4))
        place_K3 = self._place_THW3[row].reshape(-1, 3)[moving_K]
        world_N3[moving_K] = np.einsum("kij,kj->ki", maps_K34[..., :3], place_K3) + maps_K34[..., 3]
        return world_N3

    def _turned(
        self,
        moving_K: Int[np.ndarray, " k"],
        before_N3: Float64[np.ndarray, "n 3"],
        after_N3: Float64[np.ndarray, "n 3"],
        *,
        source: int,
        target: int,
    ) -> Bool[np.ndarray, " k"]:
        """Return which pixels of objects show their back in the target and their front in the source."""
        if not len(moving_K):
            return np.zeros(0, bool)
        row, camera = self._rows[source], self._scene.camera
        box_K = self._segment_THW[row].reshape(-1)[moving_K] - 1
        rotation_K33, turned_K33 = (self._scene.rotation_KT33[box_K, frame] for frame in (source, target))
        normal_K3 = self._normal_THW3[row].reshape(-1, 3)[moving_K]
        local_K3 = np.einsum("kij,ki->kj", rotation_K33, normal_K3)
        is_back_K = faces_away(local_K3, turned_K33, after_N3[moving_K] - camera.position_T3[target])
        was_back_K = faces_away(local_K3, rotation_K33, before_N3[moving_K] - camera.position_T3[source])
        return is_back_K & ~was_back_K & ~self._is_rough_THW[row].reshape(-1)[moving_K]
