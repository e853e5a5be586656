"""The contract of a home: a dataset is made in a local folder; what is finished is published from there.

A folder is its own home, and publishing means nothing. Of a dataset in a bucket the folder holds tables and work only;
shards go to the bucket as soon as they are packed. The card goes last, so readers see one state or the next.
"""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, runtime_checkable

__all__ = ["Home"]


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

        Raises `DataError` when somebody else is writing, `ConfigError` when the place cannot be written.
        """
        ...

    def keep_shard(self, path: Path) -> None:
        """Publish a finished shard of `folder`; its local copy goes when the home is elsewhere."""
        ...

    def shard(self, name: str) -> Path:
        """Return the local path of a shard, fetched when it is elsewhere. Raises `DataError` when it is absent."""
        ...

    def publish(self, shards: frozenset[str]) -> None:
        """Publish the committed tables, the card last; then remove shards that are not among `shards`."""
        ...
