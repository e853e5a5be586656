"""A grid of points followed through a video and painted as a film: the picture of what a network has learnt.

Any file goes through the same killable, limited decoder as a corpus does; stored clips come as frames.

Shapes: T frames, H W rows and columns, C channels (RGB), K points, 2 = (x, y), 3 = (frame, x, y).
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from jaxtyping import Float, UInt8

from densewalk.datasets.config import require
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.ledger import Verdict
from densewalk.datasets.manifest import Found
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.scene import Scene
from densewalk.datasets.scenes.source import HELD_OUT_SEED
from densewalk.pipelines.container import DecodeLimits
from densewalk.pipelines.inprocess import InProcessEngine
from densewalk.pipelines.records import Decoded
from densewalk.pipelines.spool import frame_seconds, spooled_frames
from densewalk.pipelines.stages.decode import Decode, DecodeConfig
from densewalk.pipelines.stages.ingest import Ingest
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.show.film import write_gif, write_mp4
from densewalk.ssl.show.still import resized
from densewalk.ssl.show.tails import draw_tracks
from densewalk.ssl.track.tracker import TrackerConfig, Tracks, track_points

__all__ = ["Film", "FilmConfig", "generate_video", "grid_queries", "read_video", "seen_size", "write_track_film"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmConfig:
    """What of a video is tracked and how densely."""

    grid: int = 12
    """Points along the longer side of the first frame."""
    start_seconds: float = 0.0
    """Where tracking begins in the video."""
    seconds: float = 6.0
    """How much of the video is tracked."""
    short_side_px: int = 128
    """Shorter side at which the network sees the video; best not far from what it was trained at."""
    shown_side_px: int = 360
    """Shorter side at which a video file is decoded and shown."""
    gif_bytes: int = 1_000_000
    """Size a GIF may have; it is scaled until it fits."""

    def __post_init__(self) -> None:
        require(
            self.grid < 1 and f"--grid {self.grid}: at least 1 point a side",
            self.start_seconds < 0 and f"--start {self.start_seconds}: must not be negative",
            self.seconds <= 0 and f"--seconds {self.seconds}: must be above 0",
            self.short_side_px < 32 and f"--short-side {self.short_side_px}: at least 32 pixels",
            self.gif_bytes < 10_000 and f"gif_bytes={self.gif_bytes} is too few for a film",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """A film on disk and the tracks it shows."""

    mp4: Path
    gif: Path
    tracks: Tracks


def write_track_film(
    matcher: Matcher, video_THWC: UInt8[np.ndarray, "t h w 3"], fps: float, out: Path, config: FilmConfig
) -> Film:
    """Track a grid through the frames and write `out` (mp4) and a GIF beside it."""
    height, width = video_THWC.shape[1:3]
    seen_hw = seen_size((height, width), config)
    seen_THWC = np.stack([resized(frame_HWC, seen_hw) for frame_HWC in video_THWC])
    seen = track_points(matcher, seen_THWC, grid_queries(config.grid, seen_hw), TrackerConfig())
    tracks = seen.scaled((width / seen_hw[1], height / seen_hw[0]))
    painted_THWC = draw_tracks(video_THWC, tracks.track_KT2, tracks.visible_KT)
    film = Film(mp4=out, gif=out.with_suffix(".gif"), tracks=tracks)
    write_mp4(film.mp4, painted_THWC, fps=fps)
    write_gif(film.gif, painted_THWC, fps=fps, max_bytes=config.gif_bytes)
    return film


def seen_size(size_hw: tuple[int, int], config: FilmConfig) -> tuple[int, int]:
    """Return the rows and columns at which the network sees a video of `size_hw`; never larger."""
    scale = min(1.0, config.short_side_px / min(size_hw))
    return round(size_hw[0] * scale), round(size_hw[1] * scale)


def grid_queries(points: int, size_hw: tuple[int, int]) -> Float[np.ndarray, "k 3"]:
    """Return queries in frame 0 on an even grid with `points` along the longer side."""
    step = max(size_hw) / points
    y, x = (np.arange(max(1, round(side / step))) for side in size_hw)
    spots = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    counts = np.array((len(x), len(y)))
    place_K2 = (spots + 0.5) / counts * np.array(size_hw[::-1])
    return np.concatenate((np.zeros((len(place_K2), 1)), place_K2), axis=1)


def read_video(path: Path, config: FilmConfig) -> tuple[UInt8[np.ndarray, "t h w 3"], float]:
    """Return the part of a video that `config` names, as RGB frames at its usual rate, and that rate.

    Raises `DataError` when the file cannot be decoded or is shorter than `start_seconds`.
    """
    if config.start_seconds + config.seconds > 3600:
        raise ConfigError(f"--start {config.start_seconds:g} --seconds {config.seconds:g}: only the first hour is read")
    limits = DecodeLimits(max_seconds=config.start_seconds + config.seconds)
    with tempfile.TemporaryDirectory(prefix="densewalk-") as scratch:
        decoded = _decode(path, DecodeConfig(short_side_px=config.shown_side_px, limits=limits), Path(scratch))
        time_N = frame_seconds(decoded)
        wanted = np.flatnonzero(time_N - time_N[0] >= config.start_seconds)
        if not len(wanted):
            raise DataError(f"{path} ends after {time_N[-1] - time_N[0]:.1f} s; lower --start")
        return _rgb(spooled_frames(decoded)[wanted]), decoded.fps


def generate_video(number: int, config: FilmConfig) -> tuple[UInt8[np.ndarray, "t h w 3"], float]:
    """Return the part that `config` names of a square generated scene that no training saw, and its rate."""
    scene_config = SceneConfig(height=config.short_side_px, width=config.short_side_px)
    scene = Scene(scene_config, HELD_OUT_SEED + number)
    first, count = (round(seconds * scene_config.fps) for seconds in (config.start_seconds, config.seconds))
    return np.stack([scene.frame(t) for t in range(first, first + max(1, count))]), scene_config.fps


def _decode(path: Path, config: DecodeConfig, scratch: Path) -> Decoded:
    # The name is the user's choice here; what the file is, its first bytes say.
    engine, found = InProcessEngine(), Found(path=path.absolute(), is_video=True)
    (result,) = engine.run([Ingest("unknown"), Decode(config, scratch)], [found])
    if isinstance(result, Verdict):
        raise DataError(f"cannot track {path}: {result.reason} ({result.detail}); expected a video file")
    decoded: Decoded = result
    return decoded


def _rgb(frame_TRW: UInt8[np.ndarray, "t r w"]) -> UInt8[np.ndarray, "t h w 3"]:
    """Turn BT.709 limited-range I420 frames into RGB."""
    reformatter = VideoReformatter()
    video = []
    for frame_RW in frame_TRW:
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame_RW), format="yuv420p")
        rgb = reformatter.reformat(
            frame, format="rgb24", src_colorspace=Colorspace.ITU709, src_color_range=ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
        )  # fmt: skip
        video.append(rgb.to_ndarray())
    return np.stack(video)
