"""Runs a program that ends with its parent and cannot write a file larger than it was told.

    python -m densewalk.pipelines.fetch.leash PARENT_PID MAX_BYTES PROGRAM ARGUMENTS...

The kernel's promise to end a process with its parent and its limit on file sizes both survive the replacement of this
program by the other. Linux only; elsewhere a program outlives a killed parent by what is left of its deadline.
"""

import ctypes
import os
import resource
import signal
import sys

__all__ = ["main"]

_SET_PARENT_DEATH_SIGNAL = 1


def main(parent: int, max_bytes: int, program: list[str]) -> None:
    """Take the leash and become `program`."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, int(signal.SIGKILL))
    if os.getppid() != parent:
        sys.exit("the parent is gone")
    resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes, max_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.execv(program[0], program)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
