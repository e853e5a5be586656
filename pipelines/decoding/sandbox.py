"""A killable, confined child process that answers JSON lines: where files from anywhere are parsed.

`Sandbox` starts `python -m module` in a session of its own and talks to it through a socket. A request may come with an
open file, so that the child need not open any; it gives one answer or a stream of them, each made when it is asked
for. A child that dies or is late costs only the request it was working on; the next request starts a fresh one.
The child's half is serving.py. Only JSON crosses, never pickle, and nothing of the environment that could be a secret.
"""

import contextlib
import errno
import json
import logging
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import IO, Any

from densewalk.datasets.child_process import ONE_THREAD, import_path, module_command, signal_name

__all__ = ["Answer", "ChildDiedError", "DeadlinePassedError", "Sandbox", "UnreadableError"]

_LOG = logging.getLogger("densewalk")
_START_SECONDS = 120.0
_LARGEST_ANSWER = 16 << 20
_LAST_WORDS = 2000
_LIVES = 3
"""Children that may be killed from outside over one request, or while they start."""
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONHOME")

Answer = dict[str, Any]
"""What crosses: requests and answers are objects of JSON."""


class ChildDiedError(Exception):
    """The child ended before it answered; the text says how."""

    def __init__(self, text: str, *, killed: bool = False) -> None:
        super().__init__(text)
        self.killed = killed
        """Whether by SIGKILL, which no file can do to its parser, but an operator or a kernel short of memory."""


class DeadlinePassedError(Exception):
    """The child did not answer in time and was killed."""


class UnreadableError(Exception):
    """The file cannot be opened; the text says why."""


class Sandbox:
    """One child process, started at the first request and again after each loss.

    The child can write below `writable` only (made if absent, and to be left in place), or nowhere.
    """

    def __init__(
        self, module: str, *, deadline_seconds: float, memory_bytes: int, writable: Path | None = None
    ) -> None:
        self.module = module
        self.deadline_seconds = deadline_seconds
        self.memory_bytes = memory_bytes
        self.writable = writable
        self._child: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._errors: IO[bytes] | None = None
        self._received = b""

    def call(self, request: Answer, *, file: Path | None = None) -> Answer:
        """Return the one answer to a request; raises what `stream` raises.

        A child that is killed from outside is replaced and asked again, three times in all.
        """
        for _ in range(_LIVES - 1):
            try:
                (answer,) = self.stream(request, file=file)
            except ChildDiedError as error:
                if not error.killed:
                    raise
            else:
                return answer
        (answer,) = self.stream(request, file=file)
        return answer

    def stream(self, request: Answer, *, file: Path | None = None) -> Iterator[Answer]:
        """Yield the child's answers; it works on the next one only while that is waited for.

        `file` is opened here and its descriptor reaches the handler as `request["descriptor"]`. The deadline is for all
        answers together and leaves out the time the caller takes between them. Leaving early ends the child. One
        stream at a time. Raises `ChildDiedError`, `DeadlinePassedError` or `UnreadableError`, which concern this
        request alone, and `RuntimeError` when the child cannot be started or its own code is at fault.
        """
        with contextlib.ExitStack() as stack:
            files = [] if file is None else [_opened_file(file, stack)]
            try:
                if self._child is None:
                    self.start()
                yield from self._exchange(request, files)
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Kill the child, if there is one."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
        for held in (self._socket, self._errors):
            if held is not None:
                held.close()
        self._child, self._socket, self._errors, self._received = None, None, None, b""

    def start(self) -> list[str]:
        """Start the child; return what this machine cannot keep it from: nothing, or some of `files`, `system calls`.

        A request starts it too. Raises `RuntimeError` when it cannot be started; one that is killed from outside
        meanwhile is started again.
        """
        for life in range(1, _LIVES + 1):
            try:
                self._launch()
                unlimited = self._receive(_START_SECONDS)["unlimited"]
                break
            except (ChildDiedError, DeadlinePassedError) as error:
                self.close()
                if life == _LIVES or not getattr(error, "killed", False):
                    raise RuntimeError(f"{self.module} did not start: {error}") from error
        for what in unlimited:
            _warn_once(what)
        return list(unlimited)

    def _launch(self) -> None:
        if self.writable is not None:
            self.writable.mkdir(parents=True, exist_ok=True)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the child
        self._socket, theirs = socket.socketpair()
        settings = {"memory_bytes": self.memory_bytes, "writable": self.writable and str(self.writable.resolve())}
        with theirs:
            self._child = subprocess.Popen(
                module_command(self.module, theirs.fileno(), json.dumps(settings)),
                stdin=subprocess.DEVNULL,
                stdout=self._errors,
                stderr=self._errors,
                pass_fds=(theirs.fileno(),),
                env={name: value for name, value in os.environ.items() if name in _PASSED_ON}
                | ONE_THREAD
                | import_path(),
                start_new_session=True,
            )

    def _exchange(self, request: Answer, files: list[int]) -> Iterator[Answer]:
        left = self.deadline_seconds
        message, descriptors = {"request": request}, files
        while True:
            asked = time.monotonic()
            self._send(message, descriptors)
            reply = self._receive(left)
            left -= time.monotonic() - asked
            if "bug" in reply:
                raise RuntimeError(f"{self.module} failed on {request}:\n{reply['bug']}")
            if "answer" not in reply:
                return
            yield reply["answer"]
            message, descriptors = {}, []

    def _send(self, message: Answer, descriptors: list[int]) -> None:
        assert self._socket is not None
        try:
            socket.send_fds(self._socket, [json.dumps(message).encode() + b"\n"], descriptors)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise self._death() from error

    def _receive(self, seconds: float) -> Answer:
        assert self._socket is not None
        deadline = time.monotonic() + seconds
        while b"\n" not in self._received:
            self._socket.settimeout(max(deadline - time.monotonic(), 1e-3))
            try:
                chunk = self._socket.recv(1 << 16)
            except TimeoutError as error:
                raise DeadlinePassedError(f"no answer within {self.deadline_seconds:g} s") from error
            except ConnectionResetError:
                chunk = b""
            if not chunk:
                raise self._death()
            self._received += chunk
            if len(self._received) > _LARGEST_ANSWER:
                raise ChildDiedError(f"answered with more than {_LARGEST_ANSWER} bytes")
        line, _, self._received = self._received.partition(b"\n")
        try:
            reply = json.loads(line)
        except ValueError as error:
            raise ChildDiedError(f"answered with something else than JSON: {line[:80]!r}") from error
        if not isinstance(reply, dict) or not isinstance(reply.get("answer", {}), dict):
            raise ChildDiedError(f"answered with something else than an object: {line[:80]!r}")
        return reply

    def _death(self) -> ChildDiedError:
        """Return how the child ended, with what it said last."""
        assert self._child is not None
        assert self._errors is not None
        try:
            code = self._child.wait(10)
        except subprocess.TimeoutExpired:
            return ChildDiedError("it closed its socket and went on")
        how = f"killed by {signal_name(-code)}" if code < 0 else f"exit code {code}"
        self._errors.seek(max(0, self._errors.seek(0, os.SEEK_END) - _LAST_WORDS))
        said = self._errors.read().decode(errors="replace").strip()
        return ChildDiedError(f"{how}: {said}" if said else how, killed=code == -signal.SIGKILL)


@cache
def _warn_once(what: str) -> None:
    _LOG.warning("this kernel cannot keep media parsers from other %s; they run with the rights of this process", what)


def _opened_file(file: Path, stack: contextlib.ExitStack) -> int:
    """Open a file without waiting, should it be a pipe or a device."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):
            raise
        raise UnreadableError(error.strerror or repr(error)) from error
    stack.callback(os.close, descriptor)
    return descriptor
