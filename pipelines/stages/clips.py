"""Clips: which frames of a reel's shots become clips, at which constant rate; nothing is encoded yet.

Before any policy looks at them, shots lose foreign frames at their ends (see shots/edges.py). A clip never leaves its
reel: what a policy would lay over the border of two reels is divided there, at frames that depend on
`decode.reel_frames` alone.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from densewalk.datasets.config import require
from densewalk.datasets.records import clip_key
from densewalk.datasets.timing import stored_rate
from densewalk.pipelines.clips.policies import CutsInside, Proposal, divided, from_segments, snippet, windows
from densewalk.pipelines.clips.timeline import Timeline
from densewalk.pipelines.records import Candidate, Cutting, Reel, Refusal, ShotList
from densewalk.pipelines.shots.edges import inner_frames
from densewalk.pipelines.spool import read_thumbnails
from densewalk.pipelines.stage import Stage

__all__ = ["ClipConfig", "Clips", "Policy"]

Policy = Literal["shots", "windows", "segments", "snippet"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipConfig:
    """Which clips are made of shots."""

    policy: Policy = "shots"
    """`shots`: whole shots; `windows`: windows of fixed length, and what is left of a shot; `segments`: the parts that
    the list of sources asks for, whole videos where it asks for none; `snippet`: one random stretch of each source, as
    in YouTube-8M-Segments. Where the list asks for parts, no policy goes beyond them."""
    min_seconds: float = 1.0
    """Shortest clip; what is shorter is rejected."""
    max_seconds: float = 10.0
    """Longest clip of `shots` and `segments`; longer ones are divided into equal pieces."""
    max_fps: float = 30.0
    """Highest stored frame rate; faster sources are divided by a whole number."""
    fps: float | None = None
    """Exact stored frame rate, whatever the source's, frames chosen by presentation time; 23.976, 29.97 and 59.94 stand
    for 24, 30 and 60 over 1.001. None: the source's rate, within `max_fps`."""
    window_seconds: float = 4.0
    """Length of the windows of `windows`."""
    hop_seconds: float = 4.0
    """Time from the start of one window to that of the next; below `window_seconds`, windows overlap."""
    snippet_seconds: float = 6.0
    """Length of the stretch of `snippet`."""
    cuts_in_segments: CutsInside = "divide"
    """What becomes of a segment with cuts or transitions inside: `divide` at them, `keep` it whole (the cuts are in
    sources.parquet), or `reject` it."""
    seed: int = 0
    """Of the random stretch, together with the source's content."""

    def __post_init__(self) -> None:
        require(
            self.min_seconds <= 0 and f"clips.min_seconds={self.min_seconds:g} must be above 0",
            self.max_seconds < 2 * self.min_seconds
            and f"clips.max_seconds={self.max_seconds:g} must be at least twice clips.min_seconds, "
            "or pieces of a divided shot would be too short",
            self.max_fps < 1 and f"clips.max_fps={self.max_fps:g} must be at least 1",
            self.fps is not None and not 1 <= self.fps <= 240 and f"clips.fps={self.fps:g} must lie between 1 and 240",
            self.window_seconds < self.min_seconds
            and f"clips.window_seconds={self.window_seconds:g} must be at least clips.min_seconds",
            self.hop_seconds <= 0 and f"clips.hop_seconds={self.hop_seconds:g} must be above 0",
            self.snippet_seconds < self.min_seconds
            and f"clips.snippet_seconds={self.snippet_seconds:g} must be at least clips.min_seconds",
        )


class Clips(Stage[ShotList, Cutting]):
    """Plans the clips of each reel."""

    name = "clips"
    version = 3

    def __init__(self, config: ClipConfig) -> None:
        self.config = config

    def __call__(self, records: Sequence[ShotList]) -> list[Cutting]:
        """Return the candidates of each reel, those that are no clips with the reason."""
        return [self._plan(record) for record in records]

    def _plan(self, record: ShotList) -> Cutting:
        timeline = Timeline.of(record.reel)
        shots = _inner_shots(record)
        proposals = [self._judged(proposal, timeline) for proposal in self._proposals(record, shots, timeline)]
        fps = _constant_rate(timeline.rate, self.config)
        made = [(_candidate(p, record.reel, timeline, fps), p.refusal) for p in _named_once(proposals)]
        return Cutting(
            shots=record,
            clips=tuple(clip for clip, refusal in made if refusal is None),
            rejected=tuple((clip, refusal) for clip, refusal in made if refusal is not None),
        )

    def _proposals(self, record: ShotList, shots: Sequence[tuple[int, int]], timeline: Timeline) -> Iterator[Proposal]:
        config = self.config
        wanted = _named_once(self._wanted(record, shots, timeline))
        if config.policy == "snippet":
            wholes = [whole for whole in wanted if whole.refusal is None]
            drawn = snippet(record, wholes, timeline, seconds=config.snippet_seconds, seed=config.seed)
            wanted = [*(whole for whole in wanted if whole.refusal is not None), *([drawn] if drawn else [])]
        for whole in wanted:
            if whole.refusal is not None or config.policy == "snippet":
                yield whole
            elif config.policy == "windows":
                yield from _windows(whole, timeline, config)
            else:
                pieces = divided(timeline, whole.interval, config.max_seconds)
                yield from (replace(whole, interval=piece) for piece in pieces)

    def _wanted(self, record: ShotList, shots: Sequence[tuple[int, int]], timeline: Timeline) -> Iterator[Proposal]:
        """Yield the shots, or what the list of sources asks for of them."""
        if self.config.policy == "segments":
            return from_segments(record, shots, timeline, cuts_inside=self.config.cuts_in_segments)
        if record.reel.segments:
            return from_segments(record, shots, timeline, cuts_inside="divide")
        return (Proposal(interval=shot, shot=shot[0]) for shot in shots)

    def _judged(self, proposal: Proposal, timeline: Timeline) -> Proposal:
        if proposal.refusal is not None:
            return proposal
        seconds = timeline.seconds(proposal.interval)
        if seconds >= self.config.min_seconds - 1e-6:
            return proposal
        detail = f"{seconds:.3f} s; clips.min_seconds={self.config.min_seconds:g}"
        return replace(proposal, refusal=Refusal(outcome="rejected", reason="too short", detail=detail))


def _inner_shots(record: ShotList) -> list[tuple[int, int]]:
    reel = record.reel
    thumbnail_MHWC = read_thumbnails(reel)
    first = reel.first_frame - reel.lead
    inner = [inner_frames(thumbnail_MHWC, (start - first, end - first)) for start, end in record.shots]
    return [(first + start, first + end) for start, end in inner]


def _windows(whole: Proposal, timeline: Timeline, config: ClipConfig) -> Iterator[Proposal]:
    fitting, rest = windows(
        timeline, whole.interval, window_seconds=config.window_seconds, hop_seconds=config.hop_seconds
    )
    yield from (replace(whole, interval=interval) for interval in fitting)
    if rest is not None:
        seconds = timeline.seconds(rest)
        short = bool(fitting) and seconds < config.min_seconds - 1e-6
        detail = f"{seconds:.3f} s; clips.min_seconds={config.min_seconds:g}"
        refusal = Refusal(outcome="rejected", reason="rest of a shot", detail=detail) if short else None
        yield replace(whole, interval=rest, refusal=refusal)


def _named_once(proposals: Iterable[Proposal]) -> list[Proposal]:
    """Make one proposal of those with the same frames: their labels stand together."""
    by_interval: dict[tuple[int, int], Proposal] = {}
    for proposal in proposals:
        known = by_interval.get(proposal.interval, proposal)
        labels = dict.fromkeys(label for p in (known, proposal) for label in p.label.split("; ") if label)
        by_interval[proposal.interval] = replace(known, label="; ".join(labels))
    return list(by_interval.values())


def _candidate(proposal: Proposal, reel: Reel, timeline: Timeline, fps: Fraction) -> Candidate:
    start, end = proposal.interval
    inside = start < reel.first_frame + reel.num_frames
    begins = timeline.start(start) if inside else reel.zero_seconds + start / float(timeline.rate)
    return Candidate(
        key=clip_key(reel.source.id, start, end),
        shot=proposal.shot,
        interval=proposal.interval,
        start_seconds=begins,
        end_seconds=timeline.end(proposal.interval) if inside else begins + (end - start) / float(timeline.rate),
        fps=fps.as_integer_ratio(),
        label=proposal.label,
        crop_xywh=(0, 0, reel.width, reel.height),
    )


def _constant_rate(rate: Fraction, config: ClipConfig) -> Fraction:
    if config.fps is None:
        return stored_rate(rate, config.max_fps)
    film = Fraction(math.ceil(config.fps) * 1000, 1001)
    if not float(config.fps).is_integer() and abs(float(film) - config.fps) < 0.005:
        return film
    return Fraction(config.fps).limit_denominator(1000)
