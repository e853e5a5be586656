"""The leash: a program ends with its parent and writes no more than it may."""

import os
import subprocess
import sys
from pathlib import Path

from tests.process_family import gone

_PARENT = """
import os, subprocess, sys
leash = [sys.executable, "-P", "-m", "densewalk.pipelines.fetch.leash", str(os.getpid()), "1000", sys.executable]
child = subprocess.Popen([*leash, "-c", "import time; print('up', flush=True); time.sleep(60)"], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
sys.stdin.read()
"""


def _leashed(parent: int, code: str, *, cwd: Path) -> subprocess.CompletedProcess[str]:
    leash = (sys.executable, "-P", "-m", "densewalk.pipelines.fetch.leash", str(parent), "1000")
    return subprocess.run([*leash, sys.executable, "-c", code], capture_output=True, text=True, cwd=cwd, check=False)


def test_a_program_ends_with_its_killed_parent() -> None:
    parent = subprocess.Popen([sys.executable, "-c", _PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    assert gone([child], seconds=5), "the program outlived its parent"


def test_a_program_cannot_write_more_than_it_may(tmp_path: Path) -> None:
    ended = _leashed(os.getpid(), "f = open('a', 'wb', 0); [f.write(bytes(800)) for _ in range(5)]", cwd=tmp_path)
    assert "File too large" in ended.stderr
    assert (tmp_path / "a").stat().st_size <= 1000


def test_a_program_whose_parent_is_gone_is_not_begun(tmp_path: Path) -> None:
    ended = _leashed(1 << 22, "open('a', 'wb')", cwd=tmp_path)
    assert "the parent is gone" in ended.stderr
    assert not (tmp_path / "a").exists()
