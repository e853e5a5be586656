"""http: every misbehaviour of a host ends with the right bytes or the right reason."""

import gzip
import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from densewalk.pipelines.fetch import addresses
from densewalk.pipelines.fetch.faults import FetchFault
from densewalk.pipelines.fetch.http_source import download, read_text


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


def test_a_video_arrives_byte_for_byte_and_is_asked_for_once(server, video, body, fetch) -> None:
    url = server.play("/a.mp4", video(body))
    assert fetch(url) == body
    assert fetch(url) == body
    assert len(server.requests) == 1
    headers = server.requests[0][1]
    assert headers["user-agent"].startswith("densewalk")
    assert headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("status", "reason", "asked"),
    [
        (404, "gone", 1),
        (410, "gone", 1),
        (401, "refused by host", 1),
        (403, "refused by host", 1),
        (451, "refused by host", 1),
        (204, "not a video answer", 1),
        (300, "not a video answer", 1),
        (500, "host error", 3),
        (503, "host error", 3),
        (408, "host error", 3),
        (206, "host error", 3),
    ],
)
def test_each_status_has_its_reason(server, answer, fault_of, status, reason, asked) -> None:
    fault = fault_of(server.play("/a", answer(status, b"said")))
    assert (fault.reason, len(server.requests)) == (reason, asked)
    assert str(status) in fault.detail


def test_a_host_that_recovers_is_served_again(server, answer, video, body, fetch) -> None:
    assert fetch(server.play("/a", answer(500), answer(503), video(body))) == body


def test_retry_after_is_waited_for(server, answer, video, body, fetch) -> None:
    began = time.monotonic()
    assert fetch(server.play("/a", answer(429, Retry_After="1"), video(body))) == body
    assert time.monotonic() - began >= 0.99


@pytest.mark.parametrize("status", [429, 503])
def test_a_long_retry_after_pauses_the_host_for_everybody(server, answer, video, body, fault_of, status) -> None:
    busy = server.play("/busy", answer(status, Retry_After=formatdate(time.time() + 3600, usegmt=True)))
    fine = server.play("/fine", video(body))
    assert fault_of(busy).reason == "host paused"
    began = time.monotonic()
    assert fault_of(fine).reason == "host paused"
    assert time.monotonic() - began < 0.5
    assert [path for path, _ in server.requests] == ["/busy"]


def test_429_without_a_time_is_waited_for_a_little(server, answer, fault_of) -> None:
    fault = fault_of(server.play("/a", answer(429)), backoff_seconds=0.02)
    assert fault.reason == "host busy"
    assert len(server.requests) == 3


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


def test_more_bytes_than_declared_are_left(server, say, fetch) -> None:
    assert (
        fetch(server.play("/a", lambda handler: say(handler, 200, [("Content-Length", "4")], b"12345678"))) == b"1234"
    )


def test_a_body_without_a_length_ends_with_the_connection(server, say, body, fetch) -> None:
    assert fetch(server.play("/a", lambda handler: say(handler, 200, [], body))) == body


def test_chunks_are_put_together_and_missing_ones_noticed(server, say, body, fetch, fault_of) -> None:
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:1000], body[1000:]))
    headers = [("Transfer-Encoding", "chunked")]
    broken = server.play("/broken", lambda handler: say(handler, 200, headers, chunks))
    assert fault_of(broken).reason == "network fault"
    assert fetch(server.play("/whole", lambda handler: say(handler, 200, headers, chunks + b"0\r\n\r\n"))) == body


def test_an_empty_answer_is_a_fault(server, answer, fault_of) -> None:
    assert fault_of(server.play("/a", answer(200))).reason == "empty answer"


def test_a_connection_that_hangs_up_is_a_fault(server, fault_of) -> None:
    assert fault_of(server.play("/a", lambda _: None)).reason == "network fault"


def test_a_closed_port_is_a_fault(server, fault_of) -> None:
    url = server.url("/a")
    server.http.server_close()
    assert fault_of(url).reason == "network fault"


def test_an_unknown_host_is_a_fault(fault_of) -> None:
    assert fault_of("http://nowhere.invalid/a.mp4").reason == "network fault"


def test_stalls_are_given_up_and_continued(server, video, say, body, fetch, fault_of) -> None:
    def stall(handler: BaseHTTPRequestHandler) -> None:
        say(handler, 200, [("ETag", '"v1"'), ("Content-Length", str(len(body)))], body[:70_000])
        time.sleep(1.5)

    assert fetch(server.play("/a", stall, video(body))) == body
    assert server.requests[1][1]["range"] == "bytes=70000-"
    assert fault_of(server.play("/b", lambda _: time.sleep(1.5)), attempts=1).reason == "stalled"


def test_a_trickle_counts_as_a_stall(server, say, fault_of) -> None:
    def trickle(handler: BaseHTTPRequestHandler) -> None:
        say(handler, 200, [("Content-Length", "1000000")], b"")
        for _ in range(100):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.03)

    began = time.monotonic()
    fault = fault_of(server.play("/a", trickle), attempts=1)
    assert fault.reason == "stalled"
    assert time.monotonic() - began < 1.5


def test_the_deadline_holds_whatever_keeps_coming(server, say, fault_of) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        say(handler, 200, [], b"")
        until = time.monotonic() + 3
        while time.monotonic() < until:
            handler.wfile.write(b"x" * 2000)
            time.sleep(0.02)

    began = time.monotonic()
    assert fault_of(server.play("/a", endless), deadline_seconds=0.7).reason == "deadline passed"
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "said",
    [b"HTTP/1.1 200 OK\r\nX-Giant: " + b"x" * 200_000, b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 300, b"\0\1\2 no http"],
    ids=["a giant header", "many headers", "something else"],
)
def test_an_answer_that_is_no_sound_http_is_a_fault(server, fault_of, said) -> None:
    url = server.play("/a", lambda handler: handler.wfile.write(said + b"\r\n\r\n"))
    assert fault_of(url).reason == "network fault"


def test_too_large_is_told_by_the_length_or_while_it_comes(server, answer, say, body, fault_of) -> None:
    declared = fault_of(server.play("/a", answer(200, body)), max_bytes=1000)
    streamed = fault_of(server.play("/b", lambda handler: say(handler, 200, [], body)), max_bytes=1000)
    assert (declared.reason, declared.outcome) == ("too large", "rejected")
    assert streamed.reason == "too large"
    assert str(len(body)) in declared.detail


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "image/png", "application/json", "multipart/byteranges"])
def test_other_types_are_no_videos(server, answer, fault_of, kind) -> None:
    fault = fault_of(server.play("/a", answer(200, b"<html>", Content_Type=kind)))
    assert fault.reason == "not a video answer"
    assert kind.partition(";")[0] in fault.detail


@pytest.mark.parametrize("kind", ["Video/WebM; codecs=vp9", "application/octet-stream", "binary/octet-stream", ""])
def test_videos_pass_by_their_type(server, answer, body, fetch, kind) -> None:
    assert fetch(server.play("/a", answer(200, body, Content_Type=kind))) == body


def test_compression_is_undone_even_when_interrupted(server, say, body, fetch) -> None:
    packed = gzip.compress(body, 1, mtime=0)
    headers = [("Content-Encoding", "gzip"), ("ETag", '"z"')]

    def half(handler: BaseHTTPRequestHandler) -> None:
        say(handler, 200, [*headers, ("Content-Length", str(len(packed)))], packed[:1000])

    def rest(handler: BaseHTTPRequestHandler) -> None:
        span = ("Content-Range", f"bytes 1000-{len(packed) - 1}/{len(packed)}")
        say(handler, 206, [*headers, span, ("Content-Length", str(len(packed) - 1000))], packed[1000:])

    assert fetch(server.play("/a", half, rest)) == body


def test_bad_compression_and_bombs_are_refused(server, answer, fault_of) -> None:
    packed = gzip.compress(bytes(1 << 22), mtime=0)
    bomb = fault_of(server.play("/a", answer(200, packed, Content_Encoding="gzip")), max_bytes=100_000)
    assert (bomb.reason, "decompressed" in bomb.detail) == ("too large", True)
    for body, encoding in ((packed[:-20], "gzip"), (b"no gzip at all", "gzip"), (packed + b"x", "gzip"), (b"x", "br")):
        fault = fault_of(server.play("/b", answer(200, body, Content_Encoding=encoding)))
        assert fault.reason == "unknown encoding"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(server, answer, video, body, fetch, status) -> None:
    server.play("/folder/end", video(body))
    server.play("/folder/next", answer(status, Location="end"))
    assert fetch(server.play("/start", answer(status, Location="/folder/next"))) == body


def test_redirects_in_a_circle_are_counted(server, answer, fault_of) -> None:
    fault = fault_of(server.play("/loop", answer(302, Location="/loop")), redirects=3)
    assert (fault.reason, len(server.requests)) == ("bad redirect", 4)


@pytest.mark.parametrize(
    "target",
    ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/", "", "http://[::bad/", "http://u:p@127.0.0.1/"],
)
def test_redirects_to_elsewhere_are_refused(server, answer, fault_of, target) -> None:
    fault = fault_of(server.play("/a", answer(302, Location=target)))
    assert fault.reason == "bad redirect"
    assert "root:" not in fault.detail
    assert len(server.requests) == 1


def test_a_public_host_cannot_lead_into_a_private_network(
    server, answer, video, body, fault_of, fetch, monkeypatch
) -> None:
    networks = {"127.0.0.1": "public", "127.0.0.2": "private", "127.0.0.3": "loopback"}
    monkeypatch.setattr(addresses, "network_of", lambda ip: networks[ip])
    server.play("/end", video(body))
    for ip in ("127.0.0.2", "127.0.0.3"):
        fault = fault_of(server.play("/a", answer(302, Location=server.url("/end", ip))))
        assert fault.reason == "bad redirect"
        assert ip in fault.detail
    assert [path for path, _ in server.requests] == ["/a", "/a"]
    assert fetch(server.play("/a", answer(302, Location="/end"))) == body


def test_private_networks_can_be_closed_to_lists(server, video, body, fault_of) -> None:
    fault = fault_of(server.play("/a", video(body)), private_networks=False)
    assert (fault.reason, server.requests) == ("bad address", [])


@pytest.mark.parametrize(
    ("tag", "declined"),
    [
        ("noai", True),
        ("NoImageAI, nofollow", True),
        ("none", True),
        ("max-snippet: 50, noindex", True),
        ("densewalk: noindex", True),
        ("unavailable_after: 25 Jun 2010 15:00:00 PST", False),
        ("googlebot: noindex", False),
        ("nofollow", False),
    ],
)
def test_robots_tags_are_honoured(server, answer, body, fetch, fault_of, tag, declined) -> None:
    url = server.play("/a", answer(200, body, X_Robots_Tag=tag))
    if declined:
        fault = fault_of(url)
        assert (fault.reason, fault.outcome) == ("declined by X-Robots-Tag", "rejected")
    assert declined or fetch(url) == body
    assert fetch(url, honour_robots=False) == body


def test_small_texts_are_read_whole_or_refused(server, answer, errand) -> None:
    url = server.play("/a.js", answer(500), answer(200, b"short", Content_Type="text/javascript"))
    assert read_text(url, 10, errand(url)) == "short"
    with pytest.raises(FetchFault) as caught:
        read_text(url, 4, errand(url))
    assert caught.value.reason == "too large"


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
