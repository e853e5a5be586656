"""Workers and what they have in hand, looked after by one thread.

The thread gives tasks out, takes in what comes back, and sees which workers hang or have died, also while nobody waits
for a result. A lost worker is replaced and what it had in hand is made again. A clip that costs its reader each time
(schedule.py says what counts) is shunned, so that the source fills its place by its own rule.
"""

import logging
import os
import pickle
import selectors
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import NoReturn

from densewalk.datasets.errors import TrainingError
from densewalk.datasets.loading.letters import Letter, unpack
from densewalk.datasets.loading.schedule import Schedule, Task
from densewalk.datasets.loading.shared_memory import Block, new_block
from densewalk.datasets.loading.worker import TASKS_IN_HAND, Worker
from densewalk.datasets.samples import ClipSample, SampleSource

__all__ = ["Crew"]

_LOG = logging.getLogger("densewalk")
_LONGEST_TICK_SECONDS = 0.25
_SECONDS_TO_CLOSE = 5.0
_SECONDS_BETWEEN_LOOKS_AT_THE_THREAD = 1.0
_MOST_IN_A_ROW = 5
"""Clips shunned one after another, with nothing made meanwhile: the place they lie in hangs, not they."""
_ADVICE = "data.workers=0 makes samples in the training process, where a fault is easier to see"

_Outcome = Callable[[], list[ClipSample]]


class Crew:
    """Worker processes and their tasks; its methods may be called from any thread."""

    def __init__(self, source: SampleSource, workers: int, *, deadline_seconds: float, attempts: int) -> None:
        """Let `workers` processes start in the background; raises what pickling the source raises."""
        self._source = source
        self._deadline_seconds = deadline_seconds
        self._attempts = attempts
        self._tick_seconds = min(_LONGEST_TICK_SECONDS, deadline_seconds / 4)
        self._memory, self._memory_bytes = _in_memory(pickle.dumps(source))
        self._schedule = Schedule()
        self._wanted: dict[int, _Outcome | None] = {}
        self._shunned: dict[str, str] = {}
        self._shunned_in_a_row = 0
        self._workers: list[Worker] = []
        self._vain = [0] * workers
        """Of each worker's seat: how many that sat there were lost in a row without having made anything."""
        self._fault: BaseException | None = None
        self._closing = False
        self._news = threading.Condition()
        self._wake, self._woken = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._pid = os.getpid()
        self._thread = threading.Thread(target=self._look_after, name="samples", daemon=True)
        self._thread.start()

    def submit(self, ticket: int, numbers: tuple[int, ...]) -> None:
        """Ask for samples under a ticket."""
        with self._news:
            self._wanted[ticket] = None
            self._schedule.add(Task(ticket=ticket, numbers=numbers))
            self._hand_out()

    def ready(self, ticket: int) -> bool:
        """Return whether `take` would return, or raise, at once."""
        with self._news:
            return self._wanted[ticket] is not None or self._fault is not None or self._closing

    def take(self, ticket: int) -> list[ClipSample]:
        """Wait for the samples of a ticket."""
        with self._news:
            while (outcome := self._wanted[ticket]) is None:
                if self._fault is not None:
                    raise self._fault
                if self._closing or not self._thread.is_alive():
                    raise RuntimeError("the pool of workers is closed, or belongs to another process")
                self._news.wait(_SECONDS_BETWEEN_LOOKS_AT_THE_THREAD)
            del self._wanted[ticket]
        return outcome()

    def forget(self) -> None:
        """Let all tickets be void."""
        with self._news:
            self._wanted.clear()
            self._schedule.forget()

    def close(self) -> None:
        """End the workers, within seconds; in a fork of the process that has them, do nothing."""
        if os.getpid() == self._pid and not self._closing:
            self._closing = True
            with suppress(OSError):  # nobody is there any more
                self._wake.send(b"!")
            if threading.current_thread() is not self._thread:
                self._thread.join(_SECONDS_TO_CLOSE)

    def _look_after(self) -> None:
        try:
            with self._news:
                self._workers += [self._hire(seat) for seat in range(len(self._vain))]
            looked = time.monotonic()
            while not self._closing:
                heard = {key.data for key, _ in self._selector.select(self._tick_seconds)}
                now = time.monotonic()
                with self._news:
                    if now - looked >= self._tick_seconds:
                        # A process that was suspended may not hold the time against its workers, which were so too.
                        self._look_at_all(min(now - looked, 2 * self._tick_seconds))
                        looked = now
                    else:
                        self._listen(heard)
                    self._hand_out()
                    self._news.notify_all()
        except BaseException as error:
            self._fault = error
        finally:
            self._dismiss()

    def _listen(self, heard: set[int | None]) -> None:
        for seat, worker in enumerate(self._workers):
            if seat in heard:
                for letter in worker.letters():
                    self._take_in(seat, worker, letter)
                if worker.ended:
                    self._look_at(seat, worker, 0.0)

    def _look_at_all(self, seconds: float) -> None:
        for seat, worker in enumerate(self._workers):
            self._look_at(seat, worker, seconds)

    def _look_at(self, seat: int, worker: Worker, seconds: float) -> None:
        lost = worker.is_lost()
        for letter in worker.letters():
            self._take_in(seat, worker, letter)
        if lost:
            self._replace(seat, worker)
        else:
            worker.watch(seconds, self._deadline_seconds)

    def _hire(self, seat: int) -> Worker:
        try:
            worker = Worker(self._memory, self._memory_bytes)
        except OSError as error:
            raise TrainingError(
                f"a worker process cannot be started (data.workers={len(self._vain)}): {error}"
            ) from error
        self._selector.register(worker.connection, selectors.EVENT_READ, seat)
        return worker

    def _hand_out(self) -> None:
        while True:
            in_hand = [task for worker in self._workers for task in worker.in_hand]
            able = [worker for worker in self._workers if worker.ready and len(worker.in_hand) < TASKS_IN_HAND]
            if not able or any(task.alone for task in in_hand):
                return
            task = self._schedule.next(len(in_hand))
            if task is None:
                return
            min(able, key=lambda worker: len(worker.in_hand)).give(task, list(self._shunned.items()))

    def _take_in(self, seat: int, worker: Worker, letter: Letter) -> None:
        if letter.kind == b"r":
            worker.ready = True
        elif letter.kind == b"u":
            raise TrainingError(f"worker processes cannot start ({_ADVICE}): {letter.content.decode().rstrip()}")
        elif letter.kind == b"l":
            name, level, text = pickle.loads(letter.content)  # noqa: S301 - from our own worker
            logging.getLogger(name).log(level, "worker %d: %s", worker.pid, text)
        else:
            lease = worker.lease(letter)
            task = worker.in_hand.popleft()
            self._schedule.clear(task)
            self._vain[seat] = 0
            if letter.kind == b"e":
                self._settle(task, partial(_raise_theirs, letter.content, worker.pid))
            else:
                self._shunned_in_a_row = 0
                self._settle(task, partial(unpack, letter.content, None if lease is None else lease.bytes_N))

    def _settle(self, task: Task, outcome: _Outcome) -> None:
        if task.ticket in self._wanted:
            self._wanted[task.ticket] = outcome

    def _replace(self, seat: int, worker: Worker) -> None:
        how, words, key = worker.how_it_ended(), worker.last_words(), worker.place.key
        doing = worker.in_hand[0] if worker.in_hand else None
        over = "" if doing is None else f" over samples {_listed(doing.numbers)}" + (f", clip {key}" if key else "")
        said = f"; it said:\n{words}" if words else ""
        _LOG.warning("worker process %d was lost%s: it %s; another takes its place%s", worker.pid, over, how, said)
        if doing is None:
            self._vain[seat] += 1
            if self._vain[seat] >= self._attempts:
                raise TrainingError(
                    f"worker processes do not stay alive (data.workers={len(self._vain)}): {self._vain[seat]} in a row "
                    f"were lost without a task in hand; the last one {how}{said}"
                )
        for task in worker.in_hand:
            if task.ticket in self._wanted:
                if task is doing and worker.hung_over in (None, task):
                    self._blame(task, key, how)
                else:
                    self._schedule.add(task)
        self._selector.unregister(worker.connection)
        worker.close()
        self._workers[seat] = self._hire(seat)

    def _blame(self, task: Task, key: str | None, how: str) -> None:
        """Count a loss against a clip or a task, and have the samples made again unless there is no way left."""
        losses = self._schedule.blame(task, key)
        confirmed, told = losses >= self._attempts, task.alone and key in self._shunned
        if confirmed and (key is None or told):
            what = f"clip {key}, which it was told to shun" if key else "no clip"
            problem = TrainingError(
                f"samples {_listed(task.numbers)} cannot be made: {losses} worker processes were lost over them while "
                f"they read {what}; the last one {how}. {_ADVICE}"
            )
            self._settle(task, partial(_raise, problem))
            return
        if confirmed and key is not None and key not in self._shunned:
            self._shunned_in_a_row += 1
            if self._shunned_in_a_row >= _MOST_IN_A_ROW:
                self._shunned_in_a_row = 0
                problem = TrainingError(
                    f"{_MOST_IN_A_ROW} clips in a row cost {losses} worker processes each, the last one, {key}, {how}: "
                    f"it is the place they lie in, or the machine, rather than the clips. {_ADVICE}"
                )
                self._settle(task, partial(_raise, problem))
                return
            self._shunned[key] = f"reading it cost {losses} worker processes; the last one {how}"
            self._source.shun(key, self._shunned[key])
        task.alone = True
        self._schedule.add(task)

    def _dismiss(self) -> None:
        until = time.monotonic() + _SECONDS_TO_CLOSE / 2
        with self._news:
            for worker in self._workers:
                worker.kill()
            for worker in self._workers:
                worker.close(max(0.0, until - time.monotonic()))
            self._workers.clear()
            self._wanted = dict.fromkeys(self._wanted)
            os.close(self._memory)
            for held in (self._selector, self._wake, self._woken):
                held.close()
            self._news.notify_all()


def _in_memory(content: bytes) -> tuple[int, int]:
    """Return a descriptor of memory that holds `content`, and its size."""
    memory = new_block(len(content))
    Block(memory, len(content)).bytes_N.data[:] = content
    return memory, len(content)


def _listed(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers[:4])) + (f" and {len(numbers) - 4} more" if len(numbers) > 4 else "")


def _raise(error: BaseException) -> NoReturn:
    raise error


def _raise_theirs(content: bytes, pid: int) -> NoReturn:
    """Raise an exception of a worker, with its traceback there."""
    error, told = pickle.loads(content)  # noqa: S301 - from our own worker
    error.add_note(f"raised in worker process {pid}:\n{told}")
    raise error
