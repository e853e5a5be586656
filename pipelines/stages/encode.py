"""Encode: every candidate clip becomes an mp4 beside its reel's frames, and is checked before anybody relies on it.

Which frames belong to a clip was settled when it was planned; here each stored clip is read back: all frames are there,
at constant steps, and its first and last frame are those of the plan.
"""

import errno
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av

from densewalk.datasets.errors import ConfigError, DataError
from densewalk.pipelines.clips.encode import EncodeConfig, encode_clip, fault_of
from densewalk.pipelines.clips.frames import ClipFrames
from densewalk.pipelines.decoding.build import MediaBuild
from densewalk.pipelines.records import Candidate, Cutting, Reel, Refusal
from densewalk.pipelines.stage import Stage

__all__ = ["Encode", "EncodeConfig"]


class Encode(Stage[Cutting, Cutting]):
    """Writes `<key>.mp4` into the reel's folder for each candidate."""

    name = "encode"
    version = 1

    def __init__(self, config: EncodeConfig) -> None:
        self.config = config
        self.build = MediaBuild.here()

    def setup(self) -> None:
        """Raise `ConfigError` on a machine without an H.264 encoder or with other media libraries."""
        self.build.require_here()
        if not self.build.encoder:
            raise ConfigError("this build of FFmpeg has no encoder libx264; install the av package of the lock file")

    def __call__(self, records: Sequence[Cutting]) -> list[Cutting]:
        """Return the cuttings with the number of frames of each clip; clips that cannot be stored are rejected.

        Raises `DataError` when the folder is full.
        """
        return [self._encode(cutting) for cutting in records]

    def _encode(self, cutting: Cutting) -> Cutting:
        made: list[Candidate] = []
        rejected = list(cutting.rejected)
        for clip in cutting.clips:
            num_frames, fault = self._store(cutting.shots.reel, clip)
            if fault:
                rejected.append((clip, Refusal(outcome="rejected", reason="not stored soundly", detail=fault)))
            else:
                made.append(replace(clip, frames=num_frames))
        return replace(cutting, clips=tuple(made), rejected=tuple(rejected))

    def _store(self, reel: Reel, clip: Candidate) -> tuple[int, str]:
        """Return how many frames were stored, and what is wrong with them if anything is."""
        frames = ClipFrames(reel, clip)
        path = Path(reel.folder) / f"{clip.key}.mp4"
        unchecked = path.with_suffix(".mp4.part")
        num_frames, fps = len(frames), Fraction(*clip.fps)
        try:
            encode_clip(
                (frames.i420(frame) for frame in range(num_frames)),
                unchecked,
                size_wh=(frames.width, frames.height),
                fps=fps,
                config=self.config,
            )
        except (av.error.FFmpegError, OSError) as error:
            unchecked.unlink(missing_ok=True)
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DataError(f"no space left in {reel.folder}: {error}; free some and repeat the command") from error
            return 0, f"{frames.width}x{frames.height} at {fps} frames a second: {error.strerror or error}"
        ends = frames.i420(0), frames.i420(num_frames - 1)
        fault = fault_of(unchecked, num_frames=num_frames, fps=fps, ends=ends, config=self.config)
        if fault:
            unchecked.unlink()
        else:
            unchecked.replace(path)
        return num_frames, fault
