"""http: every misbehaviour of a host ends with the right bytes or the right reason."""

import gzip
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler

import pytest

from densewalk.pipelines.fetch import addresses
from densewalk.pipelines.fetch.faults import FetchFault
from densewalk.pipelines.fetch.http_source import read_text


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
