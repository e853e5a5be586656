"""s3://, gs:// and hf:// through fsspec: how a client library is made, asked in time, and what its complaints mean.

Keys of access are found by the SDKs where they always are, never in a configuration.
"""

import errno
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from densewalk.datasets.errors import ConfigError
from densewalk.datasets.loading.place import alive
from densewalk.datasets.storage.config import StorageConfig

__all__ = [
    "IDENTITIES",
    "STORES",
    "WITHOUT_KEYS",
    "Complaint",
    "UnansweredError",
    "ask",
    "code_of",
    "complaint_of",
    "open_filesystem",
    "place_in_store",
    "http_status_of",
]

STORES = {"s3": "s3", "gs": "gcs", "hf": "hf"}
"""Schemes, and the extra of the package that installs each."""
WITHOUT_KEYS = ("NoCredentialsError", "PartialCredentialsError", "DefaultCredentialsError", "ProfileNotFound")
"""What SDKs call it when they find no keys."""
IDENTITIES = ("ETag", "etag", "generation", "blob_id", "LastModified", "mtime")
"""What the stores tell of an object that changes with its content."""

Complaint = Literal["fault of code", "no keys", "bad address", "absent", "refused", "busy", "network"]
"""What an exception of a client library means; the last two may pass."""
_Value = TypeVar("_Value")
_LOOK_SECONDS = 1.0


class UnansweredError(Exception):
    """A client library says nothing in the time it has."""


def place_in_store(url: str, called: str = "") -> str:
    """Return bucket and prefix of an address; raises `ConfigError`, calling it `called`, when it is none."""
    parts = urlsplit(url)
    if parts.scheme not in STORES or not parts.netloc or parts.query or parts.fragment:
        known = ", ".join(f"{scheme}://BUCKET/PREFIX" for scheme in STORES)
        raise ConfigError(f"{called or url} is no place in an object store; expected {known}")
    return f"{parts.netloc}{parts.path}".rstrip("/")


def open_filesystem(uri: str, storage: StorageConfig, *, stall_seconds: float = 30.0) -> Any:
    """Return the fsspec file system of an s3, gs or hf address; raises `ConfigError` naming the extra it needs."""
    import fsspec  # takes a while, and most datasets lie in folders

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


def ask(call: Callable[[], _Value], seconds: float) -> _Value:
    """Return what a client library answers, raise what it raises, and `UnansweredError` when it does neither in time.

    A call that is late goes on in a thread that nobody listens to any more, until the library's own timeout.
    """
    said: queue.SimpleQueue[tuple[_Value | None, Exception | None]] = queue.SimpleQueue()

    def work() -> None:
        try:
            said.put((call(), None))
        except Exception as error:
            said.put((None, error))

    threading.Thread(target=work, daemon=True).start()
    until = time.monotonic() + seconds
    while True:
        alive()
        try:
            value, error = said.get(timeout=min(_LOOK_SECONDS, max(0.0, until - time.monotonic())))
        except queue.Empty:
            if time.monotonic() >= until:
                raise UnansweredError(f"no answer in {seconds:.3g} s") from None
            continue
        if error is not None:
            raise error
        return value  # type: ignore[return-value]


def complaint_of(error: Exception) -> Complaint:
    """Return what an exception of a client library means."""
    name, status = type(error).__name__, http_status_of(error)
    is_busy = status == 429 or (isinstance(error, OSError) and error.errno == errno.EBUSY)
    cases: tuple[tuple[bool, Complaint], ...] = (
        (isinstance(error, TypeError | AttributeError | NameError | AssertionError), "fault of code"),
        (isinstance(error, ImportError) or name in WITHOUT_KEYS, "no keys"),
        (name == "ParamValidationError", "bad address"),
        (isinstance(error, FileNotFoundError) or status in (404, 410), "absent"),
        (isinstance(error, PermissionError) or status in (401, 403), "refused"),
        (is_busy, "busy"),
    )
    return next((complaint for holds, complaint in cases if holds), "network")


def http_status_of(error: BaseException) -> int:
    """Return the HTTP status that an exception of a client library stands for, 0 if none."""
    answer = _answer(error)
    if isinstance(answer, dict):
        return int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    status = getattr(answer, "status_code", None) or getattr(error, "code", None)
    return status if isinstance(status, int) else 0


def code_of(error: BaseException) -> str:
    """Return the word by which S3 calls an error, empty for others."""
    answer = _answer(error)
    return str(answer.get("Error", {}).get("Code", "")) if isinstance(answer, dict) else ""


def _answer(error: BaseException) -> Any:
    return getattr(error, "response", None) or getattr(error.__cause__, "response", None)
