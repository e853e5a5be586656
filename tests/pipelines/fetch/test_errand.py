"""Errands: deadlines leave waiting in turn out; attempts are counted by their progress."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from densewalk.pipelines.fetch.errand import Clock
from densewalk.pipelines.fetch.faults import FetchFault


def test_a_clock_stands_still_while_it_is_stopped() -> None:
    clock = Clock(0.3, 1.0)
    with clock.stopped():
        time.sleep(0.35)
    assert clock.left() > 0.2
    time.sleep(0.31)
    with pytest.raises(FetchFault, match="deadline passed"):
        clock.left()


def test_waiting_for_a_turn_is_not_the_video_s_fault(errand: Callable[..., Any]) -> None:
    first, second = (errand(requests_per_second=3.0, deadline_seconds=0.2) for _ in range(2))
    with first.turn("a.org"):
        pass
    with second.turn("a.org"):
        assert second.clock.left() > 0.1


def test_tries_without_progress_are_limited_and_told(errand: Callable[..., Any]) -> None:
    had, tries = 0, []

    def attempt() -> None:
        nonlocal had
        tries.append(had)
        had = min(had + 1, 4)
        raise FetchFault("stalled", "nothing came", again=True)

    with pytest.raises(FetchFault) as caught:
        errand(attempts=2, backoff_seconds=0.001).persist(attempt, lambda: had)
    assert tries == [0, 1, 2, 3, 4]
    assert caught.value.detail == "nothing came; tried 2 times in a row"


def test_a_terminal_fault_is_not_tried_again(errand: Callable[..., Any]) -> None:
    tries = []

    def attempt() -> None:
        tries.append(1)
        raise FetchFault("gone", "404")

    with pytest.raises(FetchFault):
        errand().persist(attempt, lambda: 0)
    assert len(tries) == 1


def test_a_wait_beyond_the_deadline_is_not_begun(errand: Callable[..., Any]) -> None:
    def attempt() -> None:
        raise FetchFault("host error", "500", again=True)

    began = time.monotonic()
    with pytest.raises(FetchFault, match="host error"):
        errand(backoff_seconds=30.0, deadline_seconds=2.0).persist(attempt, lambda: 0)
    assert time.monotonic() - began < 0.5


def test_waits_grow_and_are_the_same_for_the_same_video(errand: Callable[..., Any]) -> None:
    waits = [errand("a", backoff_seconds=1.0)._backoff(tries) for tries in range(1, 12)]
    assert waits == [errand("a", backoff_seconds=1.0)._backoff(tries) for tries in range(1, 12)]
    assert waits != [errand("b", backoff_seconds=1.0)._backoff(tries) for tries in range(1, 12)]
    assert all(0.5 * 2**k <= wait <= 1.5 * 2**k for k, wait in enumerate(waits[:5]))
    assert waits[-1] == 60
