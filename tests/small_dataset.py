"""A dataset of a few bytes, made through a home as a preparation does, here or in a process that can be killed."""

import hashlib
import multiprocessing
from collections.abc import Sequence
from pathlib import Path

from densewalk.datasets.atomic import write_bytes, write_text
from densewalk.datasets.dataset_card import CARD, INDEX, SHARDS, read_card, write_card
from densewalk.datasets.storage.config import StorageConfig
from densewalk.pipelines.corpus.commit import ready_folder, roll_forward
from densewalk.pipelines.corpus.homes.bucket_home import BucketHome
from densewalk.pipelines.corpus.homes.home import CONFIG, Home
from densewalk.pipelines.corpus.homes.patience import Patience
from densewalk.pipelines.corpus.tables import LEDGER
from densewalk.pipelines.corpus.workplace import held
from tests.cards import card_of

__all__ = ["files_of", "started_writer", "write_dataset"]

_PROCESSES = multiprocessing.get_context("forkserver")


def write_dataset(home: Home, contents: Sequence[bytes]) -> None:
    """Make, or extend, a dataset that has a shard for each content and a table that holds them all."""
    with held(home, "recipe"):
        folder = home.folder
        if not (folder / CONFIG).is_file():
            write_text(folder / CONFIG, "seed: 0\n")
        hashes = read_card(folder).shard_sha256 if (folder / CARD).is_file() else {}
        for number in range(len(hashes), len(contents)):
            path = folder / SHARDS / f"clips-{number:05d}.tar"
            write_bytes(path, contents[number])
            hashes[path.name] = hashlib.sha256(contents[number]).hexdigest()
            home.keep_shard(path)
        ready = ready_folder(folder)
        write_bytes(ready / INDEX, b"".join(contents))
        write_bytes(ready / LEDGER, b"|".join(contents))
        write_card(ready, card_of((), (), recipe_hash="recipe", shard_sha256=hashes))
        write_text(ready / "READY", "")
        roll_forward(folder)
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
