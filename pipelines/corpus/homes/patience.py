"""Patience with an object store: what passes is waited for, what does not is told.

A store that is busy, unreachable or answers with a fault of its own is asked again, each time after twice the wait,
varied so that many workers do not come back at once. What a person must change ends the command at once.
"""

import errno
import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from densewalk.datasets.config import require
from densewalk.datasets.errors import ConfigError, DataError, DensewalkError
from densewalk.datasets.storage.object_filesystem import WITHOUT_KEYS, code_of, http_status_of

__all__ = ["Patience", "StoreFault"]

_LONGEST_WAIT_SECONDS = 30.0
_PASSING_STATUS = frozenset({408, 409, 425, 429})
_PASSING_CODES = frozenset({"BadDigest", "IncompleteBody", "NoSuchUpload", "RequestTimeout", "InvalidPart"})
_FAULTS_OF_CODE = (TypeError, AttributeError, NameError, AssertionError, LookupError)
_Value = TypeVar("_Value")
_log = logging.getLogger("densewalk")


class StoreFault(Exception):  # noqa: N818 - waited out, not an error of the user
    """What a store did is not what it said; asking again may help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a store is asked again before a command gives up."""

    seconds: float = 900.0
    """For one request, all tries and waits together."""
    first_wait_seconds: float = 0.5
    """Before the second try; doubled for each further one, varied by half, at most half a minute."""

    def __post_init__(self) -> None:
        require(
            self.seconds < 0 and f"patience.seconds={self.seconds:g} must not be negative",
            self.first_wait_seconds <= 0 and f"patience.first_wait_seconds={self.first_wait_seconds:g} must be above 0",
        )

    def insist(self, call: Callable[[], _Value], what: str) -> _Value:
        """Return what `call` returns, tried until it does; `what` says in messages what is done to which object.

        Raises `ConfigError` when rights, keys, bucket or address are wrong, `DataError` when patience ends,
        `FileNotFoundError` for an object that is absent.
        """
        began, wait, told = time.monotonic(), self.first_wait_seconds, 0.0
        while True:
            try:
                return call()
            except Exception as error:
                fault = _lasting(error, what)
                if fault is not None:
                    raise fault from error
                waited = time.monotonic() - began
                if waited + wait > self.seconds:
                    raise DataError(
                        f"cannot {what}: {_said(error)}, for {waited:.0f} s; nothing is lost, repeat the command later"
                    ) from error
                if waited >= told:
                    _log.warning("cannot %s: %s; trying again for %.0f s", what, _said(error), self.seconds - waited)
                    told = waited + 60.0
            time.sleep(wait * _varied(what, wait))
            wait = min(2 * wait, _LONGEST_WAIT_SECONDS)


def _lasting(error: Exception, what: str) -> Exception | None:
    """Return what is raised for an error that asking again cannot help, or None for one that may pass."""
    if isinstance(error, (DensewalkError, *_FAULTS_OF_CODE)):
        return error
    if advice := _advice(error):
        return ConfigError(f"cannot {what}: {_said(error)}; {advice}")
    if isinstance(error, FileNotFoundError):
        return error
    return FileNotFoundError(errno.ENOENT, str(error)) if http_status_of(error) == 404 else None


def _advice(error: Exception) -> str:
    """Return what a person must change, empty when nothing or when it may pass."""
    code, status = code_of(error), http_status_of(error)
    refused = isinstance(error, PermissionError) or status in (401, 403)
    wrong = isinstance(error, ValueError) or type(error).__name__ == "ParamValidationError"
    wrong = wrong or (400 <= status < 500 and status not in _PASSING_STATUS and code not in _PASSING_CODES)
    cases = (
        (code == "RequestTimeTooSkewed", "set this machine's clock, the store refuses its time"),
        (type(error).__name__ in WITHOUT_KEYS, "give the SDK its keys where it looks for them"),
        (code == "NoSuchBucket", "create the bucket or change --out"),
        (refused, "use keys that may read, write and delete there"),
        (wrong and status != 404, "change --out"),
    )
    return next((advice for holds, advice in cases if holds), "")


def _said(error: BaseException) -> str:
    return f"{code_of(error) or type(error).__name__}: {error}"


def _varied(what: str, wait: float) -> float:
    """Return a factor from 0.5 to 1.5 that differs between objects and tries."""
    return 0.5 + hashlib.sha256(f"{what} {wait}".encode()).digest()[0] / 255
