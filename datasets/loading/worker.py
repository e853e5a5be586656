"""A worker process as its pool sees it: started, given tasks, listened to, watched, ended.

It is a fresh interpreter (never a fork of a process that may hold a GPU or threads), which ends with its parent. The
thread that starts it has to live as long as it: Linux takes a process's parent to be a thread.
"""

import fcntl
import os
import pickle
import signal
import socket
import subprocess
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from densewalk.datasets.child_process import ONE_THREAD, import_path, module_command, signal_name
from densewalk.datasets.loading.letters import Letter, Letterbox, send
from densewalk.datasets.loading.place import PLACE_BYTES, Place
from densewalk.datasets.loading.schedule import Task
from densewalk.datasets.loading.shared_memory import Block, Lease, new_block

__all__ = ["TASKS_IN_HAND", "Worker"]

TASKS_IN_HAND = 2
"""One that it works on and one that it goes on with."""
_SECONDS_TO_START = 300.0
"""Importing may take minutes where many processes read libraries over one network."""
_SECONDS_TO_END = 5.0
_SECONDS_FOR_LAST_WORDS = 0.3
_LAST_WORDS, _MOST_WORDS = 3000, 1 << 20
_MEMORY_IS_KEPT = {"MALLOC_MMAP_THRESHOLD_": f"{32 << 20}", "MALLOC_TRIM_THRESHOLD_": f"{128 << 20}"}
"""For glibc: frames are allocated again and again; to give their pages back and fault them in anew takes a sixth of the
time of a pair of frames."""


class Worker:
    """One process that makes samples."""

    def __init__(self, source: int, source_bytes: int) -> None:
        """Start it; `source` is a descriptor of memory with the pickled source of samples."""
        self.in_hand: deque[Task] = deque()
        """Tasks it has; it works on the first."""
        self.ready = False
        """Whether it has its source and takes tasks."""
        self.told = 0
        """How many clips it was told to shun."""
        self.hung_seconds: float | None = None
        """The time it had when it was killed for saying nothing."""
        self.hung_over: Task | None = None
        """The task it was killed over."""
        self._blocks: dict[int, Block] = {}
        self._returned: deque[int] = deque()
        self._words = new_block(0)
        self.connection, theirs = socket.socketpair()
        self.connection.setblocking(False)
        self._box = Letterbox(self.connection)
        page = new_block(PLACE_BYTES)
        self.place = Place(page)
        with theirs:
            self._process = _start(theirs.fileno(), source, source_bytes, page, self._words)
        os.close(page)
        self._beats, self._silent_seconds, self._gone_since = self.place.beats, 0.0, 0.0

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether nothing more will come from it."""
        return self._box.ended

    def give(self, task: Task, shunned: Sequence[tuple[str, str]]) -> None:
        """Hand out a task, and which clips are shunned that it was not told of."""
        returned = [self._returned.popleft() for _ in range(len(self._returned))]
        content = pickle.dumps((task.numbers, shunned[self.told :], returned))
        self.told = len(shunned)
        if not self.in_hand:
            self._silent_seconds = 0.0
        self.in_hand.append(task)
        with suppress(ConnectionError):  # it has died, which is seen when it is listened to
            send(self.connection, Letter(kind=b"t", ticket=task.ticket, content=content))

    def letters(self) -> list[Letter]:
        """Return what it said since the last call."""
        letters = self._box.empty()
        if letters:
            self._silent_seconds = 0.0
        return letters

    def lease(self, letter: Letter) -> Lease | None:
        """Return the memory with a letter's arrays; it is the worker's again when nothing refers to it any more."""
        if letter.memory is not None:
            try:
                self._blocks[letter.slot] = Block(letter.memory, letter.capacity)
            finally:
                os.close(letter.memory)
        return Lease(self._blocks[letter.slot], letter.slot, self._returned) if letter.capacity else None

    def watch(self, seconds: float, deadline_seconds: float) -> None:
        """Let time pass; kill it when it said nothing and did not get on for too long, with work in hand."""
        beats = self.place.beats
        self._silent_seconds = (
            0.0 if beats != self._beats or (self.ready and not self.in_hand) else self._silent_seconds + seconds
        )
        self._beats = beats
        limit = deadline_seconds if self.ready else max(deadline_seconds, _SECONDS_TO_START)
        if self._silent_seconds > limit and self.hung_seconds is None:
            self.hung_seconds, self.hung_over = limit, self.in_hand[0] if self.in_hand else None
            self._process.send_signal(signal.SIGUSR2)  # it writes down where it stands
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_SECONDS_FOR_LAST_WORDS)
            self._process.kill()
        if os.fstat(self._words).st_size > _MOST_WORDS:
            os.ftruncate(self._words, 0)

    def is_lost(self) -> bool:
        """Return whether it has died or cannot be killed; its letters have to be read after this was found."""
        if self._process.poll() is not None:
            return True
        if not self._box.ended and self.hung_seconds is None:
            return False
        self._gone_since = self._gone_since or time.monotonic()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_SECONDS_FOR_LAST_WORDS)
        return self._process.poll() is not None or time.monotonic() - self._gone_since > _SECONDS_TO_END

    def how_it_ended(self) -> str:
        """Return what became of a lost worker."""
        code = self._process.returncode
        if self.hung_seconds is not None:
            if not self.ready:
                return f"did not start within {self.hung_seconds:g} s"
            return f"said nothing for data.deadline_seconds={self.hung_seconds:g} and was killed"
        if code is None:
            return "closed its socket and went on"
        if code == -signal.SIGKILL:
            return (
                "was killed by SIGKILL, which is how the kernel ends processes when memory runs out; "
                "a lower data.workers needs less"
            )
        return f"was ended by {signal_name(-code)}" if code < 0 else f"ended with exit code {code}"

    def last_words(self) -> str:
        """Return the end of what it wrote to its standard output and error."""
        size = os.fstat(self._words).st_size
        return os.pread(self._words, _LAST_WORDS, max(0, size - _LAST_WORDS)).decode(errors="replace").strip()

    def kill(self) -> None:
        """End it without waiting."""
        if self._process.poll() is None:
            self._process.kill()

    def close(self, seconds: float = _SECONDS_FOR_LAST_WORDS) -> None:
        """End it and let its descriptors go; one that the kernel cannot end is left behind after `seconds`."""
        self.kill()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self._box.close()
        self.connection.close()
        os.close(self._words)


def _start(connection: int, source: int, source_bytes: int, page: int, words: int) -> "subprocess.Popen[bytes]":
    fcntl.fcntl(words, fcntl.F_SETFL, os.O_APPEND)  # it may be cut short while it is written to
    return subprocess.Popen(
        module_command("densewalk.datasets.loading.child", connection, source, source_bytes, page, os.getpid()),
        stdin=subprocess.DEVNULL,
        stdout=words,
        stderr=words,
        pass_fds=(connection, source, page),
        env=_MEMORY_IS_KEPT | os.environ | ONE_THREAD | import_path(),
    )
