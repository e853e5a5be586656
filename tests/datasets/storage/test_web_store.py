"""Ranges of files of a web server that is sound, slow, busy, changing or broken."""

import logging
import os
import pickle
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from densewalk.datasets.errors import ConfigError, DataError, UnreachableError
from densewalk.datasets.storage.opening import open_store
from densewalk.datasets.storage.store import Store
from tests.range_server import Fault, RangeServer

RANGES_ONLY = {"bytes": 0}


@pytest.fixture
def web(store: Callable[..., Store]) -> Store:
    """The server's folder without any copies."""
    return store(**RANGES_ONLY)


def test_ranges_come_over_one_connection(web: Store, server: RangeServer, body: bytes) -> None:
    for offset, size in ((0, 10), (100_000, 50_000), (len(body) - 1, 1), (0, len(body))):
        assert web.read("a.tar", offset, size) == body[offset : offset + size]
    assert server.ranges("d/a.tar") == ["bytes=0-9", "bytes=100000-149999", "bytes=299999-299999", "bytes=0-299999"]
    assert len({asked.port for asked in server.asked}) == 1


def test_whole_files_come_whole(web: Store, body: bytes) -> None:
    assert web.read_all("a.tar") == body
    assert web.read_all("empty") == b""
    assert web.size("b.tar") == len(body)
    assert web.size("empty") == 0
    assert web.read("a.tar", 5, 0) == b""


def test_a_stamp_changes_with_the_content(store: Callable[..., Store], server: RangeServer, body: bytes) -> None:
    before = store().stamp("a.tar")
    assert store().stamp("a.tar") == before
    server.files["d/a.tar"] = body[1:] + b"x"
    assert store().stamp("a.tar") != before


def test_a_range_beyond_the_end_says_where_the_file_ends(web: Store) -> None:
    for offset, size in ((299_990, 20), (400_000, 5)):
        with pytest.raises(DataError, match=rf"d/a\.tar ends at byte 300000; expected {size} bytes from byte {offset}"):
            web.read("a.tar", offset, size)


@pytest.mark.parametrize(
    ("status", "said"), [(404, "absent"), (410, "absent"), (403, "refused"), (401, "refused"), (400, "cannot be read")]
)
def test_what_lasts_is_told_at_once(web: Store, server: RangeServer, status: int, said: str) -> None:
    server.plan = lambda _: Fault(status=status)
    with pytest.raises(DataError, match=rf"d/a\.tar .*{said}"):
        web.read("a.tar", 0, 10)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "fault", [Fault(status=503), Fault(status=429), Fault(status=500), Fault(stop=0), Fault(stop=99)]
)
def test_what_passes_is_tried_again(web: Store, server: RangeServer, body: bytes, fault: Fault) -> None:
    server.plan = lambda asked: fault if asked.number < 3 else None
    assert web.read("a.tar", 7, 1000) == body[7:1007]
    assert web.counts["retries"] == 3


def test_a_body_that_breaks_off_goes_on_at_the_byte_reached(web: Store, server: RangeServer, body: bytes) -> None:
    server.plan = lambda asked: Fault(stop=60_000) if asked.number < 2 else None
    assert web.read("a.tar", 0, 200_000) == body[:200_000]
    assert server.ranges("d/a.tar") == ["bytes=0-199999", "bytes=60000-199999", "bytes=120000-199999"]


def test_a_server_that_stalls_in_mid_body_is_left_and_asked_for_the_rest(
    web: Store, server: RangeServer, body: bytes
) -> None:
    server.plan = lambda asked: Fault(stall=50_000) if asked.number == 0 else None
    began = time.monotonic()
    assert web.read("a.tar", 0, 100_000) == body[:100_000]
    assert server.ranges("d/a.tar")[1] == "bytes=50000-99999"
    assert time.monotonic() - began < 1.4


@pytest.mark.parametrize("fault", [Fault(status=503), Fault(stall=0), Fault(trickle=True), Fault(stop=0)])
def test_a_place_that_does_not_recover_is_unreachable_in_time(web: Store, server: RangeServer, fault: Fault) -> None:
    server.plan = lambda _: fault
    began = time.monotonic()
    with pytest.raises(UnreachableError, match=r"d/a\.tar: .*data\.cache\.deadline_seconds=1\.5"):
        web.read("a.tar", 0, 100_000)
    assert 0.5 < time.monotonic() - began < 3.5


def test_tries_that_bring_a_byte_each_end_too(web: Store, server: RangeServer) -> None:
    server.plan = lambda _: Fault(stop=1)
    with pytest.raises(UnreachableError):
        web.read("a.tar", 0, 100_000)


def test_a_download_may_take_longer_than_the_deadline_while_it_is_fed(
    web: Store, server: RangeServer, body: bytes
) -> None:
    server.plan = lambda _: Fault(before=lambda: time.sleep(0.2), stop=30_000)
    began = time.monotonic()
    assert web.read_all("a.tar") == body
    assert time.monotonic() - began > 1.5


def test_a_server_that_is_not_there_is_unreachable(cache) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        web = open_store(f"http://127.0.0.1:{taken.getsockname()[1]}/d", cache(deadline_seconds=0.4))
        with pytest.raises(UnreachableError, match="refused"):
            web.size("a.tar")


def test_a_head_that_never_ends_is_left(cache) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = threading.Event()

        def babble() -> None:
            while not done.is_set():
                client, _ = listener.accept()
                try:
                    client.sendall(b"HTTP/1.1 200 OK\r\n")
                    while not done.wait(0.05):
                        client.sendall(b"X")
                except OSError:
                    client.close()

        threading.Thread(target=babble, daemon=True).start()
        web = open_store(f"http://127.0.0.1:{listener.getsockname()[1]}/d", cache(deadline_seconds=0.8))
        began = time.monotonic()
        with pytest.raises(UnreachableError):
            web.size("a.tar")
        done.set()
        assert time.monotonic() - began < 2.5


def test_retry_after_is_kept(web: Store, server: RangeServer, body: bytes) -> None:
    server.plan = lambda asked: Fault(status=503, headers={"Retry-After": "1"}) if asked.number == 0 else None
    began = time.monotonic()
    assert web.read("a.tar", 0, 9) == body[:9]
    assert time.monotonic() - began >= 1.0


def test_a_wait_that_is_too_long_ends_at_once(web: Store, server: RangeServer) -> None:
    server.plan = lambda _: Fault(status=429, headers={"Retry-After": "600"})
    with pytest.raises(UnreachableError, match="left alone for 600 s"):
        web.read("a.tar", 0, 9)
    assert len(server.asked) == 1


def test_a_long_outage_is_told_once(web: Store, server: RangeServer, monkeypatch, caplog) -> None:
    monkeypatch.setattr("densewalk.datasets.storage.persistence._TOLD_AFTER_SECONDS", 0.05)
    server.plan = lambda asked: Fault(status=503) if asked.number < 4 else None
    with caplog.at_level(logging.WARNING, "densewalk"):
        web.read("a.tar", 0, 9)
    assert [record.message.count("503 Service Unavailable; trying again") for record in caplog.records] == [1]


@pytest.mark.parametrize("headers", [{}, {"ETag": '"other"'}])
def test_a_file_that_changes_between_two_reads_is_refused(
    web: Store, server: RangeServer, body: bytes, headers
) -> None:
    web.read("a.tar", 0, 9)
    changed = body if headers else body + b"longer"
    server.plan = lambda _: Fault(content=changed, headers=headers)
    with pytest.raises(DataError, match=r"d/a\.tar changed while it was read: it was 300000 "):
        web.read("a.tar", 0, 9)


def test_a_file_that_changes_in_mid_body_is_refused(web: Store, server: RangeServer, body: bytes) -> None:
    server.plan = lambda asked: Fault(stop=500) if asked.number == 0 else Fault(content=body[::-1])
    with pytest.raises(DataError, match="changed while it was read"):
        web.read("a.tar", 0, 9000)


def test_weak_etags_do_not_identify(web: Store, server: RangeServer, body: bytes) -> None:
    server.plan = lambda asked: Fault(headers={"ETag": f'W/"{asked.number}"'})
    for _ in range(2):
        assert web.read("a.tar", 0, 9) == body[:9]


def test_bodies_that_were_encoded_in_passing_are_refused(web: Store, server: RangeServer) -> None:
    server.plan = lambda _: Fault(headers={"Content-Encoding": "gzip"})
    with pytest.raises(DataError, match="comes as gzip"):
        web.read("a.tar", 0, 9)
    assert server.asked[0].headers["accept-encoding"] == "identity"


def test_another_range_than_was_asked_for_is_not_taken(web: Store, server: RangeServer, body: bytes) -> None:
    wrong = Fault(headers={"Content-Range": "bytes 5-13/300000"})
    server.plan = lambda asked: wrong if asked.number == 0 else None
    assert web.read("a.tar", 4, 9) == body[4:13]


def test_a_server_that_sends_more_than_was_asked_for_is_left(web: Store, server: RangeServer, body: bytes) -> None:
    server.plan = lambda asked: Fault(to_end=True, stall=100_000)
    assert web.read("a.tar", 4, 9) == body[4:13]
    assert web.counts["retries"] == 0


def test_a_server_that_caps_ranges_is_asked_for_the_rest(web: Store, server: RangeServer, body: bytes) -> None:
    def capped(asked):
        start = int(asked.range.removeprefix("bytes=").partition("-")[0])
        end = min(start + 100_000, 300_000)
        part = {"Content-Range": f"bytes {start}-{end - 1}/300000", "Content-Length": str(end - start)}
        return Fault(headers=part, stop=end - start)

    server.plan = capped
    assert web.read_all("a.tar") == body
    assert web.counts["retries"] == 0


def test_redirects_are_followed_over_kept_connections(web: Store, server: RangeServer, body: bytes) -> None:
    with RangeServer({"there/a b": body}) as other:
        server.plan = lambda _: Fault(status=302, headers={"Location": f"{other.url}/there/a b?signed=1"})
        for offset in (3, 50_000):
            assert web.read("a.tar", offset, 9) == body[offset : offset + 9]
        assert [asked.query for asked in other.asked] == ["signed=1"] * 2
        assert len({asked.port for asked in (*server.asked, *other.asked)}) == 2


@pytest.mark.parametrize("location", ["", "ftp://elsewhere/a", "/d/a.tar"])
def test_redirects_to_nowhere_or_in_circles_are_refused(web: Store, server: RangeServer, location: str) -> None:
    server.plan = lambda _: Fault(status=301, headers={"Location": location})
    with pytest.raises(DataError, match="redirected"):
        web.read("a.tar", 0, 9)


def test_a_signature_goes_with_every_file_and_into_no_message(server: RangeServer, cache) -> None:
    web = open_store(f"{server.url}/d/?sig=SECRET%2B1", cache())
    web.read("a.tar", 0, 9)
    assert server.asked[0].query == "sig=SECRET%2B1"
    assert "SECRET" not in web.name
    with pytest.raises(DataError) as caught:
        web.read("absent.tar", 0, 9)
    assert "SECRET" not in str(caught.value)
    assert "d/absent.tar" in str(caught.value)


@pytest.mark.parametrize("name", ["b c+d.tar", "ü?x=[1]#2.tar", "100%25.tar", "below/a.tar"])
def test_a_file_is_found_whatever_its_name(web: Store, server: RangeServer, name: str) -> None:
    server.files[f"d/{name}"] = b"content"
    assert web.read_all(name) == b"content"


@pytest.mark.parametrize("name", ["../a.tar", "/etc/passwd", "a/../../b", "", "a\\b", "a\nb"])
def test_a_name_that_leads_elsewhere_is_refused(web: Store, server: RangeServer, name: str) -> None:
    with pytest.raises(DataError, match="no name of a file"):
        web.read(name, 0, 9)
    assert not server.asked


def test_a_connection_that_the_server_closed_meanwhile_is_replaced_without_a_wait(
    web: Store, server: RangeServer, body: bytes
) -> None:
    server.plan = lambda asked: Fault(headers={"Keep-Alive": "timeout=0"}) if asked.number else Fault(stop=9)
    for _ in range(3):
        assert web.read("a.tar", 0, 9) == body[:9]
    assert web.counts["retries"] == 0


def test_many_threads_read_at_once(web: Store, body: bytes) -> None:
    with ThreadPoolExecutor(8) as pool:
        places = [(n * 997) % 200_000 for n in range(64)]
        parts = list(pool.map(lambda place: web.read("a.tar", place, 5000), places))
    assert parts == [body[place : place + 5000] for place in places]
    assert web.counts["range_bytes"] == 64 * 5000


def test_a_pickled_store_reads_on_connections_of_its_own(web: Store, body: bytes) -> None:
    web.read("a.tar", 0, 9)
    content = pickle.dumps(web)
    assert len(content) < 2000
    assert pickle.loads(content).read("a.tar", 5, 9) == body[5:14]


def test_a_fork_does_not_speak_on_its_parents_connections(web: Store, server: RangeServer, body: bytes) -> None:
    web.read("a.tar", 0, 9)
    child = os.fork()
    if not child:
        os._exit(web.read("a.tar", 9, 9) != body[9:18])
    assert os.waitpid(child, 0)[1] == 0
    assert web.read("a.tar", 18, 9) == body[18:27]
    assert server.asked[0].port == server.asked[2].port != server.asked[1].port


def test_a_web_server_cannot_list(web: Store) -> None:
    with pytest.raises(ConfigError, match="cannot list its files; name them"):
        web.names()


@pytest.mark.parametrize("location", ["http://", "http://user:word@host/d", "http://host/d#part", "http://host:port/d"])
def test_an_address_that_is_none_is_told(cache, location: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_store(location, cache())
    assert "word" not in str(caught.value)


def test_a_proxy_of_the_environment_is_asked(server: RangeServer, cache, body: bytes, monkeypatch) -> None:
    server.files["http://data.invalid/d/a.tar".removeprefix("/")] = body
    monkeypatch.setenv("http_proxy", server.url.replace("//", "//me:s3cret@"))
    monkeypatch.setenv("no_proxy", "")
    server.plan = lambda _: Fault(content=body)
    assert open_store("http://data.invalid/d", cache()).read("a.tar", 3, 9) == body[3:12]
    assert server.asked[0].headers["host"] == "data.invalid"
    assert server.asked[0].headers["proxy-authorization"] == "Basic bWU6czNjcmV0"
