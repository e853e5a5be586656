"""Hosts: the rate, the connections and the pauses hold over threads and processes."""

import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from densewalk.pipelines.fetch.faults import FetchFault
from densewalk.pipelines.fetch.hosts import Hosts

_WORKER = """
import sys, time
from pathlib import Path
from time import time as true_time
time.time = lambda: true_time() + float(sys.argv[2])
from densewalk.pipelines.fetch.hosts import Hosts
hosts = Hosts(Path(sys.argv[1]), 3, 1.0)
print("up", flush=True)
sys.stdin.readline()
for _ in range(5):
    with hosts.turn("a.org", 10.0):
        print(true_time(), flush=True)
"""


def _worker(folder: Path, clock_ahead_seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _WORKER, str(folder), str(clock_ahead_seconds)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "up\n"
    return child


@pytest.fixture
def hosts(tmp_path: Path) -> Hosts:
    return Hosts(tmp_path / "hosts", 2, 0.5)


@pytest.mark.parametrize("clocks_ahead", [(0, 0, 0), (3600, 0, -3600)])
def test_processes_share_the_rate_whatever_their_clocks_say(clocks_ahead: tuple[float, ...], tmp_path: Path) -> None:
    workers = [_worker(tmp_path, ahead) for ahead in clocks_ahead]
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("\n")
        worker.stdin.flush()
    moments = sorted(float(line) for worker in workers for line in worker.communicate()[0].split())
    assert len(moments) == 15
    assert 14 / 10 - 0.02 <= moments[-1] - moments[0] < 30


def test_a_host_never_has_more_connections_than_allowed(hosts: Hosts) -> None:
    lock, open_now, most = threading.Lock(), 0, 0

    def work() -> None:
        nonlocal open_now, most
        for _ in range(3):
            with hosts.turn("a.org", 1e4):
                with lock:
                    open_now += 1
                    most = max(most, open_now)
                time.sleep(0.02)
                with lock:
                    open_now -= 1

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2


def test_hosts_do_not_wait_for_each_other(hosts: Hosts) -> None:
    began = time.monotonic()
    for number in range(5):
        with hosts.turn(f"{number}.org", 0.1):
            pass
    assert time.monotonic() - began < 0.5


def test_a_killed_worker_gives_its_connection_back(tmp_path: Path) -> None:
    hosts = Hosts(tmp_path, 1, 0.5)
    code = _WORKER.replace("print(true_time(), flush=True)", "print('in', flush=True); time.sleep(60)")
    child = subprocess.Popen(
        [sys.executable, "-c", code.replace(", 3, 1.0", ", 1, 1.0"), str(tmp_path), "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    child.stdin.write(b"\n")  # type: ignore[union-attr]
    child.stdin.flush()  # type: ignore[union-attr]
    assert [child.stdout.readline() for _ in range(2)] == [b"up\n", b"in\n"]  # type: ignore[union-attr]
    child.kill()
    child.communicate()
    with hosts.turn("a.org", 1e3):
        pass


def test_a_short_pause_is_waited_for_and_a_long_one_refused(hosts: Hosts) -> None:
    began = time.monotonic()
    hosts.hold("a.org", 0.3)
    with hosts.turn("a.org", 1e3):
        assert time.monotonic() - began >= 0.29
    hosts.hold("a.org", 3600)
    hosts.hold("a.org", 1)
    with pytest.raises(FetchFault) as caught, hosts.turn("a.org", 1e3):
        pass
    assert caught.value.reason == "host paused"
    assert "a.org" in caught.value.detail
    with hosts.turn("b.org", 1e3):
        pass


def test_who_waits_behind_a_short_pause_still_comes_one_by_one(hosts: Hosts) -> None:
    hosts.hold("a.org", 0.2)
    moments: list[float] = []

    def work() -> None:
        with hosts.turn("a.org", 10.0):
            moments.append(time.monotonic())

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert abs(moments[0] - moments[1]) > 0.09


def test_blocks_in_a_row_pause_longer_up_to_a_day_until_the_host_is_kind_again(hosts: Hosts) -> None:
    assert [hosts.block("a.org", 10.0) for _ in range(3)] == [10.0, 20.0, 40.0]
    hosts.welcome("a.org")
    assert hosts.block("a.org", 10.0) == 10.0
    for _ in range(40):
        longest = hosts.block("a.org", 10.0)
    assert longest == 86400


@pytest.mark.parametrize("torn", [b"", b'{"next_at": 1e99', b"\0" * 256, b'{"other": 1}', b"[]"])
def test_a_torn_record_counts_as_none(hosts: Hosts, torn: bytes) -> None:
    with hosts.turn("a.org", 1e3):
        pass
    (hosts.folder / "a.org.json").write_bytes(torn)
    with hosts.turn("a.org", 1e3):
        pass


def test_a_clock_that_was_set_back_costs_little(hosts: Hosts) -> None:
    with hosts.turn("a.org", 10.0):
        pass
    record = hosts.folder / "a.org.json"
    record.write_text(f'{{"next_at": {time.time() + 1e6}, "paused_until": 0, "blocks": 0}}'.ljust(256))
    began = time.monotonic()
    with hosts.turn("a.org", 10.0):
        pass
    assert time.monotonic() - began < 0.5


@pytest.mark.parametrize("host", ["::1", "x" * 253, "ü/../y"])
def test_any_host_has_a_file_name(hosts: Hosts, host: str) -> None:
    with hosts.turn(host, 1e3):
        assert len(list(hosts.folder.iterdir())) == 2


@pytest.mark.parametrize("ahead", [3600.0, -3600.0])
def test_a_pause_lasts_as_long_for_machines_whose_clocks_are_an_hour_apart(
    ahead: float, hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hold(host: str, seconds: float) -> None:
        with monkeypatch.context() as elsewhere:
            true_time = time.time
            elsewhere.setattr(time, "time", lambda: true_time() + ahead)
            hosts.hold(host, seconds)

    began = time.monotonic()
    hold("a.org", 0.3)
    with hosts.turn("a.org", 1e3):
        assert 0.25 <= time.monotonic() - began < 5
    hold("a.org", 1800)
    with pytest.raises(FetchFault, match="host paused"), hosts.turn("a.org", 1e3):
        pass


def test_no_pause_outlasts_the_longest_there_is(hosts: Hosts) -> None:
    hosts.hold("a.org", 1e9)
    record = hosts.folder / "a.org.json"
    record.write_text(f'{{"next_at": 0, "paused_until": {time.time() + 1e9}, "blocks": 0}}'.ljust(256))
    with pytest.raises(FetchFault) as caught, hosts.turn("a.org", 1e3):
        pass
    until = datetime.strptime(caught.value.detail.rpartition("until ")[2], "%Y-%m-%d %H:%M UTC").replace(tzinfo=UTC)
    assert until - datetime.now(UTC) < timedelta(days=1, minutes=1)
