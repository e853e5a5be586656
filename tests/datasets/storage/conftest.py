"""A web server on loopback, and stores that lose patience quickly."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from densewalk.datasets.storage import persistence
from densewalk.datasets.storage.config import CacheConfig
from densewalk.datasets.storage.opening import open_store
from densewalk.datasets.storage.store import Store
from tests.range_server import RangeServer


@pytest.fixture
def body() -> bytes:
    """300 KB that repeat nowhere."""
    return b"".join(hashlib.sha256(bytes([n & 255, n >> 8])).digest() for n in range(9375))


@pytest.fixture
def server(body: bytes) -> Iterator[RangeServer]:
    """Serve `d/a.tar` and `d/b.tar`."""
    with RangeServer({"d/a.tar": body, "d/b.tar": body[::-1], "d/empty": b""}) as server:
        yield server


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., CacheConfig]:
    """Make settings that do not keep a test waiting, and those given."""
    monkeypatch.setattr(persistence, "_FIRST_WAIT_SECONDS", 0.01)

    def make(**settings: Any) -> CacheConfig:
        quick = {"folder": tmp_path / "cache", "stall_seconds": 0.4, "deadline_seconds": 1.5}
        return CacheConfig(**{**quick, **settings})

    return make


@pytest.fixture
def store(server: RangeServer, cache: Callable[..., CacheConfig]) -> Callable[..., Store]:
    """Open the server's folder `d` with the settings given."""
    return lambda **settings: open_store(f"{server.url}/d", cache(**settings))
