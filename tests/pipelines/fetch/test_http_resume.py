"""http, interrupted: what has come is continued when it is certain to belong together, and started again otherwise."""

import os
import random
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler

import pytest

from densewalk.pipelines.fetch.http_source import download


def test_a_body_cut_short_is_continued(server, video, body, fetch) -> None:
    assert fetch(server.play("/a", video(body, stop=100_000), video(body, stop=1), video(body))) == body
    asked = [headers.get("range") for _, headers in server.requests]
    assert asked == [None, "bytes=100000-", "bytes=100001-"]
    assert server.requests[1][1]["if-range"] == '"v1"'


def test_progress_is_not_counted_as_failure(server, video, body, fetch) -> None:
    steps = [video(body, stop=50_000) for _ in range(8)]
    assert fetch(server.play("/a", *steps, video(body)), attempts=2) == body


def test_a_host_that_ignores_ranges_starts_again(server, video, body, fetch) -> None:
    url = server.play("/a", video(body, stop=100_000), video(body, ranges=False))
    assert fetch(url) == body


def test_a_body_always_cut_short_is_given_up_but_kept(server, video, body, fault_of, fetch) -> None:
    url = server.play("/a", video(body, stop=100_000, ranges=False))
    fault = fault_of(url)
    assert fault.reason == "network fault"
    assert f"at byte 100000 of {len(body)}" in fault.detail
    server.play("/a", video(body))
    assert fetch(url) == body
    assert server.requests[-1][1]["range"] == "bytes=100000-"


def test_a_changed_video_starts_again(server, video, body, fetch) -> None:
    changed = body[::-1]
    url = server.play("/a", video(body, stop=100_000), video(changed, etag='"v2"'))
    assert fetch(url) == changed


def test_a_host_that_continues_with_other_content_is_caught(server, video, say, body, fetch) -> None:
    changed = body[::-1]

    def lie(handler: BaseHTTPRequestHandler) -> None:
        span = f"bytes 100000-{len(body) - 1}/{len(body)}"
        headers = [("ETag", '"v2"'), ("Content-Range", span), ("Content-Length", str(len(body) - 100_000))]
        say(handler, 206, headers, changed[100_000:])

    url = server.play("/a", video(body, stop=100_000), lie, video(changed, etag='"v2"'))
    assert fetch(url) == changed


@pytest.mark.parametrize("span", ["bytes 0-9/{size}", "bytes 100000-9/7", "nonsense", ""])
def test_a_wrong_content_range_is_never_believed(server, video, say, body, fetch, span) -> None:
    def lie(handler: BaseHTTPRequestHandler) -> None:
        headers = [("Content-Range", span.format(size=len(body))), ("Content-Length", "10")]
        say(handler, 206, headers, b"0123456789")

    assert fetch(server.play("/a", video(body, stop=100_000), lie, video(body))) == body


def test_a_range_that_cannot_be_had_starts_again(server, video, answer, body, fetch) -> None:
    url = server.play("/a", video(body, stop=100_000), answer(416), video(body))
    assert fetch(url) == body
    assert "range" not in server.requests[2][1]


@pytest.mark.parametrize("etag", ["", 'W/"weak"', '"\tx"'])
def test_without_a_firm_name_nothing_is_continued(server, video, body, fetch, etag) -> None:
    assert fetch(server.play("/a", video(body, stop=100_000, etag=etag), video(body, etag=etag))) == body
    assert "range" not in server.requests[1][1]


def test_a_date_serves_where_there_is_no_etag(server, say, body, fetch) -> None:
    def dated(handler: BaseHTTPRequestHandler) -> None:
        date = [("Last-Modified", "Sat, 21 Nov 2026 10:00:00 GMT")]
        if "Range" not in handler.headers:
            say(handler, 200, [*date, ("Content-Length", str(len(body)))], body[:1000])
        else:
            span = ("Content-Range", f"bytes 1000-{len(body) - 1}/{len(body)}")
            say(handler, 206, [*date, span, ("Content-Length", str(len(body) - 1000))], body[1000:])

    assert fetch(server.play("/a", dated)) == body
    assert server.requests[1][1]["if-range"] == "Sat, 21 Nov 2026 10:00:00 GMT"


_CHILD = """
import sys
from pathlib import Path
from densewalk.pipelines.fetch.config import FetchConfig
from densewalk.pipelines.fetch.errand import Clock, Errand
from densewalk.pipelines.fetch.hosts import Hosts
from densewalk.pipelines.fetch.http_source import download
url, folder = sys.argv[1], Path(sys.argv[2])
config = FetchConfig(requests_per_second=1e4)
print("up", flush=True)
download(url, folder / "one", Errand(url, config, Hosts(folder / "hosts", 4, 1.0), Clock(60.0, 30.0)))
"""


@pytest.mark.slow
def test_a_download_killed_anywhere_ends_with_the_same_bytes(server, video, body, errand, tmp_path) -> None:
    moments, folder = random.Random(0), tmp_path / "files"

    def slow(handler: BaseHTTPRequestHandler) -> None:
        write = handler.wfile.write

        def dripping(data: bytes) -> int:
            for start in range(0, len(data), 8192):
                write(data[start : start + 8192])
                time.sleep(0.002)
            return len(data)

        handler.wfile.write = dripping  # type: ignore[method-assign]
        video(body)(handler)

    url = server.play("/a", slow)
    for _ in range(6):
        child = subprocess.Popen([sys.executable, "-c", _CHILD, url, str(folder)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(moments.uniform(0.0, 0.08))
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
    assert any("range" in headers for _, headers in server.requests)
    download(server.play("/a", video(body)), folder / "one", errand(url))
    assert (folder / "one").read_bytes() == body
    assert {path.name for path in folder.iterdir()} == {"one", "hosts"}
