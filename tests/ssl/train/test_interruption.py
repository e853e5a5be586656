"""Tests of the answer to Ctrl-C and SIGTERM."""

import os
import signal
import threading

import pytest

from densewalk.datasets.errors import DensewalkError
from densewalk.ssl.train.interruption import Interrupted, noted_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_signal_is_noted_and_the_old_handlers_come_back(number: signal.Signals) -> None:
    before = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
    with noted_signals() as request:
        assert request.number is None
        os.kill(os.getpid(), number)
        assert request.number == number
        assert {n: signal.getsignal(n) for n in before} == before, "a second signal must work as usual"
    assert {n: signal.getsignal(n) for n in before} == before


def test_handlers_come_back_without_a_signal() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with noted_signals():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_other_threads_train_without_handlers_of_their_own() -> None:
    seen: list[object] = []

    def work() -> None:
        before = signal.getsignal(signal.SIGINT)
        with noted_signals() as request:
            seen.extend((request.number, signal.getsignal(signal.SIGINT) == before))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [None, True]


def test_interruption_is_no_user_error_and_carries_the_exit_code_of_its_signal() -> None:
    interrupted = Interrupted(signal.SIGTERM, 7)
    assert not isinstance(interrupted, DensewalkError)
    assert interrupted.exit_code == 143
    assert Interrupted(signal.SIGINT, 7).exit_code == 130
    assert "SIGTERM after step 7" in str(interrupted)
    assert "repeat the command to continue" in str(interrupted)
