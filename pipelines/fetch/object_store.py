"""s3://, gs:// and hf:// through fsspec, in ranges of fixed size, each with a deadline.

The client libraries spread requests and repeat throttled ones themselves, so objects take no turns at a host. An
object is identified (ETag, generation, size) before its first range and again behind its last, so that a file is never
put together from two versions.
"""

from collections.abc import Callable, Iterator
from functools import partial as partial_call
from pathlib import Path
from typing import Any, TypeVar

from densewalk.datasets.errors import ConfigError
from densewalk.datasets.storage.object_filesystem import (
    IDENTITIES,
    Complaint,
    UnansweredError,
    ask,
    complaint_of,
    open_filesystem,
)
from densewalk.pipelines.fetch.errand import Clock, Errand
from densewalk.pipelines.fetch.faults import FetchFault
from densewalk.pipelines.fetch.partial import Notes, Partial, held_partial

__all__ = ["download"]

_RANGE_BYTES = 4 << 20
_REASONS: dict[Complaint, str] = {
    "bad address": "bad address",
    "absent": "gone",
    "refused": "refused by host",
    "busy": "host busy",
    "network": "network fault",
}
_Value = TypeVar("_Value")


def download(uri: str, path: Path, errand: Errand) -> None:
    """Bring an object to `path`; raises `FetchFault`, and `ConfigError` when a package or the keys are missing."""
    with held_partial(path, errand.clock) as partial:
        if path.is_file():
            partial.discard()
            return
        filesystem = open_filesystem(uri, errand.config.storage, stall_seconds=errand.config.stall_seconds)
        errand.persist(lambda: _attempt(filesystem, uri, partial, errand), lambda: partial.size)


def _attempt(filesystem: Any, uri: str, partial: Partial, errand: Errand) -> None:
    notes = _identified(filesystem, uri, errand)
    if partial.notes != notes:
        partial.begin(notes)
    partial.append(_ranges(filesystem, uri, partial, errand.clock))
    if _identified(filesystem, uri, errand) != notes:
        partial.begin(Notes())
        raise FetchFault("changed while read", f"it was {notes.validator}, {notes.total} bytes", again=True)
    partial.finish(errand.config.max_bytes)


def _identified(filesystem: Any, uri: str, errand: Errand) -> Notes:
    """Return what the object is now; raises `FetchFault` unless it is one of a size that is wanted."""
    info = _asked(lambda: filesystem.info(uri), errand.clock)
    size = info.get("size")
    if info.get("type") == "directory" or size is None:
        raise FetchFault("not a video answer", "a prefix, not an object")
    if size > errand.config.max_bytes:
        raise FetchFault("too large", f"{size} bytes; fetch.max_bytes={errand.config.max_bytes}")
    if not size:
        raise FetchFault("empty answer", "0 bytes")
    return Notes(" ".join(f"{name}={info[name]}" for name in IDENTITIES if info.get(name)), int(size))


def _ranges(filesystem: Any, uri: str, partial: Partial, clock: Clock) -> Iterator[bytes]:
    total = partial.notes.total or 0
    while (start := partial.size) < total:
        end = min(start + _RANGE_BYTES, total)
        chunk = _asked(partial_call(filesystem.cat_file, uri, start=start, end=end), clock)
        if len(chunk) != end - start:
            raise FetchFault("network fault", f"{len(chunk)} bytes for {start} to {end} of {total}", again=True)
        yield chunk


def _asked(call: Callable[[], _Value], clock: Clock) -> _Value:
    """Return what a client library answers in time; raises its complaint as `FetchFault`."""
    try:
        return ask(call, min(clock.stall_seconds, clock.left()))
    except UnansweredError as error:
        raise FetchFault("stalled", f"{error}; fetch.stall_seconds", again=True) from None
    except Exception as error:
        raise _translated(error) from error


def _translated(error: Exception) -> Exception:
    """Return what a client library's exception means; a fault of the code stays what it is."""
    said, complaint = f"{type(error).__name__}: {error}", complaint_of(error)
    if complaint == "fault of code":
        return error
    if complaint == "no keys":
        return ConfigError(f"{said}; give the SDK its keys, or set fetch.storage.anonymous=true for a public bucket")
    return FetchFault(_REASONS[complaint], said, again=complaint in ("busy", "network"))
