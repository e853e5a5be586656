"""Indexing many videos in child processes, each of which may crash or be killed over one file.

A file that takes longer than the deadline, or takes its child down, is damaged, and the next one has a new child.
Children hold no state, so the result is the same for any number of them.
"""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from densewalk.datasets.child_process import ONE_THREAD, import_path, module_command, signal_name
from densewalk.datasets.errors import DataError, UnreachableError
from densewalk.datasets.readers.clips.index_child import BROKEN, HEAD, INDEX, UNREACHABLE
from densewalk.datasets.readers.clips.video_index import VideoIndex

__all__ = ["VideoPlace", "index_videos"]

_AHEAD = 64
"""Results a child that wait for an earlier one."""
_POLL_SECONDS = 1.0
_CHUNK = 1 << 16
_MOST_KILLS = 2
_BYTES_A_SECOND = 2e6
"""Slowest pace at which a large file may be looked at; its deadline is later by so much."""


@dataclass(frozen=True, slots=True)
class VideoPlace:
    """A file, or `size` bytes of it from `offset`."""

    path: Path
    offset: int = 0
    size: int | None = None


def index_videos(
    places: Iterable[VideoPlace], *, workers: int | None = None, deadline_seconds: float = 60.0
) -> Iterator[VideoIndex | DataError]:
    """Yield the index of every video, or what is wrong with it, in the order of `places`.

    `deadline_seconds` hold for a small file; one of 10 GB has more than an hour.
    By default there is a child for each processor this process may use. Raises `UnreachableError` when a disk does not
    answer; what was yielded is good.
    """
    left = deque(enumerate(places))
    num_children = min(workers or len(os.sched_getaffinity(0)), len(left))
    results: dict[int, VideoIndex | DataError] = {}
    turn, count = 0, len(left)
    with contextlib.ExitStack() as stack:
        children = [stack.enter_context(_Child(deadline_seconds)) for _ in range(num_children)]
        while turn < count:
            for child in children:
                if child.is_idle and left and left[0][0] < turn + _AHEAD * num_children:
                    child.ask(*left.popleft())
            for child in _with_news(children):
                if (answer := child.hear()) is not None:
                    results[answer[0]] = answer[1]
            while turn in results:
                yield results.pop(turn)
                turn += 1


def _with_news(children: "list[_Child]") -> "list[_Child]":
    """Return the children that said something or whose time is over; waits a little."""
    with selectors.DefaultSelector() as selector:
        for child in children:
            if not child.is_idle:
                selector.register(child.pipe, selectors.EVENT_READ, child)
        heard = [key.data for key, _ in selector.select(_POLL_SECONDS)]
    return heard + [child for child in children if child.is_late and child not in heard]


class _Child:
    """One child process, started when it is asked and again after each loss."""

    def __init__(self, deadline_seconds: float) -> None:
        self._deadline_seconds = deadline_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._asked: tuple[int, VideoPlace] | None = None
        self._num_kills = 0
        self._seconds = self._until = 0.0
        self._received = b""

    def __enter__(self) -> "_Child":
        return self

    def __exit__(self, *raised: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()  # type: ignore[union-attr]
        self._process, self._received = None, b""

    @property
    def is_idle(self) -> bool:
        return self._asked is None

    @property
    def is_late(self) -> bool:
        return self._asked is not None and time.monotonic() > self._until

    @property
    def pipe(self) -> int:
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def ask(self, number: int, place: VideoPlace) -> None:
        seconds = self._deadline_seconds + _num_bytes(place) / _BYTES_A_SECOND
        request = {"path": str(place.path), "offset": place.offset, "size": place.size, "seconds": seconds}
        if self._process is None:
            self._process = _started()
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # its end is heard of like that of one which had begun
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        self._asked, self._seconds = (number, place), seconds
        self._until = time.monotonic() + seconds

    def hear(self) -> tuple[int, VideoIndex | DataError] | None:
        """Return the answer if it is whole, or what became of the child."""
        assert self._asked is not None
        number, _ = self._asked
        if self.is_late:
            return self._given_up(f"looking at it took longer than {self._seconds:.0f} s")
        chunk = os.read(self.pipe, _CHUNK)
        if not chunk:
            return self._dead()
        self._received += chunk
        if len(self._received) < HEAD.size or len(self._received) < HEAD.size + HEAD.unpack_from(self._received)[1]:
            return None
        kind, content = HEAD.unpack_from(self._received)[0], self._received[HEAD.size :]
        self._asked, self._received, self._num_kills = None, b"", 0
        return number, _result(kind, content)

    def _dead(self) -> tuple[int, VideoIndex | DataError] | None:
        assert self._process is not None
        assert self._asked is not None
        code = self._process.wait()
        if code >= 0:
            raise RuntimeError(f"the process that indexes videos does not start or ends by itself (exit code {code})")
        if code == -signal.SIGKILL and self._num_kills < _MOST_KILLS:
            # No file can do that to its reader, only an operator or a kernel short of memory.
            self._num_kills += 1
            self.__exit__()
            self.ask(*self._asked)
            return None
        return self._given_up(f"it ended its reader: {signal_name(-code)}")

    def _given_up(self, fault: str) -> tuple[int, DataError]:
        assert self._asked is not None
        number, _ = self._asked
        self.__exit__()
        self._asked, self._num_kills = None, 0
        return number, DataError(fault)


def _num_bytes(place: VideoPlace) -> int:
    if place.size is not None:
        return place.size
    try:
        return place.path.stat().st_size
    except OSError:
        return 0  # the child says why


def _started() -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        module_command("densewalk.datasets.readers.clips.index_child"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | ONE_THREAD | import_path(),
        start_new_session=True,
    )


def _result(kind: bytes, content: bytes) -> VideoIndex | DataError:
    if kind == INDEX:
        return VideoIndex.from_bytes(content)
    text = content.decode(errors="replace")
    if kind == BROKEN:
        return DataError(text)
    raise UnreachableError(text) if kind == UNREACHABLE else RuntimeError(f"indexing a video failed: {text}")
