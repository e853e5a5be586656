"""Where clips lie: to the frame, by time, nothing lost without a reason."""

import itertools
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from densewalk.pipelines.clips.policies import Proposal, divided, from_segments, snippet, windows
from densewalk.pipelines.clips.timeline import Timeline
from densewalk.pipelines.records import Reel, Segment, ShotList
from tests.known_reels import whole_shot
from tests.thumbnail_reels import plain_reel, split_reels


def _timeline(num_frames: int, fps: float = 10.0) -> Timeline:
    return Timeline(time_M=np.arange(num_frames) / fps, first=0, rate=Fraction(fps).limit_denominator(1001))


def _plan(reel: Reel, shots: list[tuple[int, int]] | None = None, **settings: str) -> list[Proposal]:
    shots = shots or [*whole_shot(reel).shots]
    record = ShotList(reel=reel, cuts=(), transitions=(), shots=tuple(shots))
    return list(from_segments(record, shots, Timeline.of(reel), cuts_inside=settings.get("cuts_inside", "divide")))  # type: ignore[arg-type]


@given(
    num_frames=st.integers(1, 400),
    fps=st.sampled_from([5, 12, 25, 30]),
    max_seconds=st.floats(0.5, 20),
    start=st.integers(0, 50),
)
def test_pieces_share_out_a_shot_evenly_and_none_is_too_long(
    num_frames: int, fps: int, max_seconds: float, start: int
) -> None:
    shot = (start, start + num_frames)
    parts = divided(_timeline(start + num_frames + 10, fps), shot, max_seconds)
    assert parts[0][0] == shot[0]
    assert parts[-1][1] == shot[1]
    assert all(a[1] == b[0] for a, b in itertools.pairwise(parts))
    lengths = [end - begin for begin, end in parts]
    assert max(lengths) <= max_seconds * fps + 1
    assert max(lengths) - min(lengths) <= 1


def test_pieces_follow_time_not_frame_counts() -> None:
    time_M = np.concatenate((np.arange(0, 4, 0.1), np.arange(4, 8, 0.4)))
    first, second = divided(Timeline(time_M=time_M, first=0, rate=Fraction(10)), (0, 50), 5)
    assert time_M[second[0]] == pytest.approx(4, abs=0.2)
    assert first[1] == second[0]


def test_windows_tile_a_shot_and_leave_the_rest() -> None:
    fitting, rest = windows(_timeline(100), (10, 75), window_seconds=2, hop_seconds=2)
    assert fitting == [(10, 30), (30, 50), (50, 70)]
    assert rest == (70, 75)


def test_windows_that_end_with_the_shot_leave_no_rest() -> None:
    assert windows(_timeline(40), (0, 40), window_seconds=2, hop_seconds=2) == ([(0, 20), (20, 40)], None)


def test_overlapping_and_spaced_windows_keep_their_hop() -> None:
    fitting, rest = windows(_timeline(60), (0, 60), window_seconds=4, hop_seconds=1)
    assert (fitting, rest) == ([(0, 40), (10, 50), (20, 60)], None)
    fitting, rest = windows(_timeline(70), (0, 70), window_seconds=2, hop_seconds=3)
    assert (fitting, rest) == ([(0, 20), (30, 50)], (60, 70))


def test_a_shot_shorter_than_a_window_is_all_rest() -> None:
    assert windows(_timeline(60), (5, 15), window_seconds=2, hop_seconds=2) == ([], (5, 15))


@given(
    fps=st.sampled_from([12.0, 23.976, 25.0, 29.97, 30.0, 59.94]),
    num_frames=st.integers(1, 400),
    window_seconds=st.floats(0.2, 8),
    hop_seconds=st.floats(0.1, 8),
)
@example(fps=25.0, num_frames=225, window_seconds=0.5, hop_seconds=0.5)
@example(fps=12.0, num_frames=260, window_seconds=2.15625, hop_seconds=2.162109375)
def test_windows_are_equally_long_inside_the_shot_and_end_before_the_rest(
    fps: float, num_frames: int, window_seconds: float, hop_seconds: float
) -> None:
    shot = (7, 7 + num_frames)
    fitting, rest = windows(_timeline(500, fps), shot, window_seconds=window_seconds, hop_seconds=hop_seconds)
    length = window_seconds * fps
    assert {end - start for start, end in fitting} <= {round(length - 1e-6), round(length + 1e-6)}
    assert all(shot[0] <= start < end <= shot[1] for start, end in fitting)
    if rest is not None:
        assert rest[1] == shot[1]
        assert all(end <= rest[0] for _, end in fitting)
    elif fitting and hop_seconds <= window_seconds:
        assert fitting[-1][1] == shot[1]


def test_windows_of_a_variable_rate_last_equally_long() -> None:
    time_M = np.concatenate((np.arange(0, 4, 0.1), np.arange(4, 8, 0.2)))
    fitting, rest = windows(
        Timeline(time_M=time_M, first=0, rate=Fraction(10)), (0, 60), window_seconds=2, hop_seconds=2
    )
    assert fitting == [(0, 20), (20, 40), (40, 50)]
    assert rest == (50, 60)  # the last frame counts for a usual step, so a tenth of a second is missing


def test_segments_count_from_the_first_frame_and_keep_their_labels(tmp_path: Path) -> None:
    wanted = (Segment(start_seconds=2, end_seconds=5, label="jump"), Segment(start_seconds=7.96, label="run"))
    proposals = _plan(plain_reel(tmp_path, time_N=33 + np.arange(100) / 10, segments=wanted))
    assert [(p.interval, p.label) for p in proposals] == [((20, 50), "jump"), ((80, 100), "run")]
    assert not any(p.refusal for p in proposals)


def test_a_video_of_no_segments_is_wanted_whole(tmp_path: Path) -> None:
    (proposal,) = _plan(plain_reel(tmp_path, time_N=np.arange(30) / 10))
    assert proposal.interval == (0, 30)


@pytest.mark.parametrize(
    ("cuts_inside", "kept", "refused"),
    [
        ("divide", [(20, 30), (35, 60)], []),
        ("keep", [(20, 60)], []),
        ("reject", [], [(20, 60)]),
    ],
)
def test_a_segment_with_a_transition_inside_is_divided_kept_or_rejected(
    tmp_path: Path, cuts_inside: str, kept: list[tuple[int, int]], refused: list[tuple[int, int]]
) -> None:
    reel = plain_reel(tmp_path, time_N=np.arange(100) / 10, segments=(Segment(start_seconds=2, end_seconds=6),))
    proposals = _plan(reel, [(0, 30), (35, 100)], cuts_inside=cuts_inside)
    assert [p.interval for p in proposals if not p.refusal] == kept
    assert [p.interval for p in proposals if p.refusal] == refused
    assert all(p.refusal.detail.startswith("at frames 30, 35") for p in proposals if p.refusal)
    assert [p.shot for p in proposals] == ([0, 35] if cuts_inside == "divide" else [0])


def test_a_segment_that_is_nothing_but_a_transition_is_rejected(tmp_path: Path) -> None:
    reel = plain_reel(tmp_path, time_N=np.arange(100) / 10, segments=(Segment(start_seconds=3, end_seconds=3.5),))
    (proposal,) = _plan(reel, [(0, 30), (35, 100)])
    assert proposal.refusal is not None
    assert (proposal.refusal.reason, "gradual transition" in proposal.refusal.detail) == ("cut inside", True)


def test_a_segment_over_two_reels_gives_a_part_in_each_and_one_behind_the_end_a_reason(tmp_path: Path) -> None:
    wanted = (Segment(start_seconds=30, end_seconds=50), Segment(start_seconds=90, end_seconds=95))
    first, second = split_reels(tmp_path, 400, time_N=np.arange(800) / 10, segments=wanted)
    assert [p.interval for p in _plan(first)] == [(300, 400)]
    part, behind = _plan(second)
    assert part.interval == (400, 500)
    assert behind.interval == (900, 950)
    assert behind.refusal is not None
    assert (behind.refusal.reason, behind.refusal.detail) == (
        "behind the end",
        "from 90 s on; the video ends at 80.000 s",
    )


def _drawn(reel: Reel, shots: list[tuple[int, int]], seconds: float, seed: int = 0) -> Proposal | None:
    record = ShotList(reel=reel, cuts=(), transitions=(), shots=tuple(shots))
    wholes = [Proposal(interval=shot, shot=shot[0]) for shot in shots]
    return snippet(record, wholes, Timeline.of(reel), seconds=seconds, seed=seed)


def test_a_snippet_lies_in_one_shot_and_every_start_is_equally_likely(tmp_path: Path) -> None:
    reel = plain_reel(tmp_path, time_N=np.arange(100) / 10)
    shots = [(0, 22), (22, 30), (35, 58), (60, 80)]
    drawn = [_drawn(reel, shots, 2.0, seed) for seed in range(700)]
    assert all(p is not None and p.interval[1] - p.interval[0] == 20 for p in drawn)
    assert all(any(a <= p.interval[0] and p.interval[1] <= b for a, b in shots) for p in drawn if p)
    counts = np.bincount([p.interval[0] for p in drawn if p], minlength=100)
    possible = [0, 1, 2, 35, 36, 37, 38, 60]
    assert counts[possible].sum() == 700
    assert counts[possible].min() > 700 / 8 - 45
    assert {p.shot for p in drawn if p} == {0, 35, 60}


def test_the_draw_depends_on_the_source_and_the_seed_alone(tmp_path: Path) -> None:
    time_N = np.arange(200) / 10
    reels = [plain_reel(tmp_path / name, time_N=time_N, source=name) for name in ("a", "b")]
    draws = [[_drawn(reel, [(0, 200)], 2.0, seed) for seed in range(5)] for reel in (reels[0], reels[0], reels[1])]
    assert draws[0] == draws[1] != draws[2]
    assert len({p.interval for p in draws[0] if p}) == 5


def test_one_reel_gives_the_snippet_and_each_in_proportion_to_its_frames(tmp_path: Path) -> None:
    first, second = split_reels(tmp_path, 200, time_N=np.arange(1000) / 10)
    pairs = [(_drawn(first, [(0, 200)], 2.0, seed), _drawn(second, [(200, 1000)], 2.0, seed)) for seed in range(300)]
    assert all((a is None) != (b is None) for a, b in pairs)
    assert sum(a is not None for a, _ in pairs) == pytest.approx(60, abs=25)


def test_the_longest_shot_answers_for_a_source_without_a_long_one(tmp_path: Path) -> None:
    proposal = _drawn(plain_reel(tmp_path, time_N=np.arange(40) / 10), [(0, 10), (10, 25), (25, 40)], 2.0)
    assert proposal is not None
    assert proposal.refusal is not None
    assert proposal.interval == (10, 25)
    assert (proposal.refusal.reason, proposal.refusal.detail) == (
        "too short",
        "longest shot 1.500 s; clips.snippet_seconds=2",
    )
