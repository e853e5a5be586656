"""Ctrl-C and SIGTERM become a request that the training loop answers between two steps.

The first signal is noted, so that a step is never torn and a checkpoint can be written; the handlers that were there
before come back at once, so a second signal ends the process the usual way.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["Interrupted", "SignalRequest", "noted_signals"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(Exception):  # noqa: N818 (being asked to stop is not an error)
    """A run was asked to stop and has saved where it stands."""

    def __init__(self, signal_number: int, step: int) -> None:
        name = signal.Signals(signal_number).name
        super().__init__(f"{name} after step {step}: checkpoint saved, repeat the command to continue")
        self.exit_code = 128 + signal_number
        """What a shell expects of a process ended by this signal."""


class SignalRequest:
    """Which signal has asked the run to stop, if any."""

    def __init__(self) -> None:
        self.number: int | None = None


@contextmanager
def noted_signals() -> Iterator[SignalRequest]:
    """Note the first SIGINT or SIGTERM instead of dying of it; outside the main thread nothing is changed."""
    request = SignalRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before: dict[signal.Signals, Any] = {}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def note(number: int, _: FrameType | None) -> None:
        request.number = number
        restore()

    before.update((number, signal.signal(number, note)) for number in _SIGNALS)
    try:
        yield request
    finally:
        restore()
