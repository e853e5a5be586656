"""A worker process: `python -m densewalk.datasets.loading.child SOCKET SOURCE BYTES PAGE PARENT`.

Of these, SOCKET, SOURCE and PAGE are descriptors: of its connection, of memory with the pickled source (BYTES long) and
of the page where it is seen. Signals that are meant for the training pass it by; it ends when its pool lets go of the
socket or dies, however that happens. What it does in between is making.py.
"""

import contextlib
import ctypes
import faulthandler
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

__all__ = ["main"]

_FOR_THE_TRAINING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
_PARENT_DEATH_SIGNAL = 1
_FIRST_TO_GO = "500"
"""Of 1000: when memory runs out, the kernel shall end a worker, which is replaced, rather than the training."""


def main(connection: int, source: int, source_bytes: int, page: int, parent: int) -> None:
    """Make samples until the pool is gone."""
    _belong_to(parent)
    from densewalk.datasets.loading.making import make_samples

    with contextlib.suppress(ConnectionError):
        make_samples(socket.socket(fileno=connection), source, source_bytes, page)


def _belong_to(parent: int) -> None:
    for number in _FOR_THE_TRAINING:
        signal.signal(number, signal.SIG_IGN)
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR2)  # the pool asks where a worker hangs before it ends it
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO)
    else:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    if os.getppid() != parent:
        os._exit(0)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(0)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
