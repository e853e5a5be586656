"""Child processes of this interpreter: a module as a command, one thread each, and how they ended."""

import os
import signal
import sys
from pathlib import Path

__all__ = ["ONE_THREAD", "import_path", "module_command", "signal_name"]

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")
"""Environment of a child that is one of many."""


def module_command(module: str, *words: str | int) -> list[str]:
    """Return the command that runs a module, whatever lies in the current folder."""
    return [sys.executable, "-P", "-m", module, *map(str, words)]


def import_path() -> dict[str, str]:
    """Return the environment in which a child imports what this process does."""
    return {"PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}


def signal_name(number: int) -> str:
    """Return the name of a signal."""
    try:
        return signal.Signals(number).name
    except ValueError:  # one of real time
        return f"signal {number}"
