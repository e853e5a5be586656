"""Clips that hang or kill their readers are tried again alone and then shunned; nobody else is charged."""

import logging
import os
import re
import signal
import time
from pathlib import Path

import pytest

from densewalk.datasets.errors import TrainingError
from densewalk.datasets.loading.pool import SamplePool
from tests.datasets.loading.toy_sources import ToySource

NUMBERS = range(40)


def _keys(pool: SamplePool, size: int = 4) -> list[str]:
    tickets = [pool.submit(NUMBERS[start : start + size]) for start in range(0, len(NUMBERS), size)]
    return [sample.key for ticket in tickets for sample in pool.take(ticket)]


def _expected(*shunned: int) -> list[str]:
    return [f"clip-{number + 1000 * (number in shunned)}" for number in NUMBERS]


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("kill", "reading it cost 2 worker processes; the last one was killed by SIGKILL.*data.workers"),
        pytest.param("segfault", "was ended by SIGSEGV", marks=pytest.mark.slow),
        pytest.param("exit", "ended with exit code 7", marks=pytest.mark.slow),
        pytest.param("hang", "said nothing for data.deadline_seconds=1.5", marks=pytest.mark.slow),
        ("hang in C", "said nothing for data.deadline_seconds=1.5"),
    ],
)
def test_a_clip_that_costs_its_reader_is_shunned_and_no_other(what: str, reason: str) -> None:
    source = ToySource({13: what})
    with SamplePool(source, 2, deadline_seconds=1.5) as pool:
        assert _keys(pool) == _expected(13)
        (passed_over,) = pool.take(pool.submit([13]))[0].passed_over
    assert list(source.shunned) == ["clip-13"]
    assert re.search(reason, source.shunned["clip-13"])
    assert passed_over.reason == source.shunned["clip-13"]


@pytest.mark.slow
def test_what_happens_once_is_held_against_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = ToySource({5: "kill", 30: "hang"}, once=tmp_path)
    with SamplePool(source, 2, deadline_seconds=1.5) as pool, caplog.at_level(logging.WARNING):
        assert _keys(pool) == _expected()
    assert source.shunned == {}
    assert [len((tmp_path / name).read_text().split()) for name in ("5", "30")] == [2, 2]
    told = caplog.text
    assert "over samples 4, 5, 6, 7, clip clip-5: it was killed by SIGKILL" in told
    assert "over samples 28, 29, 30, 31, clip clip-30: it said nothing" in told
    assert "in _misbehave" in told  # where it hung


@pytest.mark.slow
def test_two_bad_clips_of_one_task_are_both_shunned_and_new_workers_know() -> None:
    source = ToySource({9: "kill", 10: "kill", 33: "kill"})
    with SamplePool(source, 2, deadline_seconds=60) as pool:
        assert _keys(pool) == _expected(9, 10, 33)
        assert _keys(pool) == _expected(9, 10, 33)
        assert len(pool.take(pool.submit([9]))[0].passed_over) == 1


@pytest.mark.slow
def test_a_clip_met_by_two_workers_at_once_is_tried_alone(tmp_path: Path) -> None:
    source = ToySource({7: "hang"}, once=tmp_path)
    with SamplePool(source, 2, deadline_seconds=1.5) as pool:
        tickets = [pool.submit([7]), pool.submit([7])]
        assert [pool.take(ticket)[0].key for ticket in tickets] == ["clip-7", "clip-7"]
    assert source.shunned == {}


def test_one_attempt_shuns_at_once(tmp_path: Path) -> None:
    with SamplePool(ToySource({0: "kill"}, once=tmp_path), 1, deadline_seconds=60, attempts=1) as pool:
        assert pool.take(pool.submit([0]))[0].key == "clip-1000"
    assert len((tmp_path / "0").read_text().split()) == 1


def test_a_loss_without_a_clip_is_an_error_of_its_ticket_only() -> None:
    with SamplePool(ToySource({5: "outside kill"}), 2, deadline_seconds=60) as pool:
        tickets = [pool.submit([number]) for number in range(10)]
        with pytest.raises(TrainingError, match=r"samples 5 cannot be made: 2 worker processes.*no clip.*SIGKILL"):
            pool.take(tickets[5])
        assert [pool.take(ticket)[0].key for ticket in tickets[6:]] == [f"clip-{n}" for n in range(6, 10)]


def test_a_source_that_will_not_shun_is_an_error_not_a_loop() -> None:
    with (
        SamplePool(ToySource({2: "kill though shunned"}), 1, deadline_seconds=60) as pool,
        pytest.raises(TrainingError, match="clip clip-2, which it was told to shun"),
    ):
        pool.take(pool.submit([2]))


@pytest.mark.slow
def test_workers_that_an_operator_kills_or_stops_are_replaced(caplog: pytest.LogCaptureFixture) -> None:
    source = ToySource(seconds=0.02)
    with SamplePool(source, 2, deadline_seconds=3.0) as pool:
        assert _keys(pool) == _expected()
        tickets = [pool.submit(NUMBERS[start : start + 4]) for start in range(0, 40, 4)]
        first, second = (worker.pid for worker in pool._crew._workers)
        os.kill(first, signal.SIGKILL)
        os.kill(second, signal.SIGSTOP)
        assert [sample.key for ticket in tickets for sample in pool.take(ticket)] == _expected()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
            for worker in pool._crew._workers:
                os.kill(worker.pid, number)  # the training's business
        pids = {worker.pid for worker in pool._crew._workers}
        assert _keys(pool) == _expected()
        assert pids == {worker.pid for worker in pool._crew._workers}
    assert source.shunned == {}


def test_a_forgotten_task_that_hangs_stops_nobody() -> None:
    source = ToySource({3: "hang"})
    with SamplePool(source, 1, deadline_seconds=1.5) as pool:
        pool.take(pool.submit([0]))
        pool.submit([3])
        time.sleep(0.2)
        pool.forget()
        assert pool.take(pool.submit([4]))[0].key == "clip-4"
    assert source.shunned == {}


@pytest.mark.slow
def test_clips_that_cost_their_readers_one_after_another_are_not_shunned_for_ever() -> None:
    source = ToySource(dict.fromkeys(range(5), "kill"))
    with SamplePool(source, 1, deadline_seconds=60) as pool:
        ticket, after = pool.submit(range(6)), pool.submit([20])
        with pytest.raises(TrainingError, match=r"5 clips in a row cost 2 worker processes each.* clip-4, was killed"):
            pool.take(ticket)
        assert pool.take(after)[0].key == "clip-20"
    assert sorted(source.shunned) == [f"clip-{number}" for number in range(4)]
