"""What a worker process does: it makes the samples it is asked for and lays their arrays into shared memory.

Blocks of memory are kept and used again when the pool gives them back, as it does when nobody looks at their arrays any
more: writing into fresh memory took twenty times as long and more where it was measured.

A worker says `r` (ready), `u` (cannot start, and why), `s` (samples of a task), `e` (an exception instead) and `l` (a
line for the log).
"""

import logging
import os
import pickle
import socket
import threading
import traceback

import cv2
import torch

from densewalk.datasets.errors import DensewalkError
from densewalk.datasets.loading.letters import Letter, Letterbox, pack, place_arrays, room_for, send
from densewalk.datasets.loading.place import Place, be_seen_at
from densewalk.datasets.loading.shared_memory import Block, new_block
from densewalk.datasets.samples import SampleSource

__all__ = ["make_samples"]

_SMALLEST_BLOCK = 1 << 16


def make_samples(connection: socket.socket, source: int, source_bytes: int, page: int) -> None:
    """Make samples until the other side lets go of the connection."""
    post = _Post(connection)
    be_seen_at(Place(page))
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        maker = _Maker(pickle.loads(Block(source, source_bytes).bytes_N.data), post)  # noqa: S301 - our pool's
    except BaseException as error:
        is_told = isinstance(error, DensewalkError)
        why = str(error) if is_told else f"their source has to be importable and picklable\n{traceback.format_exc()}"
        post.send(Letter(kind=b"u", content=why.encode(errors="replace")))
        raise
    os.close(source)
    os.close(page)
    logging.getLogger().addHandler(_ToThePool(post))
    post.send(Letter(kind=b"r"))
    box = Letterbox(connection)
    while not box.ended:
        for letter in box.empty():
            maker.work(letter)


class _Post:
    """Sends letters, from any thread."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def send(self, letter: Letter) -> None:
        with self._lock:
            send(self._connection, letter)


class _ToThePool(logging.Handler):
    """Hands warnings to the pool, whose process has the log."""

    def __init__(self, post: _Post) -> None:
        super().__init__(logging.WARNING)
        self._post = post

    def emit(self, record: logging.LogRecord) -> None:
        content = pickle.dumps((record.name, record.levelno, self.format(record)))
        self._post.send(Letter(kind=b"l", content=content))


class _Maker:
    """Makes samples and owns the memory they are handed over in."""

    def __init__(self, source: SampleSource, post: _Post) -> None:
        self._source = source
        self._post = post
        self._blocks: dict[int, Block] = {}
        self._free: set[int] = set()

    def work(self, letter: Letter) -> None:
        """Make the samples of one task."""
        numbers, shunned, returned = pickle.loads(letter.content)  # noqa: S301 - from our own pool
        self._free.update(returned)
        for key, reason in shunned:
            self._source.shun(key, reason)
        try:
            content, arrays = pack(self._source.samples(numbers))
            slot, memory = self._room(room_for(arrays))
        except Exception as error:
            self._post.send(Letter(kind=b"e", ticket=letter.ticket, content=_pickled(error)))
            return
        capacity = 0
        if slot is not None:
            capacity = self._blocks[slot].size
            place_arrays(arrays, self._blocks[slot].bytes_N)
        self._post.send(
            Letter(kind=b"s", ticket=letter.ticket, slot=slot or 0, capacity=capacity, content=content, memory=memory)
        )
        if memory is not None:
            os.close(memory)

    def _room(self, size: int) -> tuple[int | None, int | None]:
        """Return a block with room for `size` bytes, now in use, and its descriptor if the pool does not know it."""
        if size == 0:
            return None, None
        fitting = [slot for slot in self._free if self._blocks[slot].size >= size]
        if fitting:
            slot = min(fitting, key=lambda slot: self._blocks[slot].size)
            self._free.remove(slot)
            return slot, None
        slot = min(self._free, key=lambda slot: self._blocks[slot].size, default=len(self._blocks))
        self._free.discard(slot)
        capacity = max(_SMALLEST_BLOCK, 1 << (size - 1).bit_length())  # what is not written to takes no memory
        memory = new_block(capacity)
        self._blocks[slot] = Block(memory, capacity)
        return slot, memory


def _pickled(error: Exception) -> bytes:
    """Return an exception and its traceback; as a `RuntimeError` with its text if it cannot be pickled."""
    told = "".join(traceback.format_exception(error))
    try:
        content = pickle.dumps((error, told))
        pickle.loads(content)  # noqa: S301 - just pickled; exceptions with arguments of their own fail only here
    except Exception:
        content = pickle.dumps((RuntimeError(f"{type(error).__name__}: {error}"), told))
    return content
