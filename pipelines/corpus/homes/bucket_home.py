"""A dataset in a bucket, made in a folder of this machine.

    FOLDER/             tables as they were committed last, `.work` as in any dataset folder
    BUCKET/PREFIX/      what the folder of a dataset would hold, byte for byte
    .../.work/          the lease, and tables laid ready; gone when a command has ended

Shards are pushed as they are packed; they mean nothing until the index names them, and a repeated command that packs
them again finds them there. The tables follow in one step. The bucket is always a whole state or on its way to one that
anybody can finish, so the work folder may be lost at any moment, and so may the process.
"""

import logging
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from densewalk.datasets.atomic import disk_faults
from densewalk.datasets.dataset_card import CARD, SHARDS, read_card
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.storage.config import StorageConfig
from densewalk.pipelines.corpus.commit import ready_folder, roll_forward
from densewalk.pipelines.corpus.homes.bucket import Bucket, Stored
from densewalk.pipelines.corpus.homes.folder_lock import held_folder
from densewalk.pipelines.corpus.homes.home import CONFIG, WORK
from densewalk.pipelines.corpus.homes.lease import Lease
from densewalk.pipelines.corpus.homes.patience import Patience
from densewalk.pipelines.corpus.homes.publication import (
    fetch_published,
    finish_publication,
    is_published,
    publish_files,
)
from densewalk.pipelines.corpus.homes.published import Published, tables_of

__all__ = ["BucketHome"]

_SHARD_NAMES = f"{SHARDS}/clips-"
_log = logging.getLogger("densewalk")


class BucketHome:
    """A prefix of a bucket, and the folder where its dataset is worked on.

    The lease of a writer that died on another machine is waited for `lease_seconds`; each request is repeated with
    `patience`. Raises `ConfigError` for an address that is none.
    """

    def __init__(
        self,
        url: str,
        folder: Path,
        storage: StorageConfig | None = None,
        *,
        patience: Patience | None = None,
        lease_seconds: float = 120.0,
    ) -> None:
        self._bucket = Bucket(url, storage or StorageConfig(), patience or Patience())
        self._lease = Lease(self._bucket, seconds=lease_seconds)
        self._folder = folder
        self._fetched = folder / WORK / SHARDS

    @property
    def name(self) -> str:
        """The address of the dataset."""
        return self._bucket.url

    @property
    def folder(self) -> Path:
        """Where its tables and its work are."""
        return self._folder

    @contextmanager
    def held(self) -> Iterator[None]:
        """Lock the work folder and hold the bucket's lease; what is newer there is fetched, what broke off is finished.

        Raises `DataError` when somebody else is writing, `ConfigError` when bucket or folder cannot be written or hold
        something else.
        """
        Published.of(self._folder, self.name)
        with held_folder(self._folder) as is_locked:
            notes = Published.of(self._folder, self.name)
            notes.write(self._folder)
            with self._lease.held(notes.workplace if is_locked else ""):
                with disk_faults(self._folder):
                    self._catch_up()
                yield

    @contextmanager
    def reading(self) -> Iterator[Path]:
        """Give a temporary folder with the tables as they were published last.

        Raises `DataError` when there are none.
        """
        with disk_faults(self._folder):
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            folder = tempfile.TemporaryDirectory(dir=self._folder.parent, prefix="reading-")
        before = self._fetched
        with folder as path:
            fetch_published(self._bucket, Path(path))
            self._fetched = Path(path) / SHARDS
            try:
                yield Path(path)
            finally:
                self._fetched = before

    def keep_shard(self, path: Path) -> None:
        """Push a finished shard, unless it is there already, and remove the local file."""
        self._lease.confirm()
        self._bucket.put(path, f"{SHARDS}/{path.name}")
        path.unlink()

    def shard(self, name: str) -> Path:
        """Fetch a shard; raises `DataError` when it is absent."""
        path = self._fetched / name
        if not path.is_file():
            try:
                self._bucket.get(f"{SHARDS}/{name}", path)
            except FileNotFoundError as error:
                raise DataError(
                    f"shard {self.name}/{SHARDS}/{name} is missing; `densewalk inspect --repair` drops what was in it"
                ) from error
        return path

    def drop_shard(self, name: str) -> None:
        """Remove the local copy of a shard."""
        (self._fetched / name).unlink(missing_ok=True)

    def publish(self, shards: frozenset[str]) -> None:
        """Publish what was committed, in one step, then remove shards that are not among `shards`.

        Raises `DataError` when one of them is not in the bucket; the repeated command makes it again.
        """
        self._lease.confirm()
        listing = self._bucket.listing()
        if missing := sorted(name for name in shards if f"{SHARDS}/{name}" not in listing):
            raise DataError(
                f"{self.name} lacks {len(missing)} shards that were pushed, such as {missing[0]}; "
                "somebody removed them: repeat the command"
            )
        notes = Published.of(self._folder, self.name)
        changed, gone = notes.changed(self._folder), notes.gone(self._folder)
        if changed or gone:
            publish_files(self._bucket, changed, gone)
        self._remove_strays(listing, shards)
        if changed or gone:
            notes.updated(self._folder, self._bucket.listing()).write(self._folder)

    def publish_notes(self) -> None:
        """Publish files that were written beside the tables of a published dataset, by whoever holds it no more."""
        if (self._folder / CARD).is_file():
            with self.held():
                pass  # what differs here from what was published last is published first

    def _catch_up(self) -> None:
        """Bring folder and bucket to one state: the bucket's, or the one that was committed here on top of it."""
        shutil.rmtree(self._folder / SHARDS, ignore_errors=True)  # on their way when a writer died
        shutil.rmtree(self._fetched, ignore_errors=True)
        finish_publication(self._bucket)
        self._bucket.drop_unfinished()
        listing = self._bucket.listing()
        self._refuse_foreign(listing)
        notes = Published.of(self._folder, self.name)
        if not notes.is_current(listing):
            shutil.rmtree(ready_folder(self._folder), ignore_errors=True)
            self._pull(listing)
            if CARD in listing:  # a writer may have died between its card and this
                self._remove_strays(listing, frozenset(read_card(self._folder).shard_sha256))
            return
        roll_forward(self._folder)
        if not (self._folder / CARD).is_file() or not (notes.changed(self._folder) or notes.gone(self._folder)):
            return
        shards = frozenset(read_card(self._folder).shard_sha256)
        if all(f"{SHARDS}/{name}" in listing for name in shards):
            self.publish(shards)
        else:
            _log.warning("%s lacks shards of what was committed in %s; they are made again", self.name, self._folder)
            self._pull(listing)

    def _pull(self, listing: Mapping[str, Stored]) -> None:
        """Make the tables of the folder those of the bucket."""
        notes = Published.of(self._folder, self.name)
        notes.spoiled().write(self._folder)
        for _, path in tables_of(self._folder):
            path.unlink()
        for name in sorted(filter(is_published, listing)):
            self._bucket.get(name, self._folder / name)
        notes.updated(self._folder, listing).write(self._folder)

    def _remove_strays(self, listing: Mapping[str, Stored], shards: frozenset[str]) -> None:
        for name in sorted(listing):
            if name.startswith(_SHARD_NAMES) and name.removeprefix(f"{SHARDS}/") not in shards:
                self._bucket.remove(name)

    def _refuse_foreign(self, listing: Mapping[str, Stored]) -> None:
        own = (f"{WORK}/", _SHARD_NAMES)
        foreign = sorted(name for name in listing if not name.startswith(own))
        if foreign and not {CONFIG, CARD} & set(foreign):
            raise ConfigError(
                f"{self.name} holds {foreign[0]!r} and is not a dataset made by prepare; "
                "choose an empty or new prefix for --out"
            )
