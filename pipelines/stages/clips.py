"""Clips: shots become stored clips, staged together with the verdicts on their source.

A shot longer than `max_seconds` is divided into equal pieces, so that no short rest is lost; a piece shorter than
`min_seconds` is rejected. A clip has a constant frame rate, at most `max_fps`, made from presentation times.
"""

import hashlib
import json
import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Float

from densewalk.datasets.config import require
from densewalk.datasets.ledger import Verdict
from densewalk.datasets.records import ClipRow, Source, clip_key
from densewalk.pipelines.encode import EncodeConfig, encode_clip
from densewalk.pipelines.records import Decoded, ShotList, SourceRow, Staged
from densewalk.pipelines.spool import frame_seconds, spooled_frames
from densewalk.pipelines.stage import Stage
from densewalk.pipelines.staging import SourceOutcome, stage
from densewalk.pipelines.timestamps import display_end, frames_on_display, stored_rate

__all__ = ["ClipConfig", "Clips", "pieces"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipConfig:
    """Which clips are made of a shot."""

    max_seconds: float = 10.0
    """Longest clip; longer shots are divided into equal pieces."""
    min_seconds: float = 1.0
    """Shortest clip; shorter pieces are rejected."""
    max_fps: float = 30.0
    """Highest stored frame rate; faster sources are divided by a whole number."""
    encode: EncodeConfig = field(default_factory=EncodeConfig)
    """How clips are encoded."""

    def __post_init__(self) -> None:
        require(
            self.min_seconds <= 0 and "clips.min_seconds must be above 0",
            self.max_seconds < 2 * self.min_seconds
            and f"clips.max_seconds={self.max_seconds:g} must be at least twice clips.min_seconds, "
            "or pieces of a divided shot would be too short",
            self.max_fps < 1 and "clips.max_fps must be at least 1",
        )


@dataclass(frozen=True, slots=True)
class _Piece:
    """A candidate clip."""

    key: str
    shot: int
    interval: tuple[int, int]
    start_seconds: float
    end_seconds: float


class Clips(Stage[ShotList, Staged]):
    """Cuts, encodes and stages the clips of each source, then removes its spooled frames."""

    name = "clips"
    version = 1

    def __init__(self, config: ClipConfig, *, scratch: Path, staged: Path, stage_versions: Mapping[str, int]) -> None:
        self.config = config
        self.scratch = scratch
        self.staged = staged
        self.stage_versions = dict(stage_versions)

    def __call__(self, records: Sequence[ShotList]) -> list[Staged | Verdict]:
        """Return what was staged of each source."""
        return [self._stage(shots) for shots in records]

    def _stage(self, shots: ShotList) -> Staged:
        source = shots.decoded.source
        outcome = stage(self.staged, self.scratch, self._members(shots), source.id)
        shutil.rmtree(shots.decoded.folder)
        seconds = sum(clip.frames / clip.fps for clip in outcome.clips)
        return Staged(source=source, num_clips=len(outcome.clips), seconds=seconds)

    def _members(self, shots: ShotList) -> Iterator[tuple[str, bytes] | SourceOutcome]:
        source = shots.decoded.source
        time_N = frame_seconds(shots.decoded)
        rows: list[ClipRow] = []
        verdicts: list[Verdict] = []
        for piece in _candidates(shots, time_N, self.config):
            seconds = piece.end_seconds - piece.start_seconds
            if seconds < self.config.min_seconds - 1e-6:
                detail = f"{seconds:.3f} s; clips.min_seconds={self.config.min_seconds:g}"
                verdicts.append(_clip_verdict(piece, source, "too short", detail))
                continue
            row, mp4 = self._encode(shots.decoded, piece, time_N)
            yield f"{row.key}.mp4", mp4
            yield f"{row.key}.json", self._lineage(row, source)
            rows.append(row)
            verdicts.append(_clip_verdict(piece, source))
        yield SourceOutcome(
            source=source,
            verdict=_source_verdict(shots.decoded, len(rows), len(verdicts)),
            clips=tuple(rows),
            clip_verdicts=tuple(verdicts),
            row=_source_row(shots, time_N, len(rows)),
        )

    def _encode(self, decoded: Decoded, piece: _Piece, time_N: Float[np.ndarray, "n"]) -> tuple[ClipRow, bytes]:
        rate = _as_fraction(decoded.fps)
        fps = stored_rate(rate, self.config.max_fps)
        shown_K = frames_on_display(time_N, piece.interval, rate=rate, fps=fps)
        frames_NRW = spooled_frames(decoded)
        mp4 = encode_clip(
            (frames_NRW[frame] for frame in shown_K),
            size_wh=(decoded.width, decoded.height),
            fps=fps,
            config=self.config.encode,
            temporary=Path(decoded.folder) / "clip.mp4",
        )
        row = ClipRow(
            key=piece.key,
            shard="",
            offset=0,
            bytes=len(mp4),
            sha256=hashlib.sha256(mp4).hexdigest(),
            source_id=decoded.source.id,
            shot=piece.shot,
            start_seconds=piece.start_seconds,
            end_seconds=piece.end_seconds,
            start_frame=piece.interval[0],
            end_frame=piece.interval[1],
            frames=len(shown_K),
            fps=float(fps),
            width=decoded.width,
            height=decoded.height,
            licence=decoded.source.licence,
        )
        return row, mp4

    def _lineage(self, row: ClipRow, source: Source) -> bytes:
        content = {name: getattr(row, name) for name in row.__slots__ if name not in ("shard", "offset")}
        content |= {"uri": source.uri, "source_sha256": source.sha256, "stages": self.stage_versions}
        return json.dumps(content, sort_keys=True, ensure_ascii=False).encode()


def pieces(
    time_N: Float[np.ndarray, "n"], shot: tuple[int, int], *, rate: Fraction, max_seconds: float
) -> list[tuple[int, int]]:
    """Divide a shot's frames [start, end) into the fewest pieces of equal time, to the nearest frame."""
    start, end = shot
    start_seconds = float(time_N[start])
    seconds = display_end(time_N, rate, end) - start_seconds
    num_pieces = max(1, math.ceil(seconds / max_seconds - 1e-6))
    moments = start_seconds + seconds / num_pieces * np.arange(1, num_pieces) - 0.5 / float(rate)
    edges = [start, *np.clip(np.searchsorted(time_N, moments), start, end).tolist(), end]
    return [(a, b) for a, b in pairwise(edges) if a < b]


def _candidates(shots: ShotList, time_N: Float[np.ndarray, "n"], config: ClipConfig) -> Iterator[_Piece]:
    rate = _as_fraction(shots.decoded.fps)
    for number, shot in enumerate(shots.shots):
        for place, interval in enumerate(pieces(time_N, shot, rate=rate, max_seconds=config.max_seconds)):
            key = clip_key(shots.decoded.source.id, number, place)
            ends = display_end(time_N, rate, interval[1])
            yield _Piece(key, number, interval, float(time_N[interval[0]]), ends)


def _clip_verdict(piece: _Piece, source: Source, reason: str = "", detail: str = "") -> Verdict:
    return Verdict(
        kind="clip",
        id=piece.key,
        source_id=source.id,
        uri=source.uri,
        outcome="rejected" if reason else "written",
        reason=reason,
        detail=detail,
    )


def _source_verdict(decoded: Decoded, num_clips: int, num_candidates: int) -> Verdict:
    fault = f"used {decoded.num_frames} frames; {decoded.fault}" if decoded.fault else ""
    return Verdict(
        kind="source",
        id=decoded.source.id,
        source_id=decoded.source.id,
        uri=decoded.source.uri,
        outcome="written" if num_clips else "rejected",
        reason="" if num_clips else "no clip long enough",
        detail=fault if num_clips else "; ".join(filter(None, (f"{num_candidates} candidates, all too short", fault))),
    )


def _source_row(shots: ShotList, time_N: Float[np.ndarray, "n"], num_clips: int) -> SourceRow:
    decoded, source, facts = shots.decoded, shots.decoded.source, shots.decoded.facts
    start = float(time_N[0])
    return SourceRow(
        **{name: getattr(source, name) for name in source.__slots__},
        **{name: getattr(facts, name) for name in facts.__slots__},
        width=decoded.width,
        height=decoded.height,
        frames=decoded.num_frames,
        fps=decoded.fps,
        variable_rate=decoded.variable_rate,
        start_seconds=start,
        seconds=display_end(time_N, _as_fraction(decoded.fps), decoded.num_frames) - start,
        fault=decoded.fault,
        cuts=shots.cuts,
        transition_starts=tuple(start for start, _ in shots.transitions),
        transition_ends=tuple(end for _, end in shots.transitions),
        clips=num_clips,
    )


def _as_fraction(fps: float) -> Fraction:
    return Fraction(fps).limit_denominator(1001)
