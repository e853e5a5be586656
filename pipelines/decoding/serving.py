"""The child's half of a sandbox: it limits and confines itself, answers requests and ends when the parent does.

A thread listens to the parent, so that its end is noticed in the middle of work.
"""

import json
import os
import queue
import resource
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

from densewalk.pipelines.decoding.confine import confine
from densewalk.pipelines.decoding.sandbox import Answer

__all__ = ["serve"]

_LARGEST_LOG = 1 << 20


def serve(handle: Callable[[Answer], Answer | Iterable[Answer]]) -> None:
    """Answer the parent's requests with `handle` until the parent closes its socket or dies.

    A request that comes with a file has its descriptor as `descriptor`, which is closed afterwards. What `handle`
    raises is a fault of its code and reaches the parent as such.
    """
    settings = json.loads(sys.argv[2])
    _limit(resource.RLIMIT_AS, settings["memory_bytes"])
    _limit(resource.RLIMIT_CORE, 0)
    if settings["writable"] is None:
        _limit(resource.RLIMIT_FSIZE, _LARGEST_LOG)
    unlimited = confine(settings["writable"] and Path(settings["writable"]))
    parent = _Parent(socket.socket(fileno=int(sys.argv[1])))
    parent.say({"unlimited": unlimited})
    while True:
        message, descriptors = parent.hear()
        try:
            request = message["request"] | ({"descriptor": descriptors[0]} if descriptors else {})
            answers = handle(request)
            for answer in [answers] if isinstance(answers, dict) else answers:
                parent.say({"answer": answer})
                if parent.hear() != ({}, []):
                    raise RuntimeError("a second request came while the first was being answered")
            parent.say({})
        except Exception:
            parent.say({"bug": traceback.format_exc()})
        finally:
            for descriptor in descriptors:
                os.close(descriptor)


def _limit(what: int, most: int) -> None:
    """Lower a limit, unless who started this process set a lower one, as batch systems do."""
    _, hard = resource.getrlimit(what)
    lowest = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (lowest, lowest))


class _Parent:
    """The child's end of the dialogue; a thread listens, so that the parent's end is noticed in the middle of work."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._heard: queue.SimpleQueue[tuple[Answer, list[int]]] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def say(self, reply: Answer) -> None:
        self._connection.sendall(json.dumps(reply).encode() + b"\n")

    def hear(self) -> tuple[Answer, list[int]]:
        return self._heard.get()

    def _listen(self) -> None:
        text = b""
        descriptors: list[int] = []
        while True:
            try:
                chunk, received, _, _ = socket.recv_fds(self._connection, 1 << 16, 1)
            except ConnectionResetError:  # it died before it had read an answer
                os._exit(0)
            if not chunk:
                os._exit(0)
            text, descriptors = text + chunk, descriptors + received
            if text.endswith(b"\n"):
                self._heard.put((json.loads(text), descriptors))
                text, descriptors = b"", []
