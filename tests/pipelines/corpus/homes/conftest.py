"""A store on this machine that fails as told, and homes in it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from densewalk.datasets.storage.config import StorageConfig
from densewalk.pipelines.corpus.homes.bucket import Bucket
from densewalk.pipelines.corpus.homes.bucket_home import BucketHome
from densewalk.pipelines.corpus.homes.patience import Patience
from tests.faulty_store import FaultyStore, moto_server

HASTE = Patience(seconds=20.0, first_wait_seconds=0.01)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Serve S3 with the bucket `corpora`."""
    with moto_server("corpora") as url:
        yield url


@pytest.fixture
def store(server: str) -> Iterator[FaultyStore]:
    """Stand before the server; passes everything on until told otherwise."""
    with FaultyStore(server) as store:
        yield store


@pytest.fixture
def url(tmp_path: Path) -> str:
    """An address that no other test uses."""
    return f"s3://corpora/{tmp_path.name}"


@pytest.fixture
def bucket(store: FaultyStore, url: str) -> Bucket:
    """The objects below the address."""
    return Bucket(url, StorageConfig(endpoint_url=store.url), HASTE)


@pytest.fixture
def open_url(store: FaultyStore, tmp_path: Path) -> Callable[..., BucketHome]:
    """Open the dataset at any address, with a work folder of the given name."""

    def run(url: str, work: str, **settings: Any) -> BucketHome:
        settings = {"patience": HASTE, "lease_seconds": 1.0} | settings
        return BucketHome(url, tmp_path / work, StorageConfig(endpoint_url=store.url), **settings)

    return run


@pytest.fixture
def open_bucket(open_url: Callable[..., BucketHome], url: str) -> Callable[..., BucketHome]:
    """Open the dataset at the address, with a work folder of the given name."""

    def run(work: str = "work", **settings: Any) -> BucketHome:
        return open_url(url, work, **settings)

    return run
