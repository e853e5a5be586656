"""The file of a clip's tracks, `<key>.tracks.npz`: random points followed until nothing comes back.

    about        what the file says of itself, JSON
    starts       int32 (K,), frame in which each track begins
    lengths      int32 (K,), frames in which it is known, the first included
    positions    uint16 (S, 2), all tracks one after another; 0-65535 spans the frame, so a position is within
                 width / 131,070 px (0.0035 px of 456)
    residuals    float16 (S - K, 2), a and b (consistency.py) of every step

Tracks were followed with a generous alpha and beta; a reader cuts them with any that are not above these. Residuals
are in px² of the raster the flow was estimated at, positions come back in pixels of the clip.

Shapes: K tracks, T frames of the clip, S positions of all tracks, L of one, 2 = (x, y) or (a, b).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Float32, Integer

from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.motion.array_archive import ArrayReader, ArrayWriter
from densewalk.datasets.motion.clip_motion import MotionAbout
from densewalk.datasets.motion.consistency import PAPER_ALPHA, PAPER_BETA, Residual, occlusion

__all__ = ["CutTracks", "RaggedTracks", "TrackAbout", "TrackSet", "read_tracks", "write_tracks"]

_FORMAT, _VERSION = "densewalk.tracks", 1
_TOP = 2**16 - 1
_MOST_PLACES = 2**28
"""Tracks times frames; a file that claims more is not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackAbout(MotionAbout):
    """What a file of tracks says of itself."""

    alpha: float
    """Tracks end where a is not below alpha b + beta."""
    beta: float
    """In px² of the raster of `size_hw`."""
    seed: int
    """Of the starts, together with the key."""


@dataclass(frozen=True, slots=True)
class RaggedTracks:
    """Tracks of different lengths, one after another."""

    start_K: Integer[np.ndarray, " k"]
    length_K: Integer[np.ndarray, " k"]
    unit_S2: Float[np.ndarray, "s 2"]
    """Positions as shares of the frame's width and height, 0-1."""
    residual_R2: Float[np.ndarray, "r 2"]
    """a and b of every step: a track of length L has L - 1."""


@dataclass(frozen=True, slots=True)
class CutTracks:
    """Tracks over all frames of a clip, under one choice of alpha and beta."""

    point_KT2: Float32[np.ndarray, "k t 2"]
    """Pixels of the clip; not a number where the track is not alive."""
    alive_KT: Bool[np.ndarray, "k t"]

    @property
    def last_frame_K(self) -> Integer[np.ndarray, " k"]:  # noqa: N802
        """The frame in which each track ends, its endpoint."""
        return self.alive_KT.shape[1] - 1 - self.alive_KT[:, ::-1].argmax(1)

    @property
    def endpoint_K2(self) -> Float32[np.ndarray, "k 2"]:  # noqa: N802
        """Where each track ends, pixels of the clip."""
        return self.point_KT2[np.arange(len(self.point_KT2)), self.last_frame_K]


class TrackSet:
    """The tracks of a clip; `read_tracks` makes one."""

    about: TrackAbout
    start_K: Integer[np.ndarray, " k"]
    """Frame in which each track begins, ascending."""
    length_K: Integer[np.ndarray, " k"]
    """Frames in which each is known at the thresholds it was followed with."""

    def __init__(self, archive: ArrayReader) -> None:
        self.about = archive.about(TrackAbout)
        self.start_K, self.length_K = archive.array("starts", "<i4", 1), archive.array("lengths", "<i4", 1)
        self._position_S2, self._residual_R2 = (
            archive.array("positions", "<u2", 2),
            archive.array("residuals", "<f2", 2),
        )
        num_tracks, num_positions = len(self.start_K), int(self.length_K.sum(dtype=np.int64))
        sound = (
            self.length_K.shape == self.start_K.shape
            and num_tracks * self.about.frames <= _MOST_PLACES
            and self._position_S2.shape == (num_positions, 2)
            and self._residual_R2.shape == (num_positions - num_tracks, 2)
            and (self.start_K >= 0).all()
            and (self.length_K >= 1).all()
            and (self.start_K.astype(np.int64) + self.length_K <= self.about.frames).all()
        )
        if not sound:
            raise DataError(
                f"the tracks of clip {self.about.key} contradict each other: {num_tracks} starts in "
                f"{self.about.frames} frames, {num_positions} positions"
            )

    def __len__(self) -> int:
        return len(self.start_K)

    def track(self, number: int) -> tuple[Float32[np.ndarray, "l 2"], Residual]:
        """Return the positions of one track (pixels of the clip, from its start on) and the residuals of its steps."""
        first = int(self.length_K[:number].sum(dtype=np.int64))
        length = int(self.length_K[number])
        steps = slice(first - number, first - number + length - 1)
        a_b_R2 = self._residual_R2[steps].astype(np.float32)
        return self._pixels(slice(first, first + length)), Residual(a=a_b_R2[:, 0], b=a_b_R2[:, 1])

    def cut(self, *, alpha: float = PAPER_ALPHA, beta: float = PAPER_BETA) -> CutTracks:
        """Return the tracks, each ended at its first step that does not come back under `alpha` and `beta`.

        Raises `ConfigError` when either is above what the tracks were followed with.
        """
        if alpha > self.about.alpha or beta > self.about.beta:
            raise ConfigError(
                f"the tracks of clip {self.about.key} were followed with alpha={self.about.alpha:g} and "
                f"beta={self.about.beta:g} and cannot be cut with alpha={alpha:g}, beta={beta:g}; prepare them with "
                "greater tracks.alpha and tracks.beta"
            )
        track_S = np.repeat(np.arange(len(self)), self.length_K)
        place_S = np.arange(len(track_S)) - np.repeat(np.cumsum(self.length_K) - self.length_K, self.length_K)
        frame_S = self.start_K[track_S] + place_S
        ends_S = np.zeros(len(track_S), bool)
        residual_R2 = self._residual_R2.astype(np.float32)
        ends_S[place_S > 0] = occlusion(Residual(a=residual_R2[:, 0], b=residual_R2[:, 1]), alpha=alpha, beta=beta)
        ended_KT, alive_KT = (np.zeros((len(self), self.about.frames), bool) for _ in range(2))
        ended_KT[track_S, frame_S] = ends_S
        alive_KT[track_S, frame_S] = True
        alive_KT &= ~np.logical_or.accumulate(ended_KT, axis=1)
        point_KT2 = np.full((*alive_KT.shape, 2), np.nan, np.float32)
        point_KT2[track_S, frame_S] = self._pixels(slice(None))
        point_KT2[~alive_KT] = np.nan
        return CutTracks(point_KT2=point_KT2, alive_KT=alive_KT)

    def _pixels(self, part: slice) -> Float32[np.ndarray, "l 2"]:
        height, width = self.about.clip_size_hw
        return self._position_S2[part] * (np.array((width, height), np.float32) / np.float32(_TOP))


def read_tracks(content: bytes | Path) -> TrackSet:
    """Return the tracks of a `<key>.tracks.npz`, or of its bytes; raises `DataError` when they are damaged."""
    return TrackSet(ArrayReader(content, format_name=_FORMAT, version=_VERSION))


def write_tracks(path: Path, about: TrackAbout, tracks: RaggedTracks) -> None:
    """Write the tracks of a clip."""
    with ArrayWriter(path, about, format_name=_FORMAT, version=_VERSION) as archive:
        archive.add("starts", tracks.start_K.astype("<i4"))
        archive.add("lengths", tracks.length_K.astype("<i4"))
        archive.add("positions", np.rint(np.clip(tracks.unit_S2, 0, 1) * _TOP).astype("<u2"))
        archive.add("residuals", tracks.residual_R2.astype("<f2"))
