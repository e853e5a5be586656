"""The contract of a home: a dataset is made in a local folder; what is finished is published from there.

A folder is its own home, and publishing means nothing. Of a dataset in a bucket the folder holds tables and work only;
shards go to the bucket as soon as they are packed. The card goes last, so readers see one state or the next.
"""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, runtime_checkable

__all__ = ["CONFIG", "WORK", "Home"]

CONFIG = "config.yaml"
"""The configuration a dataset is made with."""
WORK = ".work"
"""Folder of what is not finished."""


@runtime_checkable
class Home(Protocol):
    """Where a dataset lives."""

    @property
    def name(self) -> str:
        """As the user wrote it, for messages."""
        ...

    @property
    def folder(self) -> Path:
        """Local folder of the tables, of `.work` and of shards on their way."""
        ...

    def held(self) -> AbstractContextManager[None]:
        """Be the only writer while the block runs; what an earlier one published or broke off is known then.

        Raises `DataError` when somebody else is writing, `ConfigError` when the place cannot be written or holds
        something else.
        """
        ...

    def reading(self) -> AbstractContextManager[Path]:
        """Give a folder with the tables as they were published last, without being a writer.

        Raises `DataError` when nothing was published.
        """
        ...

    def keep_shard(self, path: Path) -> None:
        """Publish a finished shard of `folder`; its local copy goes when the home is elsewhere."""
        ...

    def shard(self, name: str) -> Path:
        """Return the local path of a shard, fetched when it is elsewhere. Raises `DataError` when it is absent.

        Its content is as it was published, whether or not it is what the card says.
        """
        ...

    def drop_shard(self, name: str) -> None:
        """Forget the local copy of a shard that was fetched; a home's own file stays."""
        ...

    def publish(self, shards: frozenset[str]) -> None:
        """Publish the committed tables, the card last; then remove shards that are not among `shards`."""
        ...

    def publish_notes(self) -> None:
        """Publish files that were written beside the tables after the home was held, such as a log of commands.

        Raises as `held` does; nothing is lost then, the next writer publishes them.
        """
        ...
