"""The command line of this project, as benchmarks start it."""

import os
import sys
from pathlib import Path

__all__ = ["ENVIRONMENT", "cores", "densewalk", "stubbed"]

_ROOT = Path(__file__).parents[2]
ENVIRONMENT = {"PYTHONPATH": str(_ROOT), "OMP_NUM_THREADS": "1"}
"""Workers find the stages of benchmarks; one thread each, as every worker of an engine has."""


def densewalk(verb: str, *arguments: object) -> list[str]:
    """Return the words of `densewalk verb ...`."""
    return [str(Path(sys.executable).with_name("densewalk")), verb, *map(str, arguments)]


def stubbed(*arguments: object) -> list[str]:
    """Return the words of a preparation whose clips come from nowhere, see `_stub_clips.py`."""
    return [sys.executable, "-m", "tests.benchmarks._stub_clips", "prepare", *map(str, arguments)]


def cores() -> list[int]:
    """Return the processors this process may use."""
    return sorted(os.sched_getaffinity(0))
