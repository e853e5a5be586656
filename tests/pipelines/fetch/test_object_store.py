"""Object stores: a real S3 protocol on this machine, sound and throttled."""

import re
import socketserver
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import fsspec
import pytest

from densewalk.datasets.errors import ConfigError
from densewalk.datasets.storage.config import StorageConfig
from densewalk.datasets.storage.object_filesystem import open_filesystem
from densewalk.pipelines.fetch import object_store
from densewalk.pipelines.fetch.faults import FetchFault
from densewalk.pipelines.fetch.object_store import download
from tests.faulty_store import moto_server


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """Serve S3 with one bucket; return its endpoint."""
    with moto_server("videos") as endpoint:
        yield endpoint
    fsspec.filesystem("s3").clear_instance_cache()


@pytest.fixture
def put(s3: str) -> Callable[[str, bytes], str]:
    """Write an object; return its address."""

    def run(key: str, content: bytes) -> str:
        open_filesystem("s3://videos", StorageConfig(endpoint_url=s3)).pipe_file(f"s3://videos/{key}", content)
        return f"s3://videos/{key}"

    return run


@pytest.fixture
def fetch(s3: str, tmp_path: Path, errand: Callable[..., Any]) -> Callable[..., bytes]:
    """Fetch an object through an endpoint; only the file may be left."""

    def run(uri: str, endpoint: str = s3, **settings: Any) -> bytes:
        path = tmp_path / "files" / "one"
        settings = {"deadline_seconds": 20.0, "stall_seconds": 8.0} | settings
        download(uri, path, errand(uri, storage=StorageConfig(endpoint_url=endpoint), **settings))
        assert [file.name for file in path.parent.iterdir()] == ["one"]
        return path.read_bytes()

    return run


@pytest.fixture
def relay(s3: str) -> Iterator[Any]:
    """Stand between client and S3: `relay.play(handler) -> bool` may answer by itself."""

    class Handler(BaseHTTPRequestHandler):
        def relayed(self) -> None:
            relay.asked.append((self.command, self.headers.get("Range", "")))
            if relay.play(self):
                return
            headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            request = urllib.request.Request(s3 + self.path, headers=headers, method=self.command)
            with urllib.request.urlopen(request) as answer:
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.read() if self.command == "GET" else b"")

        do_GET = do_HEAD = relayed

        def log_message(self, *_: object) -> None:
            pass

    class Relay(socketserver.ThreadingTCPServer):
        daemon_threads = True
        play: Callable[[BaseHTTPRequestHandler], bool] = staticmethod(lambda _: False)
        asked: list[tuple[str, str]]

        def handle_error(self, *_: object) -> None:
            pass

    relay = Relay(("127.0.0.1", 0), Handler)
    relay.asked = []
    threading.Thread(target=relay.serve_forever, args=(0.02,), daemon=True).start()
    yield relay
    relay.shutdown()
    relay.server_close()


def _endpoint(relay: Any) -> str:
    return f"http://127.0.0.1:{relay.server_address[1]}"


@pytest.mark.parametrize("key", ["a.mp4", "folder/b c+d.mp4", "ü?x=[1]#2.mp4", "100%25.mp4"])
def test_an_object_arrives_whatever_its_key(put, fetch, body, key) -> None:
    assert fetch(put(key, body)) == body


def test_an_object_comes_in_ranges(put, fetch, body, relay, monkeypatch) -> None:
    monkeypatch.setattr(object_store, "_RANGE_BYTES", 200_000)
    assert fetch(put("a", body), _endpoint(relay)) == body
    ranges = [asked for command, asked in relay.asked if command == "GET"]
    assert ranges == ["bytes=0-199999", "bytes=200000-399999", f"bytes=400000-{len(body) - 1}"]


def test_what_is_absent_is_gone_and_what_is_no_object_refused(put, fetch, s3) -> None:
    put("folder/a", b"x")
    for uri, reason in (
        ("s3://videos/absent.mp4", "gone"),
        ("s3://no-such-bucket/a.mp4", "gone"),
        ("s3://videos/folder", "not a video answer"),
        ("s3://Not_A Bucket/a", "bad address"),
        (put("empty", b""), "empty answer"),
    ):
        with pytest.raises(FetchFault) as caught:
            fetch(uri)
        assert caught.value.reason == reason, uri


def test_an_object_that_is_too_large_is_not_begun(put, fetch, body, relay) -> None:
    with pytest.raises(FetchFault) as caught:
        fetch(put("a", body), _endpoint(relay), max_bytes=1000)
    assert caught.value.reason == "too large"
    assert {command for command, _ in relay.asked} == {"HEAD"}


def _throttled(handler: BaseHTTPRequestHandler) -> bool:
    said = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
    handler.send_response(503)
    handler.send_header("Content-Length", str(len(said)))
    handler.end_headers()
    handler.wfile.write(said)
    return True


def test_a_throttled_store_is_tried_again(put, fetch, body, relay) -> None:
    times = iter(range(3))
    relay.play = lambda handler: next(times, None) is not None and _throttled(handler)
    assert fetch(put("a", body), _endpoint(relay)) == body


def test_a_refused_object_is_not_tried_again(put, fetch, body, relay) -> None:
    def refuse(handler: BaseHTTPRequestHandler) -> bool:
        handler.send_response(403)
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return True

    relay.play = refuse
    with pytest.raises(FetchFault) as caught:
        fetch(put("a", body), _endpoint(relay))
    assert caught.value.reason == "refused by host"


def test_a_store_that_cuts_bodies_short_is_continued(put, fetch, body, relay, monkeypatch) -> None:
    monkeypatch.setattr(object_store, "_RANGE_BYTES", 200_000)
    cut = iter([True])

    def shorten(handler: BaseHTTPRequestHandler) -> bool:
        if handler.command == "HEAD" or "200000" not in handler.headers["Range"] or not next(cut, False):
            return False
        handler.send_response(206)
        handler.send_header("Content-Length", "200000")
        handler.end_headers()
        handler.wfile.write(body[200_000:250_000])
        return True

    relay.play = shorten
    assert fetch(put("a", body), _endpoint(relay)) == body
    assert [asked for command, asked in relay.asked if command == "GET"].count("bytes=0-199999") == 1


def test_an_object_that_changes_meanwhile_is_read_again(put, fetch, body, relay, monkeypatch) -> None:
    monkeypatch.setattr(object_store, "_RANGE_BYTES", 200_000)
    uri, changed = put("a", body), iter([True])

    def change(handler: BaseHTTPRequestHandler) -> bool:
        if handler.command == "GET" and "400000" in handler.headers["Range"] and next(changed, False):
            put("a", body[::-1])
        return False

    relay.play = change
    assert fetch(uri, _endpoint(relay)) == body[::-1]


def test_a_silent_store_stalls(put, fetch, body, relay) -> None:
    relay.play = lambda _: time.sleep(6) is None
    uri, began = put("a", body), time.monotonic()
    with pytest.raises(FetchFault) as caught:
        fetch(uri, _endpoint(relay), stall_seconds=0.3, attempts=1)
    assert caught.value.reason == "stalled"
    assert time.monotonic() - began < 4


@pytest.mark.parametrize(("scheme", "extra"), [("s3", "s3"), ("gs", "gcs"), ("hf", "hf")])
def test_a_missing_package_is_told(scheme, extra, monkeypatch) -> None:
    def absent(*_: object, **__: object) -> None:
        raise ImportError("no such package")

    monkeypatch.setattr(fsspec, "filesystem", absent)
    with pytest.raises(ConfigError, match=re.escape(f"pip install densewalk[{extra}]")):
        open_filesystem(f"{scheme}://bucket/a", StorageConfig())


def test_missing_keys_are_told(s3, fetch, monkeypatch, tmp_path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    fsspec.filesystem("s3").clear_instance_cache()
    with pytest.raises(ConfigError, match=r"fetch\.storage\.anonymous"):
        fetch("s3://videos/a")


def test_a_fault_of_the_code_stays_one() -> None:
    assert isinstance(object_store._translated(TypeError("x")), TypeError)


def test_what_other_libraries_complain_of_is_told_by_its_status() -> None:
    class CloudError(Exception):
        code = 403

    assert object_store._translated(CloudError("x")).reason == "refused by host"  # type: ignore[attr-defined]
    assert object_store._translated(ValueError("x")).reason == "network fault"  # type: ignore[attr-defined]
