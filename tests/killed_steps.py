"""Acting in a process of its own that can be killed, as if by kill -9, at any step that changes a disk or a store."""

import multiprocessing
import multiprocessing.process
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from densewalk.datasets.storage.config import StorageConfig
from densewalk.pipelines.corpus.care.purge_request import PurgeRequest
from densewalk.pipelines.corpus.care.purging import purge
from densewalk.pipelines.corpus.homes.bucket_home import BucketHome
from densewalk.pipelines.corpus.homes.patience import Patience

__all__ = ["started_purge", "steps_before_death"]

_PROCESSES = multiprocessing.get_context("forkserver")


def steps_before_death(act: Callable[[], object], *, kill_at: int) -> int | None:
    """Run `act` in a forked process; return None when it was killed at step `kill_at`, else how many steps it took.

    A step is a rename, a removal or a sync of a file or folder; the process dies before it.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            steps = _die_at(kill_at)
            act()
            os.write(writer, str(len(steps)).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(writer)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reader) as answer:
        text = answer.read()
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return None
    assert status == 0, "the act failed by itself"
    return int(text)


def started_purge(url: str, endpoint: str, work: Path, source: str) -> multiprocessing.process.BaseProcess:
    """Start to purge a source from a dataset in a bucket in a process of its own."""
    process = _PROCESSES.Process(target=_purge, args=(url, endpoint, work, source), daemon=True)
    process.start()
    return process


def _purge(url: str, endpoint: str, work: Path, source: str) -> None:
    patience = Patience(seconds=20.0, first_wait_seconds=0.01)
    home = BucketHome(url, work, StorageConfig(endpoint_url=endpoint), patience=patience, lease_seconds=1.0)
    purge(home, PurgeRequest.of([source]))


def _die_at(number: int) -> list[None]:
    steps: list[None] = []

    def counted(honest: Callable[..., Any]) -> Callable[..., Any]:
        def act(*arguments: Any, **settings: Any) -> Any:
            steps.append(None)
            if len(steps) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return honest(*arguments, **settings)

        return act

    for owner, name in ((Path, "replace"), (Path, "unlink"), (os, "fsync"), (os, "rmdir")):
        setattr(owner, name, counted(getattr(owner, name)))
    return steps
