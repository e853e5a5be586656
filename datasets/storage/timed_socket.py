"""A socket for `http.client` on which nothing is waited for without end, not even by single bytes."""

import io
import socket
import ssl
import time
from functools import cache
from typing import Protocol, runtime_checkable

__all__ = ["LEAST_BYTES_PER_SECOND", "Clock", "TimedSocket", "trusted_certificates"]

LEAST_BYTES_PER_SECOND = 1024
"""What is slower than this has stalled."""
_BUFFER_BYTES = 1 << 18


@runtime_checkable
class Clock(Protocol):
    """How long a request may still take."""

    stall_seconds: float
    """Longest wait for a trickle."""

    def left(self) -> float:
        """Return the seconds that are left; raises when there are none."""
        ...


class TimedSocket:
    """As much of a socket as `http.client` needs; raises `TimeoutError` on a stall and whatever its clock does."""

    def __init__(self, stream: socket.socket, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock

    def sendall(self, data: bytes) -> None:
        """Send all of `data`."""
        self._stream.settimeout(min(self._clock.stall_seconds, self._clock.left()))
        self._stream.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return what comes in as a file."""
        return io.BufferedReader(_TimedReader(self._stream, self._clock), _BUFFER_BYTES)

    def close(self) -> None:
        """Leave the socket open: who connected it closes it behind the body."""


class _TimedReader(io.RawIOBase):
    """Reads a socket until the deadline, and only while it brings a trickle at least."""

    def __init__(self, stream: socket.socket, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock
        self._since = time.monotonic()
        self._received = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._stream.settimeout(min(self._clock.stall_seconds, self._clock.left()))
        count = self._stream.recv_into(buffer)
        self._received += count
        passed = time.monotonic() - self._since
        if passed >= self._clock.stall_seconds and count:
            if self._received < passed * LEAST_BYTES_PER_SECOND:
                raise TimeoutError(f"{self._received} bytes in {passed:.1f} s")
            self._since, self._received = time.monotonic(), 0
        return count


@cache
def trusted_certificates() -> ssl.SSLContext:
    """Return the certificates this machine trusts; SSL_CERT_FILE and SSL_CERT_DIR name others."""
    return ssl.create_default_context()
