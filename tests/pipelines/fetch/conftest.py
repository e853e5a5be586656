"""An http server on this machine that plays a script, and errands for it."""

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from densewalk.pipelines.fetch.config import FetchConfig
from densewalk.pipelines.fetch.errand import Clock, Errand
from densewalk.pipelines.fetch.faults import FetchFault
from densewalk.pipelines.fetch.hosts import Hosts
from densewalk.pipelines.fetch.http_source import download
from tests.loopback_server import LoopbackServer, QuietHandler

Play = Callable[[BaseHTTPRequestHandler], None]

QUICK: dict[str, Any] = {
    "requests_per_second": 1e4,
    "backoff_seconds": 0.01,
    "stall_seconds": 0.4,
    "deadline_seconds": 5.0,
    "patience_seconds": 1.5,
    "attempts": 3,
}


class WebServer:
    """Plays, for each path, one answer after another, the last one for ever; remembers what was asked."""

    def __init__(self) -> None:
        self.plays: dict[str, list[Play]] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        owner = self

        class Handler(QuietHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:  # noqa: N802
                owner.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                plays = owner.plays[self.path.partition("?")[0]]
                play = plays.pop(0) if len(plays) > 1 else plays[0]
                self.close_connection = True
                with contextlib.suppress(OSError):  # the client had enough
                    play(self)

        self.http = LoopbackServer(Handler).__enter__()

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.http.server_address[1]}{path}"

    def play(self, path: str, *plays: Play) -> str:
        """Set what a path answers; return its URL."""
        self.plays[path] = list(plays)
        return self.url(path)

    def close(self) -> None:
        self.http.__exit__()


def _say(handler: BaseHTTPRequestHandler, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
    lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in headers), "", ""]
    handler.wfile.write("\r\n".join(lines).encode("latin-1") + body)
    handler.wfile.flush()


def _answer(status: int, body: bytes = b"", **headers: str) -> Play:
    """Answer once with a status, headers (underscores are hyphens) and a body with its length."""
    named = {"Content-Length": str(len(body)), "Content-Type": "video/mp4"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler: _say(handler, status, list(named.items()), body)


def _video(body: bytes, *, ranges: bool = True, stop: int | None = None, etag: str = '"v1"') -> Play:
    """Serve a video as a good host does; `stop`: hang up after so many bytes of the answer."""

    def play(handler: BaseHTTPRequestHandler) -> None:
        start, status = 0, 200
        headers = [("Content-Type", "video/mp4"), ("ETag", etag)]
        asked = handler.headers.get("Range", "")
        if ranges and asked and handler.headers.get("If-Range", etag) == etag:
            start, status = int(asked.removeprefix("bytes=").removesuffix("-")), 206
            headers.append(("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}"))
        part = body[start:]
        headers.append(("Content-Length", str(len(part))))
        _say(handler, status, headers, part if stop is None else part[:stop])

    return play


@pytest.fixture
def say() -> Callable[..., None]:
    """Write a raw answer."""
    return _say


@pytest.fixture
def answer() -> Callable[..., Play]:
    """Make a fixed answer."""
    return _answer


@pytest.fixture
def video() -> Callable[..., Play]:
    """Make the answers of a host that serves a video."""
    return _video


@pytest.fixture
def server() -> Iterator[WebServer]:
    """Serve on this machine."""
    web = WebServer()
    yield web
    web.close()


@pytest.fixture
def body() -> bytes:
    """Half a megabyte that repeats nowhere."""
    return b"".join(hashlib.sha256(bytes([n & 255, n >> 8])).digest() for n in range(1 << 14))


@pytest.fixture
def errand(tmp_path: Path) -> Callable[..., Errand]:
    """Make an errand with quick settings and those given; of the same hosts within a test."""

    def make(uri: str = "x:", **settings: Any) -> Errand:
        config = FetchConfig(**QUICK | settings)
        hosts = Hosts(tmp_path / "hosts", config.connections_per_host, config.patience_seconds)
        return Errand(uri, config, hosts, Clock(config.deadline_seconds, config.stall_seconds))

    return make


@pytest.fixture
def quick() -> dict[str, Any]:
    """Settings that do not keep a test waiting."""
    return dict(QUICK)


@pytest.fixture
def fetch(tmp_path: Path, errand: Callable[..., Any]) -> Callable[..., bytes]:
    """Fetch a URL; return the bytes; nothing but the file may be left."""

    def run(url: str, **settings: Any) -> bytes:
        folder = tmp_path / "files" / hashlib.sha256(url.encode()).hexdigest()
        download(url, folder / "one", errand(url, **settings))
        assert [file.name for file in folder.iterdir()] == ["one"]
        return (folder / "one").read_bytes()

    return run


@pytest.fixture
def fault_of(fetch: Callable[..., bytes], tmp_path: Path) -> Callable[..., FetchFault]:
    """Return why a URL cannot be had; a terminal fault leaves nothing behind."""

    def run(url: str, **settings: Any) -> FetchFault:
        with pytest.raises(FetchFault) as caught:
            fetch(url, **settings)
        folder = tmp_path / "files" / hashlib.sha256(url.encode()).hexdigest()
        left = {path.name for path in folder.iterdir()} if folder.exists() else set()
        assert left <= ({"one.partial", "one.notes"} if caught.value.is_retryable else set())
        return caught.value

    return run
