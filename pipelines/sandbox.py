"""A killable child process that answers JSON lines: where files from anywhere are parsed.

`Sandbox` starts `python -m module` in a session of its own, sends one request a line and waits for one answer a line
until a deadline. A child that dies or is late costs only the request it was working on; the next call starts a fresh
one. `serve` is the child's half: it limits its memory, answers requests and ends when the parent does, because the
parent's end of its input closes then. Only JSON crosses, never pickle.
"""

import contextlib
import json
import os
import queue
import resource
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from typing import IO, Any

__all__ = ["ChildDiedError", "DeadlinePassedError", "Sandbox", "serve"]

_START_SECONDS = 120.0


class ChildDiedError(Exception):
    """The child ended before it answered; the text says how."""


class DeadlinePassedError(Exception):
    """The child did not answer in time and was killed."""


class Sandbox:
    """One child process, started at the first call and again after each loss."""

    def __init__(self, module: str, *, deadline_seconds: float, memory_bytes: int) -> None:
        self.module = module
        self.deadline_seconds = deadline_seconds
        self.memory_bytes = memory_bytes
        self._child: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._received = b""

    def call(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the child's answer.

        Raises `ChildDiedError` or `DeadlinePassedError`, which concern this request alone, and `RuntimeError`
        when the child cannot be started or its own code is at fault.
        """
        try:
            child = self._child or self._start()
            answer = self._exchange(child, request)
        except BaseException:
            self.close()
            raise
        if "bug" in answer:
            raise RuntimeError(f"{self.module} failed on {request}:\n{answer['bug']}")
        return answer

    def close(self) -> None:
        """Kill the child, if there is one."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            for stream in (self._child.stdin, self._child.stdout, self._errors):
                if stream is not None:
                    with contextlib.suppress(BrokenPipeError):
                        stream.close()
        self._child, self._errors, self._received = None, None, b""

    def _start(self) -> subprocess.Popen[bytes]:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the child
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", self.module, str(self.memory_bytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,
        )
        try:
            self._answer(self._child, time.monotonic() + _START_SECONDS)
        except (ChildDiedError, DeadlinePassedError) as error:
            raise RuntimeError(f"{self.module} did not start: {error}") from error
        return self._child

    def _exchange(self, child: subprocess.Popen[bytes], request: dict[str, Any]) -> dict[str, Any]:
        assert child.stdin is not None
        try:
            child.stdin.write(json.dumps(request).encode() + b"\n")
            child.stdin.flush()
        except BrokenPipeError as error:
            raise ChildDiedError(self._last_words(child)) from error
        return self._answer(child, time.monotonic() + self.deadline_seconds)

    def _answer(self, child: subprocess.Popen[bytes], deadline: float) -> dict[str, Any]:
        assert child.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(child.stdout, selectors.EVENT_READ)
            while b"\n" not in self._received:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise DeadlinePassedError(f"no answer within {self.deadline_seconds:g} s")
                if not selector.select(left):
                    continue
                chunk = os.read(child.stdout.fileno(), 1 << 16)
                if not chunk:
                    raise ChildDiedError(self._last_words(child))
                self._received += chunk
        line, _, self._received = self._received.partition(b"\n")
        try:
            answer = json.loads(line)
        except ValueError as error:
            raise ChildDiedError(f"answered with something else than JSON: {line[:80]!r}") from error
        if not isinstance(answer, dict):
            raise ChildDiedError(f"answered with a {type(answer).__name__}, not an object")
        return answer

    def _last_words(self, child: subprocess.Popen[bytes]) -> str:
        code = child.wait()
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        assert self._errors is not None
        self._errors.seek(0)
        said = self._errors.read()[-2000:].decode(errors="replace").strip()
        return f"{how}: {said}" if said else how


def serve(handle: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Answer the parent's requests with `handle` until the parent closes the pipe or dies.

    What `handle` raises is a fault of its code and reaches the parent as such.
    """
    memory_bytes = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints must not look like an answer
    requests: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    _say(answers, {"ready": True})
    while True:
        request = json.loads(requests.get())
        try:
            answer = handle(request)
        except Exception:
            answer = {"bug": traceback.format_exc()}
        _say(answers, answer)


def _listen(requests: "queue.SimpleQueue[str]") -> None:
    """Read requests in a thread of their own, so that the parent's end is noticed in the middle of work."""
    for line in sys.stdin:
        requests.put(line)
    os._exit(0)


def _say(answers: IO[str], answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()
