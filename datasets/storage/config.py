"""Settings of reading from places: object stores, web servers, the cache between them and this machine."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from densewalk.datasets.config import require

__all__ = ["CacheConfig", "StorageConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageConfig:
    """How object stores are reached. Keys are never written here: the SDKs read them from where they always do."""

    endpoint_url: str = ""
    """Server of s3:// and hf:// addresses that is not the usual one; empty for the usual one."""
    anonymous: bool = False
    """Whether to read without keys, as public buckets allow."""

    def __post_init__(self) -> None:
        require(
            bool(self.endpoint_url)
            and urlsplit(self.endpoint_url).scheme not in ("http", "https")
            and f"storage.endpoint_url={self.endpoint_url!r} must start with http:// or https:// "
            "(fetch.storage.endpoint_url of a preparation, data.cache.storage.endpoint_url of a training)"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheConfig:
    """How data that is elsewhere is read and what of it is kept on this machine; folders are read in place."""

    folder: Path | None = None
    """Folder for copies of files and for indices, best on a disk of this machine; all processes of a machine share it.
    None: `densewalk` in $XDG_CACHE_HOME or, without that, in ~/.cache."""
    bytes: int = 32 << 30
    """Bound on the copies of all processes together; 0 keeps none. What was used longest ago goes first."""
    read_ahead_bytes: int = 4 << 30
    """How far each training process fetches whole files ahead of what is read; 0 reads in ranges only."""
    downloads: int = 4
    """Files fetched at a time by each training process."""
    stall_seconds: float = 20.0
    """A connection that brings less than 1 KiB a second over this long is given up, as is one not made in that time."""
    deadline_seconds: float = 120.0
    """How long a place may bring nothing, all tries and waits together, before it counts as unreachable."""
    storage: StorageConfig = field(default_factory=StorageConfig)
    """Object stores."""

    def __post_init__(self) -> None:
        require(
            *(
                getattr(self, name) < 0 and f"data.cache.{name}={getattr(self, name)} must not be negative"
                for name in ("bytes", "read_ahead_bytes")
            ),
            self.downloads < 1 and f"data.cache.downloads={self.downloads} must be at least 1",
            not self.stall_seconds > 0 and f"data.cache.stall_seconds={self.stall_seconds:g} must be above 0",
            not self.deadline_seconds >= self.stall_seconds
            and f"data.cache.deadline_seconds={self.deadline_seconds:g} must not be below "
            f"data.cache.stall_seconds={self.stall_seconds:g}, which is the wait for a single answer",
        )

    @property
    def place(self) -> Path:
        """The folder that is used."""
        if self.folder is not None:
            return self.folder.expanduser()
        home = os.environ.get("XDG_CACHE_HOME", "")  # relative ones are to be ignored, says the standard
        return (Path(home) if Path(home).is_absolute() else Path.home() / ".cache") / "densewalk"
