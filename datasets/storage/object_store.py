"""Objects of s3://, gs:// and hf:// addresses through the store's own client library.

The length and ETag (generation, blob) of an object are asked once in a process, ranges are held against its length; a
whole object is asked about again behind its last range, so that a copy is never put together from two versions.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

from densewalk.datasets.errors import ConfigError, DataError, DensewalkError
from densewalk.datasets.storage.config import CacheConfig
from densewalk.datasets.storage.object_filesystem import (
    IDENTITIES,
    UnansweredError,
    ask,
    complaint_of,
    open_filesystem,
    place_in_store,
)
from densewalk.datasets.storage.persistence import PassingFaultError, Persistence
from densewalk.datasets.storage.remote import Count, Version
from densewalk.datasets.storage.timed_socket import LEAST_BYTES_PER_SECOND

__all__ = ["ObjectStore"]

_RANGE_BYTES = 8 << 20
_Value = TypeVar("_Value")


class ObjectStore:
    """Objects below a prefix."""

    def __init__(self, location: str, config: CacheConfig) -> None:
        self._root = place_in_store(location)
        self._location, self._config = location.rstrip("/"), config
        self._versions: dict[str, Version] = {}
        self._files()  # a missing package is told at once, not by a worker

    def __reduce__(self) -> tuple[type["ObjectStore"], tuple[str, CacheConfig]]:
        return ObjectStore, (self._location, self._config)

    @property
    def name(self) -> str:
        """The address."""
        return self._location

    def names(self, below: str) -> list[str]:
        """Return the names of all objects below a prefix, sorted."""
        prefix = f"{self._root}/{below}".rstrip("/")
        persistence = self._persistence(below, lambda _name, _size: None)
        found = self._insist(below, lambda files: files.find(prefix), persistence)
        return sorted(path[len(self._root) + 1 :] for path in found if not path.endswith("/"))

    def version(self, name: str) -> Version:
        """Return which content an object has."""
        if name not in self._versions:
            self._versions[name] = self._looked_up(name, lambda _name, _size: None)
        return self._versions[name]

    def chunks(self, name: str, start: int, size: int | None, count: Count) -> Iterator[bytes]:
        """Yield the bytes of an object from `start`, None: to its end."""
        version = self.version(name)
        stop = version.total if size is None else start + size
        if stop > version.total:
            raise DataError(f"{self._url(name)} ends at byte {version.total}; expected {size} bytes from byte {start}")
        persistence = self._persistence(name, count)
        for at in range(start, stop, _RANGE_BYTES):
            end = min(at + _RANGE_BYTES, stop)
            chunk = self._insist(name, partial(_cut, path=self._path(name), start=at, end=end), persistence, end - at)
            persistence.gained(len(chunk))
            yield chunk
        if size is None and (now := self._looked_up(name, count)) != version:
            raise DataError(
                f"{self._url(name)} changed while it was read: it was {version.stamp}, now {now.stamp}; start again "
                "when it stays as it is"
            )

    def _looked_up(self, name: str, count: Count) -> Version:
        path, persistence = self._path(name), self._persistence(name, count)
        info = self._insist(name, lambda files: files.info(path), persistence)
        if info.get("type") == "directory" or info.get("size") is None:
            raise DataError(f"{self._url(name)} is absent: a prefix, not an object")
        identity = next((str(info[key]) for key in IDENTITIES if info.get(key)), "")
        return Version(int(info["size"]), identity)

    def _insist(self, name: str, call: Callable[[Any], _Value], persistence: Persistence, size: int = 0) -> _Value:
        """Return what the client library answers; `size`: bytes that are asked for."""
        while True:
            try:
                seconds = self._config.stall_seconds + size / LEAST_BYTES_PER_SECOND
                return ask(partial(call, self._files()), min(seconds, persistence.left()))
            except PassingFaultError as fault:
                persistence.pause(fault)
            except UnansweredError as error:
                persistence.pause(PassingFaultError(str(error)))
            except DensewalkError:
                raise
            except Exception as error:
                persistence.pause(self._translated(error, name))

    def _translated(self, error: Exception, name: str) -> PassingFaultError:
        """Return a fault that may pass; raises what an exception of a client library means otherwise."""
        said = f"{type(error).__name__}: {error}"
        match complaint_of(error):
            case "fault of code":
                raise error
            case "no keys":
                raise ConfigError(
                    f"{self._location}: {said}; give the SDK its keys, or set data.cache.storage.anonymous=true for a "
                    "public bucket"
                ) from error
            case "bad address":
                raise ConfigError(f"{self._location}: {said}") from error
            case "absent":
                raise DataError(f"{self._url(name)} is absent ({said})") from error
            case "refused":
                raise DataError(f"{self._url(name)} is refused ({said}); use keys that may read there") from error
        return PassingFaultError(said)

    def _files(self) -> Any:
        """Return the file system, which fsspec makes once for each thread of a process."""
        return open_filesystem(self._location, self._config.storage, stall_seconds=self._config.stall_seconds)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _url(self, name: str) -> str:
        return f"{self._location}/{name}".rstrip("/")

    def _persistence(self, name: str, count: Count) -> Persistence:
        return Persistence(self._url(name), self._config, lambda: count("retries", 1))


def _cut(files: Any, *, path: str, start: int, end: int) -> bytes:
    content = files.cat_file(path, start=start, end=end)
    if len(content) != end - start:
        raise PassingFaultError(f"{len(content)} bytes came for {start} to {end}")
    return bytes(content)
