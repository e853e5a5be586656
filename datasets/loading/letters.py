"""What passes between a pool and its workers: small letters on a socket, large arrays in memory that both map.

A letter is a kind, a number and pickled content, and may bring the descriptor of memory along. `pack` takes the arrays
out of what is pickled and `unpack` puts them back without a copy, as views of the shared memory. Pickle is safe here:
both ends are this program.

Shapes: N bytes.
"""

import errno
import io
import os
import pickle
import socket
import struct
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8

__all__ = ["Letter", "Letterbox", "pack", "place_arrays", "room_for", "send", "unpack"]

_HEAD = struct.Struct("=cBQQIQ")
_ALIGNMENT = 64
_NOT_INHERITED = getattr(socket, "MSG_CMSG_CLOEXEC", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message."""

    kind: bytes
    """A letter of the alphabet: what the message is."""
    ticket: int = 0
    """The task it is about."""
    slot: int = 0
    """Which of the worker's blocks of memory the arrays of the content lie in."""
    capacity: int = 0
    """Bytes of that block; 0 when there are no arrays."""
    content: bytes = b""
    memory: int | None = None
    """Descriptor of a block that is new to the receiver, who closes it."""


def send(connection: socket.socket, letter: Letter) -> None:
    """Send a letter; blocks when the other side leaves hundreds of letters unread."""
    head = _HEAD.pack(
        letter.kind, letter.memory is not None, letter.ticket, len(letter.content), letter.slot, letter.capacity
    )
    whole = memoryview(head + letter.content)
    sent = socket.send_fds(connection, [whole], [] if letter.memory is None else [letter.memory])
    connection.sendall(whole[sent:])


class Letterbox:
    """The receiving end of a socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._received = bytearray()
        self._descriptors: deque[int] = deque()
        self.ended = False
        """Whether the other side has closed the socket or died."""

    def empty(self) -> list[Letter]:
        """Return the letters that have come; blocks for the first one only on a blocking socket."""
        letters: list[Letter] = []
        while not self.ended:
            try:
                content, descriptors, _, _ = socket.recv_fds(self._connection, 1 << 16, 8, _NOT_INHERITED)
            except BlockingIOError:
                break
            except ConnectionError:
                content, descriptors = b"", []
            self._descriptors.extend(descriptors)
            self._received += content
            self.ended = not content
            letters += self._whole()
            if letters and self._connection.gettimeout() is None:
                break
        return letters

    def close(self) -> None:
        """Close descriptors that came without the end of their letter."""
        while self._descriptors:
            os.close(self._descriptors.popleft())

    def _whole(self) -> list[Letter]:
        letters: list[Letter] = []
        while len(self._received) >= _HEAD.size:
            kind, has_memory, ticket, length, slot, capacity = _HEAD.unpack_from(self._received)
            if len(self._received) < _HEAD.size + length:
                break
            content = bytes(self._received[_HEAD.size : _HEAD.size + length])
            del self._received[: _HEAD.size + length]
            if has_memory and not self._descriptors:
                raise OSError(errno.EMFILE, "too many open files to take samples from workers; raise `ulimit -n`")
            memory = self._descriptors.popleft() if has_memory else None
            letters.append(
                Letter(kind=kind, ticket=ticket, slot=slot, capacity=capacity, content=content, memory=memory)
            )
        return letters


class _Pickler(pickle.Pickler):
    """Leaves every array to the shared memory, tensors and arrays with gaps included."""

    def reducer_override(self, value: Any) -> Any:
        if type(value) is torch.Tensor and value.device.type == "cpu" and value.layout is torch.strided:
            return torch.from_numpy, (value.detach().numpy(),)
        if type(value) is np.ndarray and not (value.flags.c_contiguous or value.flags.f_contiguous):
            return np.ascontiguousarray(value).__reduce_ex__(5)
        return NotImplemented


def pack(value: Any) -> tuple[bytes, list[memoryview]]:
    """Return `value` pickled without its arrays, and the bytes of these."""
    buffers: list[pickle.PickleBuffer] = []
    stream = io.BytesIO()
    _Pickler(stream, protocol=5, buffer_callback=buffers.append).dump(value)
    views = [buffer.raw() for buffer in buffers]
    return pickle.dumps(([view.nbytes for view in views], stream.getvalue()), protocol=5), views


def room_for(arrays: Sequence[memoryview]) -> int:
    """Return how many bytes `place_arrays` fills."""
    return sum(_aligned(array.nbytes) for array in arrays)


def place_arrays(arrays: Sequence[memoryview], memory_N: UInt8[np.ndarray, " n"]) -> None:
    """Copy arrays one after another into shared memory."""
    start = 0
    for array in arrays:
        memory_N[start : start + array.nbytes] = array
        start += _aligned(array.nbytes)


def unpack(content: bytes, memory_N: UInt8[np.ndarray, " n"] | None) -> Any:
    """Return what was packed; its arrays are views of the memory and keep it alive."""
    lengths, pickled = pickle.loads(content)  # noqa: S301 - from our own process
    buffers, start = [], 0
    for length in lengths:
        buffers.append(b"" if memory_N is None else memory_N[start : start + length].data)
        start += _aligned(length)
    return pickle.loads(pickled, buffers=buffers)  # noqa: S301 - from our own process


def _aligned(length: int) -> int:
    return -(-length // _ALIGNMENT) * _ALIGNMENT
