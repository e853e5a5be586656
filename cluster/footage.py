"""The part of a video that is tracked: any file, through the same killable, limited decoder as a corpus, or a scene.

Decoded frames lie in a temporary folder and become RGB one at a time. What a user says and gets is in terms of the
video itself: frames are numbered from its first decodable one, and pixels are those of its own upright raster, which is
the coded one turned by the file's rotation, whatever size the decoder stores.

Shapes: T frames, H W rows and columns, C channels (RGB), R = 3/2 H rows of an I420 frame.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from av.video.reformatter import VideoReformatter
from jaxtyping import Float, UInt8

from densewalk.cluster.tracking import FilmConfig
from densewalk.datasets.errors import DataError
from densewalk.datasets.ledger import Verdict
from densewalk.datasets.records import Source
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.scene import Scene
from densewalk.datasets.scenes.source import HELD_OUT_SEED
from densewalk.pipelines.clips.frames import rgb_of
from densewalk.pipelines.decoding.limits import MediaLimits
from densewalk.pipelines.inprocess import InProcessEngine
from densewalk.pipelines.records import Held, Reel, Segment, StreamFacts
from densewalk.pipelines.spool import frame_seconds, spooled_frames
from densewalk.pipelines.stages.decode import Decode, DecodeConfig
from densewalk.pipelines.stages.probe import Probe, ProbeConfig
from densewalk.ssl.track.frames import FrameSequence

__all__ = ["Footage", "opened_footage", "scene_footage"]

_UNDIVIDED = 50_000_000
"""Frames of a reel that no film reaches."""
_ROUNDING_SECONDS = 1e-6
"""By which a frame's time may miss a moment that is meant to be its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Footage:
    """Frames of a video and their place in it."""

    video_THWC: FrameSequence
    """The frames, upright, with square pixels, at the size they are shown."""
    own_hw: tuple[int, int]
    """Rows and columns of the video's own upright raster."""
    first_frame: int
    """Number of the first of these frames in the video."""
    second_T: Float[np.ndarray, " t"]
    """When the frames appear, seconds after the video's first one."""
    fps: float
    """Rate at which frames usually follow each other."""

    @property
    def own_from_shown_xy(self) -> tuple[float, float]:
        """Factors that take a point (x, y) of the shown raster to the video's own."""
        height, width = self.video_THWC.shape[1:3]
        return self.own_hw[1] / width, self.own_hw[0] / height

    def shown_queries(self, query_K3: Float[np.ndarray, "k 3"]) -> Float[np.ndarray, "k 3"]:
        """Return queries (frame, x, y) of the video's own frames and pixels in those of `video_THWC`.

        Raises `DataError` when one is outside the video or at a time that is not among these frames.
        """
        num_frames, height, width, _ = self.video_THWC.shape
        last = self.first_frame + num_frames - 1
        wrong_K = ~((query_K3 >= (self.first_frame, 0, 0)) & (query_K3 <= (last, *self.own_hw[::-1]))).all(1)
        if wrong_K.any():
            row = int(wrong_K.argmax())
            frame, x, y = query_K3[row].tolist()
            raise DataError(
                f"query {row} asks for frame {frame:g} at ({x:g}, {y:g}); the video has {self.own_hw[1]} x "
                f"{self.own_hw[0]} pixels and its frames {self.first_frame} to {last} are tracked (--start, --seconds)"
            )
        # Divided first, the border of one raster is exactly that of the other.
        place_K2 = query_K3[:, 1:] / self.own_hw[::-1] * (width, height)
        return np.column_stack((query_K3[:, 0] - self.first_frame, place_K2))


@contextmanager
def opened_footage(path: Path, config: FilmConfig) -> Iterator[Footage]:
    """Yield the part of a video file that `config` names; its frames can be read inside the block.

    Raises `DataError` when the file cannot be decoded or is shorter than `start_seconds`.
    """
    with tempfile.TemporaryDirectory(prefix="densewalk-") as scratch:
        reel = _decode(path, config, Path(scratch))
        time_N = frame_seconds(reel) - reel.zero_seconds
        interval = np.array((config.start_seconds, config.start_seconds + config.seconds)) - _ROUNDING_SECONDS
        first, end = np.searchsorted(time_N, interval).tolist()
        if first == len(time_N):
            raise DataError(f"{path} ends after {time_N[-1]:.1f} s; lower --start")
        frames = slice(first, max(end, first + 1))
        yield Footage(
            video_THWC=_SpooledVideo(reel, frames),
            own_hw=_own_size(reel.facts),
            first_frame=reel.first_frame + first,
            second_T=time_N[frames],
            fps=reel.fps,
        )


def scene_footage(number: int, config: FilmConfig) -> Footage:
    """Return the part that `config` names of a square generated scene that no training saw."""
    scene_config = SceneConfig(height=config.short_side_px, width=config.short_side_px)
    scene = Scene(scene_config, HELD_OUT_SEED + number)
    first, count = (round(seconds * scene_config.fps) for seconds in (config.start_seconds, config.seconds))
    frames = range(first, first + max(1, count))
    return Footage(
        video_THWC=np.stack([scene.frame(t) for t in frames]),
        own_hw=scene.size_hw,
        first_frame=first,
        second_T=np.array(frames) / scene_config.fps,
        fps=scene_config.fps,
    )


class _SpooledVideo:
    """Some decoded frames, turned from BT.709 limited-range I420 into RGB as they are asked for."""

    def __init__(self, reel: Reel, frames: slice) -> None:
        self._frame_TRW = spooled_frames(reel)[frames]
        self._reformatter = VideoReformatter()
        self.shape = (len(self._frame_TRW), reel.height, reel.width, 3)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, frame: int) -> UInt8[np.ndarray, "h w 3"]:
        return rgb_of(self._frame_TRW[frame], self._reformatter)


def _decode(path: Path, config: FilmConfig, scratch: Path) -> Reel:
    """Decode what is asked for as one reel; what the file is, its first bytes say, whatever its name."""
    side = max(config.shown_side_px, config.short_side_px)
    limits = MediaLimits(min_side_px=2)
    decoding = DecodeConfig(short_side_px=side + side % 2, reel_frames=_UNDIVIDED, motion_vectors=False)
    source = Source(id="film", uri=str(path), bytes=0, sha256="")
    part = Segment(start_seconds=config.start_seconds, end_seconds=config.start_seconds + config.seconds)
    held = Held(source=source, path=str(path.absolute()), segments=(part,))
    (result,) = InProcessEngine().run([Probe(ProbeConfig(limits=limits)), Decode(decoding, limits, scratch)], [held])
    if isinstance(result, Verdict):
        raise DataError(f"cannot track {path}: {result.reason} ({result.detail}); expected a video file")
    reel: Reel = result
    return reel


def _own_size(facts: StreamFacts) -> tuple[int, int]:
    """Return rows and columns of the coded raster once it is upright; pixels that are not square stay as they are."""
    size_hw = facts.coded_height, facts.coded_width
    return size_hw[::-1] if facts.rotation % 180 else size_hw
