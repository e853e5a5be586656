"""The process that drives Ray for an engine: `python -m densewalk.cluster.engine.driver DESCRIPTOR`.

Ray's libraries may take the process they run in down with them, and are not made to run one pipeline after another; so
they have a process of their own, which is asked for one pass at a time over a socket and may be replaced at any moment.
When the engine closes the socket or dies, Ray is ended, and if that takes long, this process ends at once and Ray's own
processes with it.
"""

import os
import signal
import socket
import struct
import sys
import threading
import traceback
import warnings
from contextlib import suppress
from typing import Any

__all__ = ["receive", "send"]

_LENGTH = struct.Struct("!Q")
_SECONDS_TO_END = 10.0


def send(connection: socket.socket, message: Any) -> None:
    """Send anything that can be pickled, stages and exceptions of any module included."""
    from ray import cloudpickle

    content = cloudpickle.dumps(message)
    connection.sendall(_LENGTH.pack(len(content)) + content)


def receive(connection: socket.socket) -> Any:
    """Return what the other side sent; raises `EOFError` when it is gone."""
    from ray import cloudpickle

    return cloudpickle.loads(_exactly(connection, _LENGTH.unpack(_exactly(connection, _LENGTH.size))[0]))


def _exactly(connection: socket.socket, count: int) -> bytes:
    content = bytearray()
    while len(content) < count:
        try:
            chunk = connection.recv(min(count - len(content), 1 << 20))
        except ConnectionError:
            chunk = b""
        if not chunk:
            raise EOFError("the other side is gone")
        content += chunk
    return bytes(content)


def main(connection: socket.socket) -> None:
    """Answer requests until the engine is gone."""
    from densewalk.cluster.engine.flowing import run_pass
    from densewalk.cluster.engine.session import start_ray

    settings = receive(connection)
    asked = _Asked(connection)
    try:
        start_ray(settings["address"], num_cpus=settings["cpus"], object_store_bytes=settings["object_store_bytes"])
        send(connection, ("ready", None))
    except Exception as error:
        traceback.print_exc()
        send(connection, ("unready", f"{type(error).__name__}: {error}"))
        return
    while True:
        try:
            for text in run_pass(asked.next()):
                send(connection, ("parcel", text))
            send(connection, ("over", None))
        except BrokenPipeError:
            asked.next()
        except Exception as error:
            traceback.print_exc()
            send(connection, ("fault", error))


class _Asked:
    """Requests of the engine; a thread listens, so that its end is noticed in the middle of a pass."""

    def __init__(self, connection: socket.socket) -> None:
        import queue

        self._connection = connection
        self._tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def next(self) -> Any:
        """Wait for a request; what cannot be unpickled is raised here."""
        task = self._tasks.get()
        if isinstance(task, Exception):
            raise task
        return task

    def _listen(self) -> None:
        while True:
            try:
                self._tasks.put(receive(self._connection))
            except EOFError:
                _end()
            except Exception as error:
                self._tasks.put(error)


def _end() -> None:
    """End Ray and this process, by force when it takes long."""
    timer = threading.Timer(_SECONDS_TO_END, _end_group)
    timer.daemon = True
    timer.start()
    try:
        import ray

        ray.shutdown()
    finally:
        _end_group()


def _end_group() -> None:
    """End this process and all that Ray started in its group: agents of a Ray that was just starting stay a minute."""
    with suppress(ProcessLookupError):  # it leads no group
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the engine says when to stop
    warnings.simplefilter("ignore")
    main(socket.socket(fileno=int(sys.argv[1])))
