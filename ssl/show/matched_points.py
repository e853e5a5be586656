"""The same points in every view of a clip: where `geometry.correspond` says they are, at every moment that is shown.

Views that show one moment are related by their crops alone, so every moment has points of its own: a grid in the first
view that shows it. Where the motion of the clip is known, the grid starts in the first view's first frame instead and
is carried on from moment to moment; a point is then hidden from where it is first occluded.

Shapes: T frames of a view, N points, H W rows and columns, 2 = (x, y).
"""

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from densewalk.datasets.geometry import correspond, grid_points, transform_points
from densewalk.datasets.views import ClipBatch, Motion, View
from densewalk.ssl.show.tails import PaintedVideo, track_colours

__all__ = ["matched_films"]

_POINTS_PER_SIDE = 5
_MARKER = 1 / 40
"""Radius of a point over the shorter side of a view, which is shown small."""

_Placed = dict[int, tuple[Tensor, Tensor]]
"""Points of the clip's raster (1 N 2) and which of them are seen (1 N), by clip frame."""


def matched_films(batch: ClipBatch) -> list[PaintedVideo]:
    """Return the views of the first sample, each with the points that belong to the moments it shows."""
    views = [_first(view) for view in batch.views]
    if batch.motion is None:
        placed = _on_grids(views)
    else:
        motion = batch.motion
        one = Motion(
            source_frame_BP=motion.source_frame_BP[:1],
            target_frame_BP=motion.target_frame_BP[:1],
            flow_BP2HW=motion.flow_BP2HW[:1],
            visible_BPHW=motion.visible_BPHW[:1],
        )
        placed = _carried(views[0], one)
    grid_N2 = _grid(views[0]).numpy()[0]
    colours = track_colours(grid_N2[:, None], np.ones((len(grid_N2), 1), bool))
    return [_painted(view, placed, colours) for view in views]


def _first(view: View) -> View:
    return View(
        video_BTCHW=view.video_BTCHW[:1].cpu(),
        clip_from_view_B33=view.clip_from_view_B33[:1].cpu(),
        frame_BT=view.frame_BT[:1].cpu(),
    )


def _grid(view: View) -> Float[Tensor, "1 n 2"]:
    height, width = view.size_hw
    unit_N2 = grid_points(_POINTS_PER_SIDE, _POINTS_PER_SIDE) / _POINTS_PER_SIDE
    return (unit_N2 * torch.tensor((width, height)))[None]


def _on_grids(views: list[View]) -> _Placed:
    placed: _Placed = {}
    for view in views:
        clip_1N2 = transform_points(view.clip_from_view_B33, _grid(view))
        for frame in view.frame_BT[0].tolist():
            placed.setdefault(frame, (clip_1N2, torch.ones(clip_1N2.shape[:2], dtype=torch.bool)))
    return placed


def _carried(view: View, motion: Motion) -> _Placed:
    frames = view.frame_BT[0].tolist()
    clip = _whole_clip(view.frame_BT, motion.flow_BP2HW.shape[-2:])
    point_1N2 = transform_points(view.clip_from_view_B33, _grid(view))
    seen_1N = torch.ones(point_1N2.shape[:2], dtype=torch.bool)
    placed = {frames[0]: (point_1N2, seen_1N)}
    for position in range(len(frames) - 1):
        point_1N2, visible_1N = correspond(
            clip, clip, motion, point_1N2, source_position=position, target_position=position + 1
        )
        seen_1N = seen_1N & visible_1N
        placed[frames[position + 1]] = (point_1N2, seen_1N)
    return placed


def _whole_clip(frame_BT: Tensor, size_hw: torch.Size | tuple[int, ...]) -> View:
    """Return a view that shows the clip as it is; it has no pixels of its own."""
    pixels = torch.zeros(1, dtype=torch.uint8).expand(1, frame_BT.shape[1], 3, *size_hw)
    return View(video_BTCHW=pixels, clip_from_view_B33=torch.eye(3)[None], frame_BT=frame_BT)


def _painted(view: View, placed: _Placed, colours: UInt8[np.ndarray, "n 3"]) -> PaintedVideo:
    """Paint the points at the view's frames; a moment without points shows none."""
    num_points, frames = len(colours), view.frame_BT[0].tolist()
    track_NT2 = np.full((num_points, len(frames), 2), np.nan)
    seen_NT = np.zeros((num_points, len(frames)), bool)
    for position, frame in enumerate(frames):
        if frame in placed:
            clip_1N2, seen_1N = placed[frame]
            clip = _whole_clip(view.frame_BT[:, position : position + 1], view.size_hw)
            point_1N2, _ = correspond(clip, view, None, clip_1N2, target_position=position)
            track_NT2[:, position], seen_NT[:, position] = point_1N2[0].numpy(), seen_1N[0].numpy()
    video_THWC = view.video_BTCHW[0].permute(0, 2, 3, 1).numpy()
    return PaintedVideo(video_THWC, track_NT2, seen_NT, tail_frames=0, marker=_MARKER, colours=colours)
