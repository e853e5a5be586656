"""Children import what their parent does, from anywhere, and how they ended has a name."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from densewalk.datasets.child_process import ONE_THREAD, import_path, module_command, signal_name


def test_a_module_of_the_current_folder_is_found_from_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "speaks.py").write_text("import os, sys\nprint(sys.argv[1:], os.environ['OMP_NUM_THREADS'])\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    child = subprocess.run(
        module_command("speaks", "a", 3),
        cwd="/",
        env=os.environ | ONE_THREAD | import_path(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert child.stdout == "['a', '3'] 1\n"


def test_every_signal_has_a_name() -> None:
    assert signal_name(signal.SIGSEGV) == "SIGSEGV"
    assert signal_name(41) == "signal 41"
