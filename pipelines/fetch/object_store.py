"""s3://, gs:// and hf:// through fsspec, in ranges of fixed size, each with a deadline.

The client libraries spread requests and repeat throttled ones themselves, so objects take no turns at a host. An
object is identified (ETag, generation, size) before its first range and again behind its last, so that a file is never
put together from two versions. Keys of access are found by the SDKs where they always are, never in a configuration.
"""

import errno
import queue
import threading
from collections.abc import Callable, Iterator
from functools import partial as partial_call
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import fsspec

from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.fetch.config import StorageConfig
from densewalk.pipelines.fetch.errand import Clock, Errand
from densewalk.pipelines.fetch.faults import FetchFault
from densewalk.pipelines.fetch.partial import Notes, Partial, held_partial

__all__ = ["STORES", "WITHOUT_KEYS", "download", "open_filesystem"]

STORES = {"s3": "s3", "gs": "gcs", "hf": "hf"}
"""Schemes, and the extra of the package that installs each."""
WITHOUT_KEYS = ("NoCredentialsError", "PartialCredentialsError", "DefaultCredentialsError", "ProfileNotFound")
"""What SDKs call it when they find no keys."""

_RANGE_BYTES = 4 << 20
_IDENTITIES = ("ETag", "etag", "generation", "blob_id", "LastModified", "mtime")
_Value = TypeVar("_Value")


def download(uri: str, path: Path, errand: Errand) -> None:
    """Bring an object to `path`; raises `FetchFault`, and `ConfigError` when a package or the keys are missing."""
    with held_partial(path, errand.clock) as partial:
        if path.is_file():
            partial.discard()
            return
        filesystem = open_filesystem(uri, errand.config.storage, stall_seconds=errand.config.stall_seconds)
        errand.persist(lambda: _attempt(filesystem, uri, partial, errand), lambda: partial.size)


def open_filesystem(uri: str, storage: StorageConfig, *, stall_seconds: float = 30.0) -> Any:
    """Return the fsspec file system of an s3, gs or hf address; raises `ConfigError` naming the extra it needs."""
    scheme = urlsplit(uri).scheme
    options: dict[str, Any] = {"use_listings_cache": False}
    if scheme == "s3":
        patience = {"connect_timeout": stall_seconds, "read_timeout": stall_seconds}
        options |= {"anon": storage.anonymous, "config_kwargs": patience}
    elif storage.anonymous:
        options["token"] = "anon" if scheme == "gs" else False
    if storage.endpoint_url:
        options["endpoint" if scheme == "hf" else "endpoint_url"] = storage.endpoint_url
    try:
        return fsspec.filesystem(scheme, **options)
    except ImportError as error:
        raise ConfigError(f"{uri} needs a package: pip install densewalk[{STORES[scheme]}] ({error})") from error


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
    return Notes(" ".join(f"{name}={info[name]}" for name in _IDENTITIES if info.get(name)), int(size))


def _ranges(filesystem: Any, uri: str, partial: Partial, clock: Clock) -> Iterator[bytes]:
    total = partial.notes.total or 0
    while (start := partial.size) < total:
        end = min(start + _RANGE_BYTES, total)
        chunk = _asked(partial_call(filesystem.cat_file, uri, start=start, end=end), clock)
        if len(chunk) != end - start:
            raise FetchFault("network fault", f"{len(chunk)} bytes for {start} to {end} of {total}", again=True)
        yield chunk


def _asked(call: Callable[[], _Value], clock: Clock) -> _Value:
    """Return what a client library answers in time; raises its complaint as `FetchFault`.

    A call that is late goes on in a thread that nobody listens to any more, until the library's own timeout.
    """
    said: queue.SimpleQueue[tuple[_Value | None, Exception | None]] = queue.SimpleQueue()

    def work() -> None:
        try:
            said.put((call(), None))
        except Exception as error:
            said.put((None, error))

    seconds = min(clock.stall_seconds, clock.left())
    threading.Thread(target=work, daemon=True).start()
    try:
        value, error = said.get(timeout=seconds)
    except queue.Empty:
        raise FetchFault("stalled", f"no answer in {seconds:g} s; fetch.stall_seconds", again=True) from None
    if error is not None:
        raise _translated(error) from error
    return value  # type: ignore[return-value]


def _translated(error: Exception) -> Exception:
    """Return what a client library's exception means; a fault of the code stays what it is."""
    said, name = f"{type(error).__name__}: {error}", type(error).__name__
    if isinstance(error, TypeError | AttributeError | NameError | AssertionError):
        return error
    if isinstance(error, ImportError) or name in WITHOUT_KEYS:
        return ConfigError(f"{said}; give the SDK its keys, or set fetch.storage.anonymous=true for a public bucket")
    reason = "bad address" if name == "ParamValidationError" else _reason(error)
    return FetchFault(reason, said, again=reason in ("host busy", "network fault"))


def _reason(error: Exception) -> str:
    status = getattr(getattr(error, "response", None), "status_code", None) or getattr(error, "code", None)
    if isinstance(error, FileNotFoundError) or status in (404, 410):
        return "gone"
    if isinstance(error, PermissionError) or status in (401, 403):
        return "refused by host"
    if status == 429 or (isinstance(error, OSError) and error.errno == errno.EBUSY):
        return "host busy"
    return "network fault"
