"""Points followed through a video and painted as a film: the picture of what a network has learnt.

The network sees the video at a small size, whatever its own; tracks are scaled back exactly, since both rasters share
their corners. The film is painted frame by frame and no step holds the whole video.

Shapes: T frames, H W rows and columns, C channels (RGB), K points, 2 = (x, y), 3 = (frame, x, y).
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from densewalk.datasets.config import require
from densewalk.datasets.errors import ConfigError
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.show.film import write_gif, write_mp4
from densewalk.ssl.show.still import resized
from densewalk.ssl.show.tails import PaintedVideo
from densewalk.ssl.track.frames import FrameSequence
from densewalk.ssl.track.tracker import TrackerConfig, Tracks, track_points

__all__ = ["FilmConfig", "enlargement", "seen_size", "track_video", "write_film"]

_GIF_FRAMES = 180
"""Frames of a GIF; of a longer film it shows every second, every third and so on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmConfig:
    """What of a video is tracked, how, and how densely."""

    grid: int = 12
    """Points along the longer side of the first frame, or of the mask in it."""
    start_seconds: float = 0.0
    """Where tracking begins in the video."""
    seconds: float = 6.0
    """How much of the video is tracked."""
    short_side_px: int = 128
    """Shorter side at which the network sees the video; best not far from what it was trained at."""
    shown_side_px: int = 360
    """Shorter side at which a video file is shown."""
    gif_bytes: int = 1_000_000
    """Size a GIF may have; it is scaled until it fits."""
    tracker: TrackerConfig = field(default_factory=TrackerConfig)
    """How points are followed."""

    def __post_init__(self) -> None:
        require(
            self.grid < 1 and f"--grid {self.grid}: at least 1 point a side",
            self.start_seconds < 0 and f"--start {self.start_seconds}: must not be negative",
            self.seconds <= 0 and f"--seconds {self.seconds}: must be above 0",
            self.start_seconds + self.seconds > 3600
            and f"--start {self.start_seconds:g} --seconds {self.seconds:g}: only the first hour is read",
            self.short_side_px < 32 and f"--short-side {self.short_side_px}: at least 32 pixels",
            self.gif_bytes < 10_000 and f"gif_bytes={self.gif_bytes} is too few for a film",
        )


def track_video(
    matcher: Matcher, video_THWC: FrameSequence, query_K3: Float[np.ndarray, "k 3"], config: FilmConfig
) -> Tracks:
    """Follow queries (frame, x, y) through a video the network sees at `config.short_side_px`.

    Queries and tracks are in pixels of `video_THWC`. Raises `DataError` when a query lies outside of it.
    """
    height, width = video_THWC.shape[1:3]
    seen_hw = seen_size((height, width), config)
    # Divided first, the border of one raster is exactly that of the other.
    seen_query_K3 = query_K3 / (1, width, height) * (1, *seen_hw[::-1])
    tracks = track_points(matcher, _Resized(video_THWC, seen_hw), seen_query_K3, config.tracker)
    return tracks.scaled((width / seen_hw[1], height / seen_hw[0]))


def seen_size(size_hw: tuple[int, int], config: FilmConfig) -> tuple[int, int]:
    """Return the rows and columns at which the network sees a video of `size_hw`; never larger."""
    scale = min(1.0, config.short_side_px / min(size_hw))
    return round(size_hw[0] * scale), round(size_hw[1] * scale)


def enlargement(matcher: Matcher, stride: int) -> int:
    """Return the factor by which frames are enlarged for an evaluation stride, pixels per node.

    Raises `ConfigError` when the matcher's own stride is no multiple of it.
    """
    if stride < 1 or matcher.stride % stride:
        possible = ", ".join(str(s) for s in range(matcher.stride, 0, -1) if matcher.stride % s == 0)
        raise ConfigError(f"--stride {stride}: this network has nodes {matcher.stride} pixels apart; choose {possible}")
    return matcher.stride // stride


def write_film(out: Path, video_THWC: FrameSequence, tracks: Tracks, *, fps: float, gif_bytes: int) -> Path:
    """Write the video with tracks on it to `out` (mp4), and a GIF beside it whose path is returned.

    A filled marker is seen, a hollow one held to be hidden.
    """
    painted = PaintedVideo(video_THWC, tracks.track_KT2, tracks.visible_KT)
    write_mp4(out, painted, fps=fps)
    step = -(-len(painted) // _GIF_FRAMES)
    some_THWC = np.stack([painted[frame] for frame in range(0, len(painted), step)])
    gif = out.with_suffix(".gif")
    write_gif(gif, some_THWC, fps=fps / step, max_bytes=gif_bytes)
    return gif


class _Resized:
    """A video at another size, each frame when it is asked for."""

    def __init__(self, video_THWC: FrameSequence, size_hw: tuple[int, int]) -> None:
        self._video_THWC, self._size_hw = video_THWC, size_hw
        self.shape = (len(video_THWC), *size_hw, 3)

    def __len__(self) -> int:
        return len(self._video_THWC)

    def __getitem__(self, frame: int) -> UInt8[np.ndarray, "h w 3"]:
        return resized(self._video_THWC[frame], self._size_hw)
