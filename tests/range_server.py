"""A web server on loopback that serves ranges of files over kept connections, and fails as told.

    with RangeServer({"a.tar": content}) as server:
        server.plan = lambda asked: Fault(status=503) if asked.number < 2 else None

`plan` is asked once for each request, in the order of arrival; None serves it soundly.
"""

import contextlib
import hashlib
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from http.server import BaseHTTPRequestHandler
from typing import Self
from urllib.parse import unquote, urlsplit

from tests.loopback_server import LoopbackServer, QuietHandler

__all__ = ["Asked", "Fault", "RangeServer"]

_TRICKLE_SECONDS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it came in."""

    number: int
    """From 0, over all requests."""
    name: str
    query: str
    range: str
    """The header, empty without one."""
    port: int
    """Of the client: the same over one connection."""
    headers: dict[str, str]
    """By lower-case name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """How an answer differs from a sound one."""

    status: int = 0
    """Answered instead of the file."""
    headers: dict[str, str] = field(default_factory=dict)
    """Further headers, or other values of the usual ones; an empty value leaves one out."""
    ranges: bool = True
    """Whether a range is served as one, or the whole file."""
    to_end: bool = False
    """Whether what is sent goes to the end of the file, whatever was asked for."""
    stop: int | None = None
    """Bytes of the body after which the connection is closed."""
    stall: int | None = None
    """Bytes of the body after which nothing more is sent, until the server is closed."""
    trickle: bool = False
    """Whether the body is sent byte by byte."""
    content: bytes | None = None
    """Served instead of the file."""
    before: Callable[[], object] | None = None
    """Called before the answer."""


@lru_cache(maxsize=64)
def _etag(content: bytes) -> str:
    return f'"{hashlib.md5(content).hexdigest()}"'


class RangeServer:
    """The server; a context manager."""

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self.files = files or {}
        self.plan: Callable[[Asked], Fault | None] = lambda _: None
        self.asked: list[Asked] = []
        self._lock = threading.Lock()
        self._ended = threading.Event()
        owner = self

        class Handler(QuietHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in few packets
            disable_nagle_algorithm = True

            def do_GET(self) -> None:  # noqa: N802
                with contextlib.suppress(OSError):  # the client had enough
                    owner._serve(self)

        self.http = LoopbackServer(Handler)

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.http.url

    def __enter__(self) -> Self:
        self.http.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.http.__exit__()

    def ranges(self, name: str) -> list[str]:
        """Return the ranges that were asked of a file."""
        return [asked.range for asked in self.asked if asked.name == name]

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        headers = {name.lower(): value for name, value in handler.headers.items()}
        with self._lock:
            asked = Asked(
                number=len(self.asked),
                name=unquote(parts.path.lstrip("/")),
                query=parts.query,
                range=headers.get("range", ""),
                port=handler.client_address[1],
                headers=headers,
            )
            self.asked.append(asked)
            fault = self.plan(asked) or Fault()
        if fault.before is not None:
            fault.before()
        status, head, body = self._answer(asked, fault)
        handler.send_response(status)
        for name, value in {**head, **fault.headers}.items():
            if value:
                handler.send_header(name, value)
        handler.end_headers()
        self._send(handler, body, fault)

    def _answer(self, asked: Asked, fault: Fault) -> tuple[int, dict[str, str], bytes]:
        content = self.files.get(asked.name) if fault.content is None else fault.content
        if fault.status or content is None:
            return fault.status or 404, {"Content-Length": "4"}, b"told"
        head = {"ETag": _etag(content), "Accept-Ranges": "bytes"}
        place = re.fullmatch(r"bytes=(\d+)-(\d*)", asked.range)
        if place is None or not fault.ranges:
            return 200, head | {"Content-Length": str(len(content))}, content
        start, end = int(place[1]), len(content) - 1
        end = end if fault.to_end else min(int(place[2] or end), end)
        if start >= len(content):
            return 416, {"Content-Range": f"bytes */{len(content)}", "Content-Length": "0"}, b""
        body = content[start : end + 1]
        return (
            206,
            head | {"Content-Range": f"bytes {start}-{end}/{len(content)}", "Content-Length": str(len(body))},
            body,
        )

    def _send(self, handler: BaseHTTPRequestHandler, body: bytes, fault: Fault) -> None:
        end = next((end for end in (fault.stop, fault.stall) if end is not None), len(body))
        for start in range(0, end, 1) if fault.trickle else ():
            handler.wfile.write(body[start : start + 1])
            handler.wfile.flush()
            time.sleep(_TRICKLE_SECONDS)
        if not fault.trickle:
            handler.wfile.write(body[:end])
            handler.wfile.flush()
        if fault.stall is not None:
            self._ended.wait(30)
        if fault.stall is not None or fault.stop is not None:
            handler.close_connection = True
