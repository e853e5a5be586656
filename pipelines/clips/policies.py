"""Where clips lie: from shots, times and wishes to intervals of frames, with a reason for each that will be no clip.

A border between clips falls on the frame that appears nearest to its moment, so that lengths are right to the frame
whatever the rate does. Intervals are [start, end) frames of the source.
"""

import hashlib
import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Literal

from densewalk.pipelines.clips.timeline import Timeline
from densewalk.pipelines.records import Interval, Reel, Refusal, Segment, ShotList

__all__ = ["CutsInside", "Proposal", "divided", "from_segments", "snippet", "windows"]

CutsInside = Literal["divide", "keep", "reject"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Frames that may become a clip."""

    interval: Interval
    shot: int
    """First frame of the shot they begin in."""
    label: str = ""
    refusal: Refusal | None = None


def divided(timeline: Timeline, interval: Interval, max_seconds: float) -> list[Interval]:
    """Divide frames into the fewest pieces of equal time."""
    begin, seconds = timeline.start(interval[0]), timeline.seconds(interval)
    num_pieces = max(1, math.ceil(seconds / max_seconds - 1e-6))
    inner = [timeline.nearest(begin + seconds * k / num_pieces, interval) for k in range(1, num_pieces)]
    return [(a, b) for a, b in pairwise((interval[0], *inner, interval[1])) if a < b]


def windows(
    timeline: Timeline, shot: Interval, *, window_seconds: float, hop_seconds: float
) -> tuple[list[Interval], Interval | None]:
    """Return the windows that fit into a shot, the first at its start, and the rest that no window covers."""
    begin, last = timeline.start(shot[0]), timeline.end(shot)
    fitting: list[Interval] = []
    rest = shot[0]
    half_frame = 0.5 / float(timeline.rate)
    for number in range(max(0, math.floor((last - begin) / hop_seconds + 1))):
        start = timeline.nearest(begin + number * hop_seconds, shot)
        if hop_seconds > window_seconds:
            rest = max(rest, start)  # what lies between windows is left out on purpose
        if start == shot[1] or timeline.start(start) + window_seconds > last + half_frame:
            break
        end = timeline.nearest(timeline.start(start) + window_seconds, shot)
        fitting.append((start, end))
        rest = end
    return fitting, (rest, shot[1]) if rest < shot[1] else None


def snippet(
    record: ShotList, wholes: Sequence[Proposal], timeline: Timeline, *, seconds: float, seed: int
) -> Proposal | None:
    """Return one random stretch of a source's shots, or the longest shot refused when none is long enough.

    `wholes` are the reel's shots, or the parts of them that are wanted. A moment of what is wanted is drawn, and the
    reel that holds it gives the snippet: every moment of its shots at which one can begin is equally likely. The draw
    depends on the seed and the source's content alone. None in all other reels and where there is no shot at all.
    """
    reel = record.reel
    digest = hashlib.sha256(f"{seed} {reel.source.id}".encode()).digest()
    which, where = ((int.from_bytes(digest[k : k + 8], "big") >> 11) / 2**53 for k in (0, 8))
    if not _holds(reel, _drawn_frame(reel, which)) or not wholes:
        return None
    shots = [whole.interval for whole in wholes]
    frame_seconds = 1 / float(timeline.rate)
    # A shot may be half a frame short, as rounding would have it.
    slack = [timeline.seconds(shot) - seconds + frame_seconds for shot in shots]
    room = [value if value > 0.5 * frame_seconds else 0.0 for value in slack]
    if not any(room):
        longest = max(wholes, key=lambda whole: timeline.seconds(whole.interval))
        detail = f"longest shot {timeline.seconds(longest.interval):.3f} s; clips.snippet_seconds={seconds:g}"
        return replace(longest, refusal=Refusal(outcome="rejected", reason="too short", detail=detail))
    before = [0.0, *accumulate(room)]
    chosen = min(bisect_right(before, where * before[-1]), len(shots)) - 1
    shot, place = shots[chosen], where * before[-1] - before[chosen]
    latest = timeline.nearest(timeline.end(shot) - seconds, shot)
    start = min(timeline.on_display(timeline.start(shot[0]) + place, shot), latest)
    return replace(wholes[chosen], interval=(start, timeline.nearest(timeline.start(start) + seconds, shot)))


def _drawn_frame(reel: Reel, which: float) -> float:
    """Return the frame of the source that lies at the share `which` of all that is wanted of it."""
    if not reel.segments:
        return which * max(reel.facts.packets, 1)
    end = reel.facts.last_seconds - reel.facts.first_seconds
    spans = [
        (part.start_seconds, max(part.start_seconds, end if part.end_seconds is None else part.end_seconds))
        for part in reel.segments
    ]
    left = which * sum(stop - start for start, stop in spans)
    for start, stop in spans:
        if left <= stop - start:
            break
        left -= stop - start
    return (start + left) * float(reel.rate)


def _holds(reel: Reel, frame: float) -> bool:
    begins = reel.number == 0 or reel.first_frame <= frame
    return begins and (reel.is_last or frame < reel.first_frame + reel.num_frames)


def from_segments(
    record: ShotList, shots: Sequence[Interval], timeline: Timeline, *, cuts_inside: CutsInside
) -> Iterator[Proposal]:
    """Yield the parts of this reel that somebody asked for; a source of no segments is wanted whole.

    A segment that lies in several reels gives a part in each. The last reel answers for those behind the end.
    """
    reel = record.reel
    frames = (reel.first_frame, reel.first_frame + reel.num_frames)
    for segment in reel.segments or (Segment(),):
        wanted = _wanted(segment, reel, timeline)
        part = (max(wanted[0], frames[0]), min(wanted[1], frames[1]))
        if part[0] < part[1]:
            whole = Proposal(interval=part, shot=_shot_of(part, shots), label=segment.label)
            yield from _around_cuts(whole, shots, cuts_inside)
        elif reel.is_last and wanted[0] >= frames[1]:
            seconds = timeline.end(frames) - reel.zero_seconds
            detail = f"from {segment.start_seconds:g} s on; the video ends at {seconds:.3f} s"
            refusal = Refusal(outcome="rejected", reason="behind the end", detail=detail)
            yield Proposal(interval=wanted, shot=wanted[0], label=segment.label, refusal=refusal)


def _wanted(segment: Segment, reel: Reel, timeline: Timeline) -> Interval:
    """Return a segment's frames; behind the known ones they are numbered on at the usual rate."""
    known = (timeline.first, timeline.first + len(timeline.time_M))
    edges: list[int] = []
    for seconds in (segment.start_seconds, segment.end_seconds):
        if seconds is None:
            edges.append(max(known[1], edges[0] + 1))
            continue
        frame = timeline.nearest(reel.zero_seconds + seconds, known)
        behind = reel.zero_seconds + seconds - timeline.end(known) if frame == known[1] else 0.0
        edges.append(frame + max(0, round(behind * float(timeline.rate))))
    return edges[0], max(edges[1], edges[0] + 1)


def _around_cuts(whole: Proposal, shots: Sequence[Interval], cuts_inside: CutsInside) -> Iterator[Proposal]:
    start, end = whole.interval
    parts = [(max(a, start), min(b, end)) for a, b in shots if a < end and b > start]
    if parts == [whole.interval] or cuts_inside == "keep":
        yield whole
    elif cuts_inside == "divide" and parts:
        yield from (replace(whole, interval=part, shot=_shot_of(part, shots)) for part in parts)
    else:
        edges = sorted({frame for part in parts for frame in part if start < frame < end})
        detail = f"at frames {', '.join(map(str, edges))}" if edges else "all of it is a gradual transition"
        yield replace(
            whole, refusal=Refusal(outcome="rejected", reason="cut inside", detail=f"{detail}; clips.cuts_in_segments")
        )


def _shot_of(interval: Interval, shots: Sequence[Interval]) -> int:
    """Return the first frame of the first shot that shares a frame with the interval, or the interval's own."""
    return next((a for a, b in shots if a < interval[1] and b > interval[0]), interval[0])
