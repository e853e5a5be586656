"""Planted code ends a process exactly where it should, once, and nobody else."""

import signal
import subprocess
import sys
from pathlib import Path

from tests.chaos.preparation import environment

_WRITES = "import os, sys; [open(os.path.join(sys.argv[1], str(n)), 'w').close() for n in range(5)]"
_READS = "import sys; [open(sys.argv[1]).close() for _ in range(5)]"


def _run(folder: Path, code: str, path: Path, run: int = 1, **planted: str) -> int:
    command = [sys.executable, "-P", "-c", code, str(path)]
    return subprocess.run(
        command, env={**environment(folder), "DENSEWALK_CHAOS_RUN": str(run), **planted}, check=False
    ).returncode


def _out(folder: Path) -> Path:
    (folder / "out").mkdir(exist_ok=True)
    return folder / "out"


def test_a_process_dies_before_the_step_it_was_given(tmp_path: Path) -> None:
    out = _out(tmp_path)
    assert _run(tmp_path, _WRITES, out, DENSEWALK_CHAOS_STEP=f"command:3:{out}") == -signal.SIGKILL
    assert sorted(path.name for path in out.iterdir()) == ["0", "1"]
    assert (tmp_path / "notes" / "struck").exists()


def test_only_one_process_dies_of_a_step(tmp_path: Path) -> None:
    out = _out(tmp_path)
    step = f"command:3:{out}"
    assert _run(tmp_path, _WRITES, out, run=1, DENSEWALK_CHAOS_STEP=step) == -signal.SIGKILL
    assert _run(tmp_path, _WRITES, out, run=2, DENSEWALK_CHAOS_STEP=step) == 0


def test_step_zero_counts_and_harms_nobody(tmp_path: Path) -> None:
    out = _out(tmp_path)
    assert _run(tmp_path, _WRITES, out, DENSEWALK_CHAOS_STEP=f"command:0:{out}") == 0
    assert (tmp_path / "notes" / "steps").read_text() == "5"


def test_a_step_of_a_worker_spares_the_command(tmp_path: Path) -> None:
    out = _out(tmp_path)
    assert _run(tmp_path, _WRITES, out, DENSEWALK_CHAOS_STEP=f"worker:3:{out}") == 0


def test_a_poison_kills_whoever_opens_it_every_time(tmp_path: Path) -> None:
    poison = tmp_path / "poison.mp4"
    poison.touch()
    for run in (1, 2):
        assert _run(tmp_path, _READS, poison, run, DENSEWALK_CHAOS_POISON=f"2:{poison}") == -signal.SIGKILL
    assert len((tmp_path / "notes" / "deaths").read_text().split()) == 2
