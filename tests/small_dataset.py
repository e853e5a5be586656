"""A dataset of a few bytes, made through a home as a preparation does, here or in a process that can be killed."""

import hashlib
import multiprocessing
from collections.abc import Sequence
from pathlib import Path

from densewalk.datasets.atomic import write_bytes, write_text
from densewalk.datasets.dataset import CARD, INDEX, SHARDS, DatasetCard, read_card, write_card
from densewalk.pipelines.corpus.commit import roll_forward
from densewalk.pipelines.corpus.homes.bucket_home import BucketHome
from densewalk.pipelines.corpus.homes.home import CONFIG, Home
from densewalk.pipelines.corpus.homes.patience import Patience
from densewalk.pipelines.corpus.workplace import held
from densewalk.pipelines.fetch.config import StorageConfig

__all__ = ["files_of", "started_writer", "write_dataset"]

_PROCESSES = multiprocessing.get_context("forkserver")


def write_dataset(home: Home, contents: Sequence[bytes]) -> None:
    """Make, or extend, a dataset that has a shard for each content and a table that holds them all."""
    with held(home, "recipe") as place:
        folder = home.folder
        if not (folder / CONFIG).is_file():
            write_text(folder / CONFIG, "seed: 0\n")
        hashes = read_card(folder).shard_sha256 if (folder / CARD).is_file() else {}
        for number in range(len(hashes), len(contents)):
            path = folder / SHARDS / f"clips-{number:05d}.tar"
            write_bytes(path, contents[number])
            hashes[path.name] = hashlib.sha256(contents[number]).hexdigest()
            home.keep_shard(path)
        write_bytes(place.ready / INDEX, b"".join(contents))
        write_bytes(place.ready / "ledger.parquet", b"|".join(contents))
        write_card(place.ready, _card(hashes))
        write_text(place.ready / "READY", "")
        roll_forward(folder, place.ready)
        home.publish(frozenset(hashes))


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the files of a dataset folder by name."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def started_writer(
    url: str, endpoint: str, work: Path, contents: Sequence[bytes]
) -> multiprocessing.process.BaseProcess:
    """Start `write_dataset` into a bucket in a process of its own."""
    _PROCESSES.set_forkserver_preload(["densewalk.pipelines.corpus.homes.bucket_home", "s3fs"])
    process = _PROCESSES.Process(target=_write, args=(url, endpoint, work, list(contents)), daemon=True)
    process.start()
    return process


def _write(url: str, endpoint: str, work: Path, contents: Sequence[bytes]) -> None:
    patience = Patience(seconds=20.0, first_wait_seconds=0.01)
    home = BucketHome(url, work, StorageConfig(endpoint_url=endpoint), patience=patience, lease_seconds=1.0)
    write_dataset(home, contents)


def _card(hashes: dict[str, str]) -> DatasetCard:
    return DatasetCard(
        num_clips=len(hashes),
        num_sources=len(hashes),
        seconds=1.0,
        bytes=1,
        recipe_hash="recipe",
        licences={},
        source_outcomes={},
        clip_outcomes={},
        shard_sha256=hashes,
    )
