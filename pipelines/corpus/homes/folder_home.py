"""A dataset in a folder of this machine or of a disk that all nodes share: it is made where it stays."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from densewalk.datasets.atomic import PARTIAL, disk_faults
from densewalk.datasets.dataset_card import CARD, SHARDS
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.pipelines.corpus.commit import roll_forward
from densewalk.pipelines.corpus.homes.folder_lock import held_folder
from densewalk.pipelines.corpus.homes.home import CONFIG, WORK

__all__ = ["FolderHome"]


@dataclass(frozen=True, slots=True)
class FolderHome:
    """A folder that is its own home."""

    folder: Path

    @property
    def name(self) -> str:
        """The folder's path."""
        return str(self.folder)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Lock the folder while the block runs; a commit that was broken off is finished first.

        Raises `DataError` when another process has it, `ConfigError` when it cannot be written or holds something else.
        """
        self._refuse_foreign()
        with held_folder(self.folder):
            with disk_faults(self.folder):
                roll_forward(self.folder)
            yield

    @contextmanager
    def reading(self) -> Iterator[Path]:
        """Give the folder; raises `DataError` when it is no finished dataset."""
        if not (self.folder / CARD).is_file():
            raise DataError(f"{self.folder} is not a finished dataset made by prepare; expected one with a {CARD}")
        yield self.folder

    def keep_shard(self, path: Path) -> None:
        """Nothing is to be done: it lies where it stays."""

    def shard(self, name: str) -> Path:
        """Return the path of a shard; raises `DataError` when it is absent."""
        path = self.folder / SHARDS / name
        if not path.is_file():
            raise DataError(f"shard {path} is missing; `densewalk inspect --repair` drops what was in it")
        return path

    def drop_shard(self, name: str) -> None:
        """Nothing is to be done: shards stay."""

    def publish(self, shards: frozenset[str]) -> None:
        """Remove shard files that are not among `shards`: what older states and interrupted writers left."""
        for path in (self.folder / SHARDS).glob("clips-*"):
            if path.name not in shards:
                path.unlink()

    def publish_notes(self) -> None:
        """Nothing is to be done: they lie where they stay."""

    def _refuse_foreign(self) -> None:
        if not self.folder.is_dir():
            return
        names = {path.name for path in self.folder.iterdir()}
        foreign = names - {WORK, CONFIG + PARTIAL}
        if foreign and not {CONFIG, CARD} & names:
            raise ConfigError(
                f"{self.folder} holds {sorted(foreign)[0]!r} and is not a dataset made by prepare; "
                "choose an empty or new --out"
            )
