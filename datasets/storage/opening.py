"""A store by the place it is at: a folder, a web server, an object store."""

from collections.abc import Callable
from pathlib import Path

from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.storage.cached_store import CachedStore
from densewalk.datasets.storage.config import CacheConfig
from densewalk.datasets.storage.folder_store import FolderStore
from densewalk.datasets.storage.object_filesystem import STORES
from densewalk.datasets.storage.object_store import ObjectStore
from densewalk.datasets.storage.remote import Remote
from densewalk.datasets.storage.store import Store
from densewalk.datasets.storage.tally import Tally
from densewalk.datasets.storage.web_store import WebStore

__all__ = ["open_store"]

_REMOTES: dict[str, Callable[[str, CacheConfig], Remote]] = {
    "http": WebStore,
    "https": WebStore,
    **dict.fromkeys(STORES, ObjectStore),
}


def open_store(location: str | Path, cache: CacheConfig) -> Store:
    """Return the store of a folder or of an http, https, s3, gs or hf address.

    Raises `DataError` when there is no such folder and `ConfigError` for an address of another kind or when a store's
    package is missing. A remote place is not asked yet.
    """
    scheme, separator, _ = str(location).partition("://")
    if not separator:
        folder = Path(location).expanduser().absolute()
        if not folder.is_dir():
            raise DataError(f"there is no folder {folder}")
        return FolderStore(folder)
    if scheme.lower() not in _REMOTES:
        known = ", ".join(f"{known}://" for known in _REMOTES)
        raise ConfigError(f"{scheme}:// is no place to read from; expected a folder or one of {known}")
    remote = _REMOTES[scheme.lower()](str(location), cache)
    return CachedStore(remote, cache, Tally.begin(cache.place / "counts"))
