"""Point tracking with any matcher: chained from frame to frame, or matched directly with the query's frame.

A flow field is the expected position of every node minus its own, read bilinearly at the point. `chained` adds the
fields of neighbouring frames, forwards and backwards in time from the query; one pass of a pair gives both directions.
`direct` matches the query's frame with every other one. A point is visible where it is inside the frame and a round
trip brings it back (GMRW): chained, over the steps on both sides of the frame; direct, from the query and back.

Shapes: K queries, T frames, H W rows and columns, C channels, 2 = (x, y), 3 = (frame, x, y).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from densewalk.datasets.config import require
from densewalk.datasets.errors import DataError
from densewalk.datasets.geometry import inside, sample_at
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.metrics.tapvid import RASTER
from densewalk.ssl.track.frames import EncodedFrames
from densewalk.ssl.track.tracks import Tracks

__all__ = ["TrackerConfig", "Tracks", "track_points"]

_QUERY_FRAMES_AT_ONCE = 8
"""Maps of query frames that direct tracking holds while it passes through the video once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerConfig:
    """How points are tracked."""

    mode: Literal["chained", "direct"] = "chained"
    """Step from frame to frame, or match every frame with the query's (GMRW-C, GMRW-D)."""
    upsample: int = 1
    """Factor by which frames are enlarged first; the evaluation stride is the matcher's over this (GMRW: 4)."""
    cycle_px: float = 3.0
    """Largest round-trip error of a visible point, pixels of a 256 x 256 raster (GMRW: 3)."""

    def __post_init__(self) -> None:
        require(
            self.upsample < 1 and f"tracker.upsample={self.upsample} must be at least 1",
            self.cycle_px <= 0 and f"tracker.cycle_px={self.cycle_px} must be positive",
        )


def track_points(
    matcher: Matcher,
    video_THWC: UInt8[np.ndarray, "t h w 3"],
    query_K3: Float[np.ndarray, "k 3"],
    config: TrackerConfig,
) -> Tracks:
    """Follow query points (frame, x, y) through an RGB video, before and after the query's frame.

    Positions are raster pixels of the video, of any size. Queries do not influence each other. In its own frame a query
    is where it was asked and visible. Raises `DataError` when a query is outside the video.
    """
    frame_K, start_K2 = _checked_queries(query_K3, video_THWC.shape)
    with torch.inference_mode():
        walk = _Walk(matcher, video_THWC, config)
        scale_2 = torch.tensor(walk.frames.network_from_video_xy, device=walk.frames.device)
        start = torch.from_numpy(start_K2).to(scale_2) * scale_2
        follow = walk.chained if config.mode == "chained" else walk.direct
        network_KT2, returns_KT = follow(start, torch.from_numpy(frame_K).to(scale_2.device))
        visible_KT = returns_KT & inside(network_KT2, walk.frames.size_hw)
        track_KT2 = (network_KT2 / scale_2).cpu().numpy()
    visible = visible_KT.cpu().numpy()
    row_K = np.arange(len(frame_K))
    track_KT2[row_K, frame_K], visible[row_K, frame_K] = start_K2, True
    return Tracks(track_KT2=track_KT2, visible_KT=visible)


class _Walk:
    """Moves points through one video; points and flow are in the network's raster."""

    def __init__(self, matcher: Matcher, video_THWC: np.ndarray, config: TrackerConfig) -> None:
        self.matcher, self.cycle_px = matcher, config.cycle_px
        self.frames = EncodedFrames(matcher, video_THWC, upsample=config.upsample)

    def chained(self, start_K2: Tensor, frame_K: Tensor) -> tuple[Tensor, Tensor]:
        """Return positions (K, T, 2) and whether the steps on both sides of each frame return (K, T)."""
        position_KT2 = start_K2[:, None].repeat(1, len(self.frames), 1)
        returns_KS = torch.ones(len(start_K2), len(self.frames) - 1, dtype=torch.bool, device=start_K2.device)
        fields = self._neighbour_fields()
        for step, (forth, back) in enumerate(fields):
            moving = frame_K <= step
            moved = self._move(position_KT2[moving, step], forth, back)
            position_KT2[moving, step + 1], returns_KS[moving, step] = moved
        for step in reversed(range(len(fields))):
            forth, back = fields[step]
            moving = frame_K > step
            moved = self._move(position_KT2[moving, step + 1], back, forth)
            position_KT2[moving, step], returns_KS[moving, step] = moved
        ends = torch.ones_like(frame_K[:, None], dtype=torch.bool)
        return position_KT2, torch.cat((ends, returns_KS), dim=1) & torch.cat((returns_KS, ends), dim=1)

    def direct(self, start_K2: Tensor, frame_K: Tensor) -> tuple[Tensor, Tensor]:
        """Return positions (K, T, 2) and whether the round trip to each frame returns (K, T)."""
        position_KT2 = start_K2[:, None].repeat(1, len(self.frames), 1)
        returns_KT = torch.ones(position_KT2.shape[:2], dtype=torch.bool, device=start_K2.device)
        for some in frame_K.unique().split(_QUERY_FRAMES_AT_ONCE):
            query_maps = {int(query): self.frames.encode(int(query)) for query in some}
            for target in range(len(self.frames)):
                target_map = self.frames.encode(target)
                for query, query_map in query_maps.items():
                    forth, back = self._fields(query_map, target_map)
                    asked = frame_K == query
                    position_KT2[asked, target], returns_KT[asked, target] = self._move(start_K2[asked], forth, back)
        return position_KT2, returns_KT

    def _neighbour_fields(self) -> list[tuple[Tensor, Tensor]]:
        """Return the flow from each frame to the next and back, holding two maps at a time."""
        fields = []
        here = self.frames.encode(0)
        for frame in range(1, len(self.frames)):
            following = self.frames.encode(frame)
            fields.append(self._fields(here, following))
            here = following
        return fields

    def _fields(self, source_1DHW: Tensor, target_1DHW: Tensor) -> tuple[Tensor, Tensor]:
        forth, back = self.matcher.displacement(source_1DHW, target_1DHW)
        return forth.float(), back.float()

    def _move(self, point_K2: Tensor, forth_12HW: Tensor, back_12HW: Tensor) -> tuple[Tensor, Tensor]:
        """Return where points go along one field, and whether the other one brings them back."""
        there_K2 = point_K2 + self._read(forth_12HW, point_K2)
        miss_K2 = there_K2 + self._read(back_12HW, there_K2) - point_K2
        height, width = self.frames.size_hw
        error_K = (miss_K2 * miss_K2.new_tensor((RASTER / width, RASTER / height))).norm(dim=-1)
        return there_K2, error_K < self.cycle_px

    def _read(self, flow_12HW: Tensor, point_K2: Tensor) -> Tensor:
        return sample_at(flow_12HW, point_K2[None] / self.matcher.stride)[0]


def _checked_queries(
    query_K3: Float[np.ndarray, "k 3"], video_shape: tuple[int, ...]
) -> tuple[Int[np.ndarray, "k"], Float[np.ndarray, "k 2"]]:
    num_frames, height, width, _ = video_shape
    limit_3 = np.array((num_frames - 1, width, height))
    wrong_K = ~((query_K3 >= 0) & (query_K3 <= limit_3)).all(1)
    if wrong_K.any():
        row = int(wrong_K.argmax())
        frame, x, y = query_K3[row].tolist()
        raise DataError(
            f"query {row} asks for frame {frame:g} at ({x:g}, {y:g}); "
            f"the video has frames 0 to {num_frames - 1} of {width} x {height} pixels"
        )
    return np.rint(query_K3[:, 0]).astype(np.int64), query_K3[:, 1:].astype(np.float32)
