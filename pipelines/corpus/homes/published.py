"""What a work folder knows of its bucket: which objects were last seen there, and which files they are here.

A file whose hash is not the one noted was changed here; an object whose name of content is not the one noted was
changed there, by another machine.
"""

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from densewalk.datasets.atomic import PARTIAL, write_json
from densewalk.datasets.errors import ConfigError
from densewalk.datasets.records import file_sha256
from densewalk.pipelines.corpus.homes.bucket import Stored
from densewalk.pipelines.corpus.homes.home import WORK
from densewalk.pipelines.corpus.homes.publication import is_published

__all__ = ["Published", "tables_of"]

_FILE = ".published.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The notes of a work folder."""

    url: str
    workplace: str = field(default_factory=lambda: uuid.uuid4().hex)
    """An id of this work folder."""
    etags: dict[str, str] = field(default_factory=dict)
    """What the store calls each object, by name."""
    sha256: dict[str, str] = field(default_factory=dict)
    """Hash of the file that each object is."""

    @classmethod
    def of(cls, folder: Path, url: str) -> "Published":
        """Read the notes of a work folder; a new one has none.

        Raises `ConfigError` when it is the work folder of another dataset, or something else.
        """
        path = folder / _FILE
        if path.is_file():
            notes = cls(**json.loads(path.read_bytes()))
            if notes.url != url:
                raise ConfigError(f"--work {folder} is the work folder of {notes.url}; choose another for {url}")
            return notes
        names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
        if foreign := names - {WORK, _FILE + PARTIAL}:
            raise ConfigError(
                f"--work {folder} holds {sorted(foreign)[0]!r} and is not the work folder of {url}; "
                "choose an empty or new one"
            )
        return cls(url=url)

    def write(self, folder: Path) -> None:
        """Put the notes down."""
        write_json(folder / _FILE, asdict(self))

    def spoiled(self) -> "Published":
        """Return notes that no bucket is like, for while the files of a folder are being replaced."""
        return replace(self, etags={"": "half"}, sha256={})

    def updated(self, folder: Path, listing: Mapping[str, Stored]) -> "Published":
        """Return what is to be noted when the files of a folder and the objects of a bucket are the same."""
        files = dict(tables_of(folder))
        return replace(
            self,
            etags={name: stored.etag for name, stored in listing.items() if name in files},
            sha256={name: file_sha256(path) for name, path in files.items()},
        )

    def is_current(self, listing: Mapping[str, Stored]) -> bool:
        """Return whether the objects are still those that were noted."""
        return self.etags == {name: stored.etag for name, stored in listing.items() if is_published(name)}

    def changed(self, folder: Path) -> dict[str, Path]:
        """Return the files that are new or other than what was noted."""
        return {name: path for name, path in tables_of(folder) if self.sha256.get(name) != file_sha256(path)}

    def gone(self, folder: Path) -> list[str]:
        """Return what was noted and is no file any more."""
        return sorted(self.sha256.keys() - dict(tables_of(folder)).keys())


def tables_of(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files of a dataset folder that are published, by name; shards and work are not among them."""
    for path in sorted((*folder.glob("*"), *folder.glob("*/*"))):
        name = path.relative_to(folder).as_posix()
        if is_published(name) and path.is_file() and path.suffix != PARTIAL:
            yield name, path
