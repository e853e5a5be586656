"""What tests say of reels they made themselves: plain facts of a stream, one shot, clips of given frames."""

from densewalk.datasets.records import clip_key
from densewalk.pipelines.clips.timeline import Timeline
from densewalk.pipelines.records import Candidate, Cutting, Reel, ShotList, StreamFacts

__all__ = ["STREAM", "cutting_of_reel", "whole_shot"]

STREAM = StreamFacts(
    container="mov",
    codec="h264",
    pixel_format="yuv420p",
    coded_width=96,
    coded_height=64,
    rotation=0,
    sample_aspect=1.0,
    packets=1000,
)


def whole_shot(reel: Reel) -> ShotList:
    """Take a reel for a single shot."""
    return ShotList(reel=reel, cuts=(), transitions=(), shots=((reel.first_frame, reel.first_frame + reel.num_frames),))


def cutting_of_reel(reel: Reel, *intervals: tuple[int, int]) -> Cutting:
    """Take the whole reel, or the given intervals of its source's frames, for the clips to be made."""
    timeline, shots = Timeline.of(reel), whole_shot(reel)
    clips = tuple(
        Candidate(
            key=clip_key(reel.source.id, *interval),
            shot=reel.first_frame,
            interval=interval,
            start_seconds=timeline.start(interval[0]),
            end_seconds=timeline.end(interval),
            fps=reel.rate.as_integer_ratio(),
            crop_xywh=(0, 0, reel.width, reel.height),
        )
        for interval in intervals or shots.shots
    )
    return Cutting(shots=shots, clips=clips)
