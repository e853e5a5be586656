"""A download in the making: bytes under another name, what they belong to, a lock, and a rename at the end.

    <path>            whole, or not there
    <path>.partial    the bytes that have come
    <path>.notes      locked by who writes; the answer the bytes belong to, so that a later attempt can go on

Bytes are appended only to a file whose notes were written before them, so a process killed at any moment leaves what
the next one continues or starts again, never a mixture.
"""

import contextlib
import json
import os
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from densewalk.datasets.atomic import PARTIAL, atomic_path
from densewalk.datasets.errors import DataError
from densewalk.datasets.file_locks import lock_file
from densewalk.pipelines.fetch.errand import Clock
from densewalk.pipelines.fetch.faults import FetchFault

__all__ = ["Notes", "Partial", "held_partial"]

_POLL_SECONDS = 0.1
_CHUNK_BYTES = 1 << 20
_GZIP_OR_ZLIB = 47


@dataclass(frozen=True, slots=True)
class Notes:
    """Which answer of the host the bytes belong to."""

    validator: str = ""
    """ETag or date of the content; empty when the host names none, so that nothing can be continued."""
    total: int | None = None
    """Bytes of the whole, as the host declares them."""
    encoding: str = "identity"
    """`identity` or `gzip`, which is undone at the end."""


@dataclass(slots=True)
class Partial:
    """The bytes that have come; made by `held_partial`."""

    path: Path
    _lock: int
    size: int = 0
    notes: Notes = field(default_factory=Notes)

    @property
    def is_whole(self) -> bool:
        """Whether as many bytes have come as were declared."""
        return self.size > 0 and self.size == self.notes.total

    def begin(self, notes: Notes) -> None:
        """Start again with no bytes, which will be those of another answer."""
        with _writing(self.path):
            self._temporary.write_bytes(b"")
            self.size = 0
            self.notes = notes
            text = json.dumps(asdict(notes)).encode()
            os.pwrite(self._lock, text, 0)
            os.ftruncate(self._lock, len(text))

    def append(self, chunks: Iterator[bytes]) -> None:
        """Write chunks behind the bytes that have come, as they come."""
        with contextlib.ExitStack() as stack:
            with _writing(self.path):
                file = stack.enter_context(self._temporary.open("ab", buffering=0))
            for chunk in chunks:
                with _writing(self.path):
                    _write_whole(file.fileno(), chunk)
                self.size += len(chunk)

    def adopt(self, file: Path) -> None:
        """Take a whole file of the same file system for the bytes."""
        with _writing(self.path):
            file.replace(self._temporary)
        self.notes = Notes()

    def finish(self, max_bytes: int) -> None:
        """Let the file appear under its name; raises `FetchFault` when it cannot be decoded or grows too large."""
        if self.notes.encoding != "identity":
            self._decode(max_bytes)
        with _writing(self.path), atomic_path(self.path):
            pass
        self.discard()

    def discard(self) -> None:
        """Remove the bytes and the notes."""
        for path in (self._temporary, self._decoded, _notes_path(self.path)):
            path.unlink(missing_ok=True)

    @property
    def _temporary(self) -> Path:
        return self.path.with_name(self.path.name + PARTIAL)

    @property
    def _decoded(self) -> Path:
        return self.path.with_name(self.path.name + ".decoded")

    def _decode(self, max_bytes: int) -> None:
        with self._temporary.open("rb") as file, _writing(self.path), self._decoded.open("wb") as out:
            for chunk in _inflated(iter(lambda: file.read(_CHUNK_BYTES), b"")):
                out.write(chunk)
                if out.tell() > max_bytes:
                    raise FetchFault("too large", f"more than fetch.max_bytes={max_bytes} bytes once decompressed")
        self._decoded.replace(self._temporary)


@contextmanager
def held_partial(path: Path, clock: Clock) -> Iterator[Partial]:
    """Hold the download of `path` for this worker, with the bytes an earlier one left.

    What has come stays when the block ends with a fault that may pass, and goes with any other. Raises `FetchFault`
    when another worker has it until the deadline, `DataError` when the folder cannot be written.
    """
    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _locked(_notes_path(path), clock)
    partial = Partial(path, lock)
    try:
        _recover(partial)
        yield partial
    except FetchFault as fault:
        if not fault.is_retryable or not partial.size:
            partial.discard()
        raise
    finally:
        os.close(lock)


def _recover(partial: Partial) -> None:
    """Take over the bytes that are there, if they are known to belong to something."""
    try:
        partial.notes = Notes(**json.loads(os.pread(partial._lock, 1 << 16, 0)))
        partial.size = partial._temporary.stat().st_size
    except (ValueError, TypeError, OSError):
        partial.notes, partial.size = Notes(), 0


def _locked(path: Path, clock: Clock) -> int:
    """Open and lock the notes."""
    while (handle := lock_file(path)) is None:
        try:
            clock.left()
        except FetchFault as fault:
            raise FetchFault("fetched elsewhere", f"another worker has it; {fault.detail}") from fault
        time.sleep(_POLL_SECONDS)
    return handle


def _notes_path(path: Path) -> Path:
    return path.with_name(path.name + ".notes")


def _write_whole(handle: int, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[os.write(handle, view) :]


def _inflated(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what a gzip or zlib stream holds, at most a fixed number of bytes at a time."""
    inflater, trailing = zlib.decompressobj(_GZIP_OR_ZLIB), False
    try:
        for chunk in chunks:
            waiting, held = chunk, b""
            trailing = inflater.eof
            while not inflater.eof and (waiting or len(held) == _CHUNK_BYTES):
                held = inflater.decompress(waiting, _CHUNK_BYTES)
                waiting = inflater.unconsumed_tail
                yield held
    except zlib.error as error:
        raise FetchFault("unknown encoding", f"declared as compressed, and is not: {error}") from error
    if trailing or inflater.unused_data or not inflater.eof:
        raise FetchFault("unknown encoding", "the compressed stream does not end where the body does")


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turn a full or read-only disk, which concerns every video, into an error that ends the command."""
    try:
        yield
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}; free space or choose another --out") from error
