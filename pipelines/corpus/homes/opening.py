"""A home by what stands behind --out: a folder, or an address in an object store."""

import hashlib
from pathlib import Path

from densewalk.datasets.errors import ConfigError
from densewalk.datasets.storage.config import StorageConfig
from densewalk.pipelines.corpus.homes.bucket_home import BucketHome
from densewalk.pipelines.corpus.homes.folder_home import FolderHome
from densewalk.pipelines.corpus.homes.home import Home

__all__ = ["open_home"]


def open_home(text: str, work: Path | None = None, storage: StorageConfig | None = None) -> Home:
    """Return the home of a dataset.

    One in a bucket is worked on in the folder `work`, by default `.densewalk/<name>-<hash of the address>` below the
    current one; keep it until the dataset is finished, nodes of a cluster must see it. Raises `ConfigError` for an
    address of an unknown store and for a work folder beside a folder.
    """
    if "://" in text:
        url = text.rstrip("/")
        digest = hashlib.sha256(url.encode()).hexdigest()[:8]
        return BucketHome(url, work or Path(".densewalk") / f"{url.rpartition('/')[2]}-{digest}", storage)
    if work is not None:
        raise ConfigError(f"--work {work} is for a dataset in a bucket; {text} is a folder and holds its own work")
    return FolderHome(Path(text))
