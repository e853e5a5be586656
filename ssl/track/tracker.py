"""Point tracking with any matcher: query points are followed through a video, before and after the query's frame.

Everything rests on flow fields, the displacement of every node that a matcher reads out of a pair, read bilinearly at
the point, and on their round trips, which tell what is visible. `chained.py` steps from frame to frame, `direct.py`
matches every frame with the query's, `combined.py` steps and asks the query's frame again after an occlusion.

Memory: a few maps and one pair of fields at a time whatever the length of the video, which is read frame by frame;
fields that wait for the way back are in a temporary file (fields.py). Only the tracks themselves grow with T.

Shapes: K queries, T frames, H W rows and columns, 2 = (x, y), 3 = (frame, x, y).
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int

from densewalk.datasets.config import require
from densewalk.datasets.errors import DataError
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.track.chained import chained
from densewalk.ssl.track.combined import combined
from densewalk.ssl.track.direct import direct
from densewalk.ssl.track.frames import EncodedFrames, FrameSequence
from densewalk.ssl.track.tracks import Tracks

__all__ = ["TRACKING_MODES", "TrackerConfig", "Tracks", "track_points"]

TRACKING_MODES = MappingProxyType({"chained": chained, "direct": direct, "combined": combined})
"""How points are followed, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerConfig:
    """How points are tracked."""

    mode: Literal["chained", "direct", "combined"] = "chained"
    """Step from frame to frame, match every frame with the query's (GMRW-C, GMRW-D), or step and match when lost."""
    upsample: int = 1
    """Factor by which frames are enlarged first; the evaluation stride is the matcher's over this (GMRW: 4)."""
    cycle_px: float = 3.0
    """Largest round-trip error of a visible point, pixels of a 256 x 256 raster (GMRW: 3)."""

    def __post_init__(self) -> None:
        require(
            self.mode not in TRACKING_MODES and f"tracker.mode={self.mode} is none of {', '.join(TRACKING_MODES)}",
            self.upsample < 1 and f"tracker.upsample={self.upsample} must be at least 1",
            self.cycle_px <= 0 and f"tracker.cycle_px={self.cycle_px} must be positive",
        )


def track_points(
    matcher: Matcher,
    video_THWC: FrameSequence,
    query_K3: Float[np.ndarray, "k 3"],
    config: TrackerConfig,
) -> Tracks:
    """Follow query points (frame, x, y) through an RGB video, before and after the query's frame.

    Positions are raster pixels of the video, of any size. Queries do not influence each other. In its own frame a query
    is where it was asked and visible. Raises `DataError` when a query is outside the video or a frame is not uint8 RGB.
    """
    frames = EncodedFrames(matcher, video_THWC, upsample=config.upsample)
    frame_K, start_K2 = _checked_queries(query_K3, video_THWC.shape)
    follow = TRACKING_MODES[config.mode]
    with torch.inference_mode():
        scale_2 = torch.tensor(frames.network_from_video_xy, device=frames.device)
        start = torch.from_numpy(start_K2).to(scale_2) * scale_2
        asked = torch.from_numpy(frame_K).to(frames.device)
        network_KT2, seen_KT = follow(matcher, frames, start, asked, cycle_px=config.cycle_px)
        track_KT2, visible_KT = (network_KT2 / scale_2).cpu().numpy(), seen_KT.cpu().numpy()
    row_K = np.arange(len(frame_K))
    track_KT2[row_K, frame_K], visible_KT[row_K, frame_K] = start_K2, True
    return Tracks(track_KT2=track_KT2, visible_KT=visible_KT)


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
