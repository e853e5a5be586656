"""A remote place with copies: what is read from where, fetched ahead, dropped, and what happens when it goes wrong."""

import contextlib
import gc
import hashlib
import logging
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from densewalk.datasets.errors import ConfigError, DataError, UnreachableError
from densewalk.datasets.storage.store import Store
from tests.range_server import Fault, RangeServer
from tests.small_disk import filled, small_disk

SIZE = 300_000


def _until(holds: Callable[[], object], seconds: float = 8.0) -> None:
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.01)


def _rests(web) -> bool:
    ahead = web._read_ahead[os.getpid()]
    with ahead._changed:
        return not ahead._busy and not ahead._waiting


def _copies(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "cache" / "files").glob("*") if len(path.name) == 64]


def _known(server: RangeServer) -> dict[str, str]:
    return {name.removeprefix("d/"): hashlib.sha256(content).hexdigest() for name, content in server.files.items()}


def test_what_is_fetched_ahead_is_read_without_asking(store, server, body) -> None:
    web = store()
    web.ahead(["a.tar", "b.tar"])
    _until(lambda: web.counts["downloads"] == 2)
    asked = len(server.asked)
    assert web.read("a.tar", 1000, 500) == body[1000:1500]
    assert web.read("b.tar", 0, SIZE) == body[::-1]
    assert len(server.asked) == asked
    assert web.counts["cache_bytes"] == 500 + SIZE
    assert web.counts["ranges"] == 0


def test_nobody_waits_for_a_download(store, server, body) -> None:
    web = store(stall_seconds=5.0, deadline_seconds=9.0)
    held = threading.Event()
    server.plan = lambda asked: Fault(before=lambda: held.wait(5)) if asked.range == "bytes=0-" else None
    web.ahead(["a.tar"])
    _until(lambda: "bytes=0-" in server.ranges("d/a.tar"))
    assert web.read("a.tar", 5, 9) == body[5:14]
    assert web.counts["ranges"] == 1
    held.set()
    _until(lambda: web.counts["downloads"] == 1)


def test_later_runs_find_copies_of_known_files_without_asking(store, server, body) -> None:
    first = store().knowing(_known(server))
    first.ahead(["a.tar"])
    _until(lambda: first.counts["downloads"] == 1)
    server.plan = lambda _: Fault(status=503)
    later = store().knowing(_known(server))
    assert later.read("a.tar", 7, 70) == body[7:77]
    assert later.read_all("a.tar") == body
    later.ahead(["a.tar"])
    time.sleep(0.1)
    assert later.counts["retries"] == 0


def test_new_content_never_meets_old_copies(store, server, body) -> None:
    first = store()
    first.ahead(["a.tar"])
    _until(lambda: first.counts["downloads"] == 1)
    server.files["d/a.tar"] = bytes(SIZE)
    assert store().read("a.tar", 0, 9) == bytes(9)
    assert first.read("a.tar", 0, 9) == body[:9]


def test_a_download_that_is_not_what_the_card_says_is_told_and_not_kept(store, server, tmp_path, body, caplog) -> None:
    web = store().knowing({"a.tar": "0" * 64})
    with caplog.at_level(logging.WARNING, "densewalk"):
        web.ahead(["a.tar"])
        _until(lambda: caplog.records)
    assert "d/a.tar is damaged: its 300000 bytes do not have the SHA-256" in caplog.text
    assert not _copies(tmp_path)
    web.ahead(["a.tar"])
    time.sleep(0.1)
    assert server.ranges("d/a.tar").count("bytes=0-") == 1
    assert web.read("a.tar", 0, 9) == body[:9]


def test_a_copy_that_is_damaged_or_short_gives_way_to_the_file(store, server, tmp_path, body) -> None:
    web = store()
    web.ahead(["a.tar"])
    _until(lambda: web.counts["downloads"] == 1)
    (copy,) = _copies(tmp_path)
    os.truncate(copy, 1000)
    assert web.read("a.tar", 500, 1000) == body[500:1500]
    assert not copy.exists()
    web.ahead(["a.tar"])
    _until(lambda: web.counts["downloads"] == 2)
    copy.write_bytes(bytes(SIZE))
    assert web.read("a.tar", 0, 9) == bytes(9)
    assert web.forget("a.tar")
    assert web.read("a.tar", 0, 9) == body[:9]
    assert not web.forget("a.tar")


def test_reading_ahead_ends_where_it_is_far_enough(store, server) -> None:
    server.files |= {f"d/{n}.tar": bytes(100_000) for n in range(6)}
    web = store(read_ahead_bytes=350_000, downloads=1)
    web.ahead([f"{n}.tar" for n in range(6)])
    _until(lambda: web.counts["downloads"] == 3)
    time.sleep(0.1)
    assert web.counts["downloads"] == 3
    web.ahead(["5.tar"])
    _until(lambda: web.counts["downloads"] == 4)


def test_the_bound_holds_and_what_was_named_last_stays(store, server, tmp_path, caplog) -> None:
    server.files |= {f"d/{n}.tar": bytes([n]) * 100_000 for n in range(9)}
    web = store(bytes=400_000, downloads=2).knowing(_known(server))
    for first in range(6):
        web.ahead([f"{first + n}.tar" for n in range(3)])
        _until(
            lambda first=first: (
                {_known(server)[f"{first + n}.tar"] for n in range(3)} <= {p.name for p in _copies(tmp_path)}
            )
        )
        assert sum(path.stat().st_size for path in _copies(tmp_path)) <= 400_000
    assert web.counts["evictions"] == 4
    assert web.counts["downloads"] == 8
    assert not caplog.records


def test_copies_of_what_is_far_give_way_to_what_is_near(store, server, tmp_path) -> None:
    server.files |= {f"d/{n}.tar": bytes([n]) * 100_000 for n in range(9)}
    known = _known(server)
    web = store(bytes=400_000, stall_seconds=5.0, deadline_seconds=9.0).knowing(known)
    for first, last in ((5, 8), (0, 3)):
        web.ahead([f"{n}.tar" for n in range(first, 9)])
        near = {known[f"{n}.tar"] for n in range(first, last + 1)}
        _until(lambda near=near: near == {path.name for path in _copies(tmp_path)})


def test_a_store_that_is_dropped_leaves_no_open_files(store, monkeypatch) -> None:
    monkeypatch.setattr("densewalk.datasets.storage.read_ahead._IDLE_SECONDS", 0.05)
    before = len([*Path("/proc/self/fd").iterdir()])
    for _ in range(3):
        web = store()
        web.ahead(["a.tar"])
        _until(lambda web=web: web._shelf.size(web._key("a.tar")))
        _until(lambda web=web: web._read_ahead[os.getpid()]._num_threads == 0)
    del web
    gc.collect()
    _until(lambda: len([*Path("/proc/self/fd").iterdir()]) <= before + 3)


def test_copies_can_be_forbidden(store, server, tmp_path, body) -> None:
    for settings in ({"bytes": 0}, {"read_ahead_bytes": 0}):
        web = store(**settings)
        web.ahead(["a.tar"])
        assert web.read("a.tar", 0, 9) == body[:9]
        time.sleep(0.05)
        assert web.counts["downloads"] == 0


@pytest.mark.parametrize("fault", [Fault(status=404), Fault(status=503)])
def test_what_cannot_be_fetched_ahead_is_told_once_and_hinders_nothing(store, server, body, fault, caplog) -> None:
    web = store(deadline_seconds=0.5)
    server.plan = lambda asked: fault if asked.name == "d/b.tar" else None
    with caplog.at_level(logging.WARNING, "densewalk"):
        for _ in range(3):
            web.ahead(["b.tar"])
            _until(lambda: not web._read_ahead[os.getpid()]._busy and not web._read_ahead[os.getpid()]._waiting)
        assert len([record for record in caplog.records if "is not read ahead" in record.message]) == 1
    web.ahead(["a.tar"])
    _until(lambda: web.counts["downloads"] == 1)


def test_a_cache_that_cannot_be_written_is_told_once_and_ranges_are_read(store, tmp_path, body, caplog) -> None:
    (tmp_path / "file").write_bytes(b"")
    web = store(folder=tmp_path / "file")
    with caplog.at_level(logging.WARNING, "densewalk"):
        for _ in range(2):
            web.ahead(["a.tar"])
            _until(lambda: _rests(web))
            assert web.read("a.tar", 0, 9) == body[:9]
    assert ["is read in ranges" in record.message for record in caplog.records] == [True]
    assert web.counts["range_bytes"] == 18
    with web.open("a.tar") as file:
        assert file.read() == body


def test_a_disk_that_fills_during_a_download_is_told_once_and_ranges_are_read(
    store, server, tmp_path, body, caplog
) -> None:
    with small_disk(tmp_path / "disk", kibibytes=512) as disk, contextlib.ExitStack() as ballast:

        def fill() -> None:
            ballast.enter_context(filled(disk, leave=50_000))

        server.plan = lambda asked: Fault(before=fill) if asked.range == "bytes=0-" else None
        web = store(folder=disk, stall_seconds=5.0, deadline_seconds=9.0)
        with caplog.at_level(logging.WARNING, "densewalk"):
            for _ in range(3):
                web.ahead(["a.tar"])
                _until(lambda: _rests(web))
                assert web.read("a.tar", 0, 9) == body[:9]
        assert [path.name for path in (disk / "files").iterdir() if path.suffix == ".partial"] == []
        assert server.ranges("d/a.tar").count("bytes=0-") == 1
        assert ["No space left" in record.message for record in caplog.records] == [True]


def test_a_whole_file_is_opened_from_its_copy(store, server, body) -> None:
    web = store()
    for _ in range(2):
        with web.open("a.tar") as file:
            file.seek(SIZE - 9)
            assert file.read() == body[-9:]
    assert web.counts["downloads"] == 1


def test_a_server_without_ranges_is_asked_for_whole_files(store, server, body, tmp_path) -> None:
    server.plan = lambda _: Fault(ranges=False)
    web = store()
    assert web.read("a.tar", 1000, 9) == body[1000:1009]
    assert web.read("a.tar", 5000, 9) == body[5000:5009]
    assert web.read("b.tar", 0, SIZE) == body[::-1]
    assert web.counts["downloads"] == 2
    with pytest.raises(DataError, match=r"a\.tar ends at byte 300000"):
        web.read("a.tar", SIZE - 3, 9)
    with pytest.raises(ConfigError, match=r"sends whole files only.*data\.cache\.bytes"):
        store(folder=tmp_path / "small", bytes=1000).read("a.tar", 1000, 9)


def test_a_whole_file_that_breaks_off_without_ranges_goes_on(store, server, body) -> None:
    server.plan = lambda asked: Fault(ranges=False, stop=100_000 if asked.number == 2 else None)
    assert store().read("a.tar", 200_000, 9) == body[200_000:200_009]


def test_who_needs_a_whole_file_waits_for_whoever_fetches_it(store, server, body) -> None:
    held = threading.Event()
    server.plan = lambda asked: Fault(
        ranges=False, before=(lambda: held.wait(5)) if asked.range == "bytes=0-" else None
    )
    stores = [store(stall_seconds=4.0, deadline_seconds=9.0) for _ in range(3)]
    parts: list[bytes] = []
    threads = [threading.Thread(target=lambda one=one: parts.append(one.read("a.tar", 9, 90))) for one in stores]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    held.set()
    for thread in threads:
        thread.join(10)
    assert parts == [body[9:99]] * 3
    assert sum(one.counts["downloads"] for one in stores) == 1


def test_who_waits_for_one_that_brings_nothing_is_told_in_time(store, server, body) -> None:
    server.plan = lambda asked: Fault(ranges=False)
    web = store(deadline_seconds=0.5)
    with web._shelf.place(web._key("a.tar"), SIZE), pytest.raises(UnreachableError, match="another process"):
        web.read("a.tar", 9, 90)


def test_processes_fetch_each_file_once_and_count_together(store, server, body, tmp_path) -> None:
    server.plan = lambda _: Fault(before=lambda: time.sleep(0.05))
    web = store(stall_seconds=5.0, deadline_seconds=20.0)
    names = ["a.tar", "b.tar"]
    program = (
        "import pickle, sys, time\n"
        "store = pickle.load(sys.stdin.buffer)\n"
        "store.ahead(['a.tar', 'b.tar'])\n"
        "ends = time.monotonic() + 20\n"
        "while store.counts['downloads'] < 2 and time.monotonic() < ends: time.sleep(0.02)\n"
        "assert len(store.read('a.tar', 0, 1000)) == 1000\n"
    )
    children = [subprocess.Popen([sys.executable, "-P", "-c", program], stdin=subprocess.PIPE) for _ in range(3)]
    for child in children:
        child.stdin.write(pickle.dumps(web))
        child.stdin.close()
    web.ahead(names)
    assert [child.wait(30) for child in children] == [0, 0, 0]
    assert [server.ranges(f"d/{name}").count("bytes=0-") for name in names] == [1, 1]
    assert web.counts["downloads"] == 2
    assert web.counts["cache_bytes"] == 3000


def test_copies_that_vanish_between_reads_are_no_matter(store, server, body, tmp_path) -> None:
    web = store()
    stop = threading.Event()

    def clear() -> None:
        while not stop.is_set():
            for copy in _copies(tmp_path):
                with contextlib.suppress(FileNotFoundError):
                    copy.unlink()
            time.sleep(0.002)

    thread = threading.Thread(target=clear)
    thread.start()
    for n in range(60):
        web.ahead(["a.tar", "b.tar"])
        assert web.read("a.tar", n * 100, 1000) == body[n * 100 : n * 100 + 1000]
    stop.set()
    thread.join()


def test_a_name_that_leads_elsewhere_is_refused_everywhere(store: Callable[..., Store], server) -> None:
    web = store()
    for ask in (web.read_all, web.open, web.size, web.stamp, web.forget, lambda name: web.ahead([name])):
        with pytest.raises(DataError, match="no name of a file"):
            ask("../secret")
    assert not server.asked


def test_threads_of_read_ahead_end_when_there_is_nothing_to_do(store, server, monkeypatch) -> None:
    monkeypatch.setattr("densewalk.datasets.storage.read_ahead._IDLE_SECONDS", 0.05)
    web, before = store(), set(threading.enumerate())
    for downloads in (1, 2):
        web.ahead([["a.tar", "b.tar"][downloads - 1]])
        _until(lambda downloads=downloads: web.counts["downloads"] == downloads)
        _until(lambda: web._read_ahead[os.getpid()]._num_threads == 0)
    for thread in set(threading.enumerate()) - before:
        if thread.name.startswith("read-ahead"):
            thread.join(5)
            assert not thread.is_alive()
