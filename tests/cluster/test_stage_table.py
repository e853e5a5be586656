"""Numbers of the stages: what waits, how fast of late, who is the slowest; all from counters and a clock."""

from collections import Counter

import pytest

from densewalk.cluster.stage_table import Pace, seconds_per_stage, slowest, stage_rows
from densewalk.pipelines.tally import StageTally

STAGES = ("decode", "shots", "stow")
TALLIES = {
    "decode": StageTally(taken=6, given=9, ended=Counter(failed=2, rejected=1), seconds=30.0),
    "shots": StageTally(taken=5, given=5, seconds=90.0),
}


def _pace(*notes: tuple[float, dict[str, float]]) -> Pace:
    pace = Pace()
    for now, counts in notes:
        pace.note(now, counts)
    return pace


def test_what_waits_is_what_the_stage_before_gave_and_this_one_has_not_taken() -> None:
    rows = stage_rows(STAGES, TALLIES, Pace(), handed=10)
    assert [(row.name, row.taken, row.waiting, row.failed, row.rejected) for row in rows] == [
        ("decode", 6, 4, 2, 1),
        ("shots", 5, 4, 0, 0),
        ("stow", 0, 5, 0, 0),
    ]


def test_what_is_taken_twice_after_a_loss_leaves_no_negative_queue() -> None:
    rows = stage_rows(("shots",), {"shots": StageTally(taken=7)}, Pace(), handed=5)
    assert rows[0].waiting == 0


def test_workers_at_work_tell_who_is_the_slowest() -> None:
    pace = _pace((0.0, {}), (30.0, {"decode.taken": 6.0, "decode.seconds": 30.0, "shots.seconds": 90.0}))
    rows = stage_rows(STAGES, TALLIES, pace, handed=10)
    assert [(row.per_second, row.busy) for row in rows] == [(0.2, 1.0), (0.0, 3.0), (0.0, 0.0)]
    most = slowest(rows)
    assert most is not None
    assert (most[0].name, most[1]) == ("shots", 0.75)
    assert slowest(stage_rows(STAGES, {}, Pace(), handed=0)) is None


def test_a_rate_is_that_of_the_last_minute_at_first_and_of_the_last_third_later() -> None:
    assert Pace().per_second("n") == 0
    assert _pace((5.0, {"n": 3.0})).per_second("n") == 0
    assert _pace((0.0, {"n": 0.0}), (10.0, {"n": 20.0})).per_second("n") == 2
    pace = Pace()
    for second in range(1201):  # ten a second for ten minutes, then one a second
        pace.note(float(second), {"n": 10.0 * min(second, 600) + max(0, second - 600)})
    assert pace.per_second("n") == pytest.approx(1, abs=0.05)


def test_a_standstill_lowers_the_rate_while_it_lasts() -> None:
    notes = [(float(second), {"n": float(min(second, 50))}) for second in range(111)]
    assert _pace(*notes[:51]).per_second("n") == 1
    assert _pace(*notes[:101]).per_second("n") < 0.3
    assert _pace(*notes).per_second("n") == 0


def test_the_samples_held_stay_few_over_a_week() -> None:
    pace = Pace()
    for minute in range(7 * 24 * 60):
        pace.note(60.0 * minute, {"n": float(minute)})
    assert len(pace._samples) < 400
    assert pace.per_second("n") == pytest.approx(1 / 60)


def test_seconds_are_told_for_stages_that_had_work() -> None:
    assert seconds_per_stage(STAGES, TALLIES) == "decode 30.0 s (25%), shots 90.0 s (75%)"
    assert seconds_per_stage(STAGES, {"decode": StageTally()}) == ""
