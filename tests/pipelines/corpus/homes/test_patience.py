"""Patience: what passes is waited for, ever longer; faults of the code are not."""

import time

import pytest

from densewalk.datasets.errors import ConfigError, DataError
from densewalk.pipelines.corpus.homes.patience import Patience, StoreFault


def _failing(error: Exception, times: int) -> tuple[list[float], object]:
    tries: list[float] = []

    def call() -> str:
        tries.append(time.monotonic())
        if len(tries) <= times:
            raise error
        return "done"

    return tries, call


def test_what_passes_is_waited_for_ever_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("densewalk.pipelines.corpus.homes.patience.time.sleep", waits.append)
    tries, call = _failing(ConnectionResetError("reset"), 8)
    assert Patience(seconds=1000.0).insist(call, "write x") == "done"  # type: ignore[arg-type]
    assert len(tries) == 9
    assert waits[5] > 4 * waits[0]
    assert all(0.5 * 0.5 * 2**k <= wait <= 1.5 * 0.5 * 2**k for k, wait in enumerate(waits[:6]))
    assert max(waits) <= 45.0


def test_patience_ends(caplog: pytest.LogCaptureFixture) -> None:
    _, call = _failing(StoreFault("short"), 10**6)
    with pytest.raises(DataError, match=r"cannot write x: StoreFault: short, for 0 s; nothing is lost"):
        Patience(seconds=0.05, first_wait_seconds=0.01).insist(call, "write x")  # type: ignore[arg-type]
    assert "trying again" in caplog.text


@pytest.mark.parametrize("error", [TypeError("x"), KeyError("x"), DataError("x"), FileNotFoundError("x")])
def test_what_asking_again_cannot_help_is_raised_as_it_is(error: Exception) -> None:
    tries, call = _failing(error, 10**6)
    with pytest.raises(type(error)) as raised:
        Patience().insist(call, "write x")  # type: ignore[arg-type]
    assert raised.value is error
    assert len(tries) == 1


def test_missing_keys_are_asked_for() -> None:
    class NoCredentialsError(Exception):
        pass

    _, call = _failing(NoCredentialsError("Unable to locate credentials"), 1)
    with pytest.raises(ConfigError, match="give the SDK its keys"):
        Patience().insist(call, "write x")  # type: ignore[arg-type]


def test_settings_are_checked() -> None:
    with pytest.raises(ConfigError, match=r"patience\.seconds=-1.*\n.*first_wait_seconds=0"):
        Patience(seconds=-1.0, first_wait_seconds=0.0)
