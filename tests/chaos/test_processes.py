"""Processes of a trial are found by their mark, also those that left their session and their parent."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.processes import Watch

_SLEEP = "import time; time.sleep(60)"
_ORPHAN = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {_SLEEP!r}], start_new_session=True)"


@contextmanager
def _sleeping(mark: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", _SLEEP], env={"MARK": str(mark)})
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_only_marked_processes_are_seen(tmp_path: Path) -> None:
    with _sleeping(tmp_path / "a") as marked, _sleeping(tmp_path / "b"):
        assert [process.pid for process in Watch(tmp_path / "a").look()] == [marked.pid]


def test_an_orphan_is_found_and_ended(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", _ORPHAN], env={"MARK": str(tmp_path)}, check=True)
    watch = Watch(tmp_path)
    (orphan,) = watch.left_after(0.0)
    assert orphan.end()
    assert watch.left_after(5.0) == []
    assert not orphan.is_alive()


def test_a_signal_to_the_dead_hits_nobody(tmp_path: Path) -> None:
    with _sleeping(tmp_path) as process:
        (seen,) = Watch(tmp_path).look()
        process.kill()
        until = time.monotonic() + 5
        while seen.is_alive() and time.monotonic() < until:
            time.sleep(0.01)
        assert not seen.end(signal.SIGTERM)


def test_the_command_is_told_by_its_number(tmp_path: Path) -> None:
    with _sleeping(tmp_path) as process:
        watch = Watch(tmp_path)
        assert [found.role for found in watch.look(process.pid)] == ["command"]
        assert [found.role for found in watch.look()] == ["other"]
