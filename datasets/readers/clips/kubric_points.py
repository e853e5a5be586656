"""The points of TAP-Vid-Kubric: true tracks through a MOVi scene, drawn at random, with their visibility.

Queries are pixels of a grid that has every fourth frame, row and column, from a random start. Objects share the tracks
evenly, but no more than a tenth of an object's grid pixels is taken, so small objects leave theirs to larger ones. A
query on an object is followed by its place in the object's box, one on the background, which does not move, by its
place in the world. Queries lie at pixel centres; the track may pass them by a fraction of a pixel, since the renderer
takes its sample anywhere in a pixel.

It differs from the published generator (kubric's challenges/point_tracking/dataset.py) in what is random: no pixel is
drawn twice, fewer tracks are returned when there are not enough, and the draw follows from the seed. Crops are left to
the views.

Shapes: T frames, H W rows and columns, M pixels of the grid, K tracks, N = K T, 2 = (x, y), 3 = (frame, x, y) or axes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int, UInt8

from densewalk.datasets.readers.clips.kubric_points_camera import world_from_box
from densewalk.datasets.readers.clips.kubric_points_visibility import (
    faces_away,
    inside_raster,
    rough_normals,
    unoccluded,
)
from densewalk.datasets.readers.clips.movi import MoviCollection
from densewalk.datasets.readers.clips.movi_scene import MoviScene
from densewalk.datasets.readers.tapvid import TrackedVideo

__all__ = ["KubricTracks", "draw_tracks", "read_kubric_tracks", "share_tracks"]

_STRIDE = 4
_MAX_SHARE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KubricTracks:
    """Tracks in pixels of the scene's raster, object by object."""

    query_K3: Float64[np.ndarray, "k 3"]
    """(frame, x, y) at which a track was picked."""
    track_KT2: Float64[np.ndarray, "k t 2"]
    visible_KT: Bool[np.ndarray, "k t"]
    object_K: Int[np.ndarray, " k"]
    """As in the segmentation: 0 is the background."""


def read_kubric_tracks(collection: MoviCollection, *, num_tracks: int = 256, seed: int = 0) -> Iterator[TrackedVideo]:
    """Yield all scenes of a split with their tracks, in their own raster; raises as `MoviCollection.read`."""
    for clip, key in enumerate(collection.table.keys):
        scene = collection.scene(clip)
        tracks = draw_tracks(scene, num_tracks=num_tracks, seed=(seed, clip))
        yield TrackedVideo(
            name=key,
            video_THWC=scene.video(range(scene.num_frames)),
            track_KT2=tracks.track_KT2,
            visible_KT=tracks.visible_KT,
            query_K3=tracks.query_K3,
        )


def draw_tracks(scene: MoviScene, *, num_tracks: int = 256, seed: int | Sequence[int] = 0) -> KubricTracks:
    """Return at most `num_tracks` tracks of a scene; raises `DataError` when one of its layers is damaged."""
    raw = np.random.PCG64(seed)
    frames, rows, columns = (
        np.arange(int(raw.random_raw()) % _STRIDE, size, _STRIDE) for size in (scene.num_frames, *scene.size_hw)
    )
    segment_THW = scene.segmentation(range(scene.num_frames))
    picked_K, object_K = _pick(segment_THW[np.ix_(frames, rows, columns)].ravel(), num_tracks, raw)
    place_K3 = np.stack(np.unravel_index(picked_K, (len(frames), len(rows), len(columns))), axis=-1)
    query_K3 = np.stack((frames[place_K3[:, 0]], columns[place_K3[:, 2]] + 0.5, rows[place_K3[:, 1]] + 0.5), axis=-1)
    return _follow(scene, query_K3, object_K, segment_THW)


def share_tracks(count_O: Int[np.ndarray, " o"], num_tracks: int) -> Int[np.ndarray, " o"]:
    """Return how many tracks each object gets, given its number of grid pixels; the smallest chooses first."""
    share_O, left = np.zeros_like(count_O), num_tracks
    for waiting, number in zip(range(len(count_O), 0, -1), np.argsort(count_O, kind="stable"), strict=True):
        share_O[number] = min(round(left / waiting), round(int(count_O[number]) * _MAX_SHARE))
        left -= share_O[number]
    return share_O


def _pick(
    segment_M: UInt8[np.ndarray, " m"], num_tracks: int, raw: np.random.PCG64
) -> tuple[Int[np.ndarray, " k"], Int[np.ndarray, " k"]]:
    """Return the grid pixels of the queries and their objects; raw bits are the same in all versions of numpy."""
    share_O = share_tracks(np.bincount(segment_M), num_tracks)
    shuffled_M = np.argsort(raw.random_raw(len(segment_M)), kind="stable")
    parts = [np.sort(shuffled_M[segment_M[shuffled_M] == number][:share]) for number, share in enumerate(share_O)]
    return np.concatenate(parts), np.repeat(np.arange(len(share_O)), share_O)


def _follow(
    scene: MoviScene,
    query_K3: Float64[np.ndarray, "k 3"],
    object_K: Int[np.ndarray, " k"],
    segment_THW: UInt8[np.ndarray, "t h w"],
) -> KubricTracks:
    num_frames, count = scene.num_frames, len(query_K3)
    depth_THW = scene.depth(range(num_frames))
    world_KT3 = _carried(scene, query_K3, object_K, depth_THW)
    frame_N = np.tile(np.arange(num_frames), count)
    point_N2, distance_N, in_front_N = scene.camera.project(world_KT3.reshape(-1, 3), frame_N)
    object_N = np.repeat(object_K, num_frames)
    visible_N = in_front_N & inside_raster(point_N2, scene.size_hw)
    visible_N &= unoccluded(point_N2, distance_N, frame_N, object_N, depth_THW=depth_THW, segment_THW=segment_THW)
    visible_KT = visible_N.reshape(count, num_frames)
    moving_K = np.flatnonzero(object_K)
    visible_KT[moving_K] &= ~_turned(scene, query_K3[moving_K], object_K[moving_K] - 1, world_KT3[moving_K])
    track_KT2 = point_N2.reshape(count, num_frames, 2)
    return KubricTracks(query_K3=query_K3, track_KT2=track_KT2, visible_KT=visible_KT, object_K=object_K)


def _carried(
    scene: MoviScene,
    query_K3: Float64[np.ndarray, "k 3"],
    object_K: Int[np.ndarray, " k"],
    depth_THW: Float32[np.ndarray, "t h w"],
) -> Float64[np.ndarray, "k t 3"]:
    """Return where in the world the surfaces of the queries are at every frame."""
    frame_K, x_K, y_K = query_K3.astype(np.int64).T
    still_K3 = scene.camera.unproject(query_K3[:, 1:], depth_THW[frame_K, y_K, x_K], frame_K)
    world_KT3 = np.repeat(still_K3[:, None], scene.num_frames, axis=1)
    moving_K = np.flatnonzero(object_K)
    if len(moving_K):
        place_K3 = _at_queries(scene.object_coordinates, query_K3[moving_K])
        maps_KT34 = world_from_box(scene.boxes(int(object_K.max())))[object_K[moving_K] - 1]
        world_KT3[moving_K] = np.einsum("ktij,kj->kti", maps_KT34[..., :3], place_K3) + maps_KT34[..., 3]
    return world_KT3


def _turned(
    scene: MoviScene,
    query_K3: Float64[np.ndarray, "k 3"],
    box_K: Int[np.ndarray, " k"],
    world_KT3: Float64[np.ndarray, "k t 3"],
) -> Bool[np.ndarray, "k t"]:
    """Return in which frames a surface shows its back that showed its front when it was picked."""
    count, num_frames = world_KT3.shape[:2]
    if not count:
        return np.zeros((0, num_frames), bool)
    place_K, frame_K = np.arange(count), query_K3[:, 0].astype(np.int64)
    normal_K3 = _at_queries(scene.normals, query_K3)
    is_rough_K = _at_queries(lambda frames: rough_normals(scene.normals(frames)), query_K3)
    rotation_KT33 = scene.rotation_KT33[box_K]
    local_K3 = np.einsum("kij,ki->kj", rotation_KT33[place_K, frame_K], normal_K3)
    ray_KT3 = world_KT3 - scene.camera.position_T3
    away_KT = faces_away(
        np.repeat(local_K3, num_frames, axis=0), rotation_KT33.reshape(-1, 3, 3), ray_KT3.reshape(-1, 3)
    ).reshape(count, num_frames)
    return away_KT & ~(away_KT[place_K, frame_K] | is_rough_K)[:, None]


def _at_queries(layer: Callable[[Sequence[int]], np.ndarray], query_K3: Float64[np.ndarray, "k 3"]) -> np.ndarray:
    """Return what a layer holds at the pixels of queries; only their frames are read."""
    frame_K, x_K, y_K = query_K3.astype(np.int64).T
    frames, row_K = np.unique(frame_K, return_inverse=True)
    return layer(frames.tolist())[row_K, y_K, x_K]
