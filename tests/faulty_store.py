"""An object store that fails as told: a proxy on loopback before a real server of the S3 protocol.

    with moto_server() as server, FaultyStore(server) as store:
        store.plan = lambda seen: LOST if seen.method == "PUT" and seen.key.endswith(".tar") else None

`plan` is asked once for each request, in the order of arrival; None lets it pass. Clients take `store.url` as their
endpoint (`AWS_ENDPOINT_URL`, `fetch.storage.endpoint_url`).
"""

import hashlib
import http.client
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Self
from unittest import mock
from urllib.parse import unquote, urlsplit

import fsspec

from tests.loopback_server import LoopbackServer, QuietHandler

__all__ = [
    "CUT_AFTER",
    "CUT_BEFORE",
    "KEYS",
    "LOST",
    "SHORT",
    "Fault",
    "FaultyStore",
    "Seen",
    "answered",
    "delayed",
    "doing",
    "moto_server",
]

KEYS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_MAX_ATTEMPTS": "1",
}
"""What clients of `moto_server` need in their environment."""
_HOP_BY_HOP = ("connection", "transfer-encoding", "content-length", "date", "server")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request as it came in."""

    number: int
    """From 0, over all requests."""
    method: str
    key: str
    """Path without the leading slash: bucket and name of the object."""
    query: str
    size: int
    """Bytes of its body."""

    @property
    def is_put(self) -> bool:
        """Whether it stores, copies or completes an object."""
        return self.method == "PUT" or (self.method == "POST" and "uploadId=" in self.query)

    @property
    def is_change(self) -> bool:
        """Whether something is different behind it."""
        return self.is_put or self.method in ("POST", "DELETE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens to a request."""

    status: int = 0
    """Answered with this instead of being passed on; 0 passes it on."""
    code: str = "SlowDown"
    """Error code of such an answer."""
    is_stored: bool = True
    """Whether a request that is passed on reaches the server; otherwise it is answered as if it had."""
    share: float = 1.0
    """Of the body that reaches the server."""
    is_answered: bool = True
    """Whether the client gets an answer or a broken connection."""
    seconds: float = 0.0
    """Wait before anything else."""
    before: Callable[[], object] | None = None
    """Called before the request is passed on."""
    after: Callable[[], object] | None = None
    """Called when the server has answered, before the client has."""


LOST = Fault(is_stored=False)
"""Answered 200 and not stored."""
SHORT = Fault(share=0.5)
"""Answered 200 and stored half."""
CUT_BEFORE = Fault(is_stored=False, is_answered=False)
"""The connection breaks before the request reaches the server."""
CUT_AFTER = Fault(is_answered=False)
"""The connection breaks after the request was carried out."""


def answered(status: int, code: str = "SlowDown") -> Fault:
    """Answer with an error."""
    return Fault(status=status, code=code)


def delayed(seconds: float) -> Fault:
    """Pass on after a wait."""
    return Fault(seconds=seconds)


def doing(*, before: Callable[[], object] | None = None, after: Callable[[], object] | None = None) -> Fault:
    """Call something before the server has the request, or between its answer and the client."""
    return Fault(before=before, after=after)


class FaultyStore:
    """The proxy; a context manager."""

    def __init__(self, server: str) -> None:
        self._server = urlsplit(server)
        self._lock = threading.Lock()
        self.plan: Callable[[Seen], Fault | None] = lambda _: None
        self.seen: list[Seen] = []
        self._listener = LoopbackServer(self._handler())

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._listener.url

    def __enter__(self) -> Self:
        self._listener.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.__exit__()
        fsspec.filesystem("s3").clear_instance_cache()  # clients of this endpoint would wait for it

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        def serve(request: BaseHTTPRequestHandler) -> None:
            body = _body(request)
            self._serve(request, body)

        names = {f"do_{method}": serve for method in ("GET", "HEAD", "PUT", "POST", "DELETE")}
        return type("Relay", (QuietHandler,), {**names, "protocol_version": "HTTP/1.1"})

    def _serve(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        path = urlsplit(request.path)
        with self._lock:
            seen = Seen(
                number=len(self.seen),
                method=request.command,
                key=unquote(path.path.lstrip("/")),
                query=path.query,
                size=len(body),
            )
            self.seen.append(seen)
            fault = self.plan(seen) or Fault()
        time.sleep(fault.seconds)
        if fault.before is not None:
            fault.before()
        answer = self._answer(request, body, fault)
        if fault.after is not None:
            fault.after()
        if fault.is_answered:
            _send(request, *answer)
        request.close_connection = True

    def _answer(self, request: BaseHTTPRequestHandler, body: bytes, fault: Fault) -> tuple[int, dict[str, str], bytes]:
        if fault.status:
            text = f"<?xml version='1.0'?><Error><Code>{fault.code}</Code><Message>as told</Message></Error>"
            return (
                fault.status,
                {"Content-Type": "application/xml"},
                b"" if request.command == "HEAD" else text.encode(),
            )
        if not fault.is_stored:
            return 200, {"ETag": f'"{hashlib.md5(body).hexdigest()}"'}, b""
        return self._passed_on(request, body if fault.share == 1.0 else body[: int(len(body) * fault.share)])

    def _passed_on(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, dict[str, str], bytes]:
        host, port = self._server.hostname or "", self._server.port or 80
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
        for name in [name for name in headers if "checksum" in name.lower() or name.lower() == "content-md5"]:
            del headers[name]  # of the whole body
        upstream = http.client.HTTPConnection(host, port, timeout=60)
        try:
            upstream.request(request.command, request.path, body=body or None, headers=headers)
            reply = upstream.getresponse()
            kept = {name: value for name, value in reply.getheaders() if name.lower() not in _HOP_BY_HOP}
            if request.command == "HEAD":
                kept["Content-Length"] = reply.getheader("Content-Length", "0")
            return reply.status, kept, reply.read()
        finally:
            upstream.close()


@contextmanager
def moto_server(*buckets: str) -> Iterator[str]:
    """Serve S3 with these buckets, and the keys for it in the environment; gives its address."""
    import boto3
    from moto.server import ThreadedMotoServer

    with mock.patch.dict(os.environ, KEYS):
        server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        server.start()
        try:
            host, port = server.get_host_and_port()
            client = boto3.client("s3", endpoint_url=f"http://{host}:{port}")
            for bucket in buckets:
                client.create_bucket(Bucket=bucket)
            yield f"http://{host}:{port}"
        finally:
            server.stop()


def _body(request: BaseHTTPRequestHandler) -> bytes:
    if request.headers.get("Expect", "").lower() == "100-continue":
        request.send_response_only(100)
        request.end_headers()
    if "chunked" not in request.headers.get("Transfer-Encoding", "").lower():
        return request.rfile.read(int(request.headers.get("Content-Length") or 0))
    parts = []
    while size := int(request.rfile.readline().partition(b";")[0], 16):
        parts.append(request.rfile.read(size))
        request.rfile.readline()
    request.rfile.readline()
    return b"".join(parts)


def _send(request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes) -> None:
    request.send_response_only(status)
    for name, value in ({"Content-Length": str(len(body))} | headers).items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(body)
