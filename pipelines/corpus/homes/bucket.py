"""Objects below one prefix of a store, written so that what was put is known to be there.

Every request is repeated with patience. A put counts when the object that is there afterwards has its size and hash, so
one that was answered and lost, or stored short, is put again, and one that was stored although the connection broke is
not. Stores other than S3 are read back instead.
"""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from densewalk.datasets.atomic import atomic_path
from densewalk.datasets.errors import ConfigError
from densewalk.datasets.records import file_sha256
from densewalk.datasets.storage.config import StorageConfig
from densewalk.datasets.storage.object_filesystem import http_status_of, open_filesystem, place_in_store
from densewalk.pipelines.corpus.homes.content import Content, part_bytes
from densewalk.pipelines.corpus.homes.patience import Patience, StoreFault

__all__ = ["Bucket", "Stored"]

_SETTLE_SECONDS = 2.0
_SHA256 = "sha256"
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Stored:
    """What a store says of an object."""

    bytes: int
    etag: str
    """Changes with the content; empty when the store has no such name."""


class Bucket:
    """The objects below `url`; names are relative to it.

    Raises `ConfigError` for an address that is none. All methods raise `ConfigError` when rights, keys or the bucket
    are missing and `DataError` when the store does not do what it is asked for longer than `patience`.
    """

    def __init__(self, url: str, storage: StorageConfig, patience: Patience) -> None:
        self._root = place_in_store(url, f"--out {url}")
        self.url = url.rstrip("/")
        self._is_s3 = url.startswith("s3:")
        self._storage, self._patience = storage, patience
        self._store = open_filesystem(self.url, storage)

    def patient_for(self, seconds: float) -> "Bucket":
        """Return the same objects, asked for with other patience."""
        return Bucket(self.url, self._storage, replace(self._patience, seconds=seconds))

    def listing(self, below: str = "") -> dict[str, Stored]:
        """Return all objects below a prefix, by name."""
        found = self._insist("list", below, lambda: self._store.find(self._path(below), detail=True))
        start = len(self._root) + 1
        return {path[start:]: _stored(info) for path, info in found.items() if len(path) > start}

    def look(self, name: str) -> Stored | None:
        """Return what is there, None when nothing is."""
        try:
            return _stored(self._insist("look at", name, lambda: self._store.info(self._path(name))))
        except FileNotFoundError:
            return None

    def read(self, name: str) -> bytes | None:
        """Return a small object, None when it is absent."""
        try:
            return bytes(self._insist("read", name, lambda: self._store.cat_file(self._path(name))))
        except FileNotFoundError:
            return None

    def put(self, path: Path, name: str) -> Content:
        """Store a file, unless the same content is there already; return its content."""
        content = Content.of(path)
        settings = (
            {"chunksize": part_bytes(content.bytes), "Metadata": {_SHA256: content.sha256}} if self._is_s3 else {}
        )

        def attempt() -> None:
            self._store.put_file(str(path), self._path(name), **settings)
            self._confirm(name, content)

        if not self.holds(name, content):
            self._insist("write", name, attempt)
        return content

    def copy(self, name: str, to: str, content: Content) -> None:
        """Copy an object of known content inside the store."""

        def attempt() -> None:
            self._store.cp_file(self._path(name), self._path(to))
            self._confirm(to, content)

        if not self.holds(to, content):
            self._insist("write", to, attempt)

    def get(self, name: str, path: Path) -> None:
        """Bring an object to `path`, whole or not at all; raises `FileNotFoundError` when it is absent."""

        def attempt() -> None:
            with atomic_path(path) as temporary:
                self._store.get_file(self._path(name), str(temporary))
                self._refuse_other(name, temporary)

        self._insist("read", name, attempt)

    def remove(self, name: str) -> None:
        """Delete an object; one that is absent is deleted."""

        def attempt() -> None:
            try:
                self._store.rm_file(self._path(name))
                self._store.info(self._path(name))
            except FileNotFoundError:
                return
            raise StoreFault("it was answered, but is still there")

        self._insist("delete", name, attempt)

    def drop_unfinished(self) -> None:
        """Forget parts of objects whose writers died; nobody sees them, but they are paid for."""
        if not self._is_s3:
            return
        bucket, _, prefix = self._root.partition("/")
        where = {"Bucket": bucket, "Prefix": f"{prefix}/" if prefix else ""}
        call = self._store.call_s3
        try:
            found = self._insist("list parts below", "", lambda: call("list_multipart_uploads", **where))
            for upload in found.get("Uploads", ()):
                about = {"Bucket": bucket, "Key": upload["Key"], "UploadId": upload["UploadId"]}
                self._insist("delete parts of", upload["Key"], partial(call, "abort_multipart_upload", **about))
        except (ConfigError, FileNotFoundError):
            return  # a right that writing does not need

    def holds(self, name: str, content: Content) -> bool:
        """Return whether an object is there with this content."""
        return self._insist("look at", name, lambda: self._is_same(name, content))

    def put_if(self, name: str, content: bytes, etag: str) -> str | None:
        """Store a small object if the one that is there is called `etag`, or if none is where `etag` is empty.

        Returns its new name, or None when something else is there. Stores without conditions are written and read back
        after a while: of two writers at once the later wins.
        """
        condition: dict[str, str] = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        try:
            self._insist("write", name, lambda: self._write_if(name, content, condition))
        except FileNotFoundError:
            return None
        if not self._is_s3:
            time.sleep(_SETTLE_SECONDS)
        stored = self.look(name)  # a condition that failed may be that of this very put, whose first answer was lost
        return stored.etag if stored is not None and self.read(name) == content else None

    def _write_if(self, name: str, content: bytes, condition: dict[str, str]) -> None:
        try:
            self._store.pipe_file(self._path(name), content, **(condition if self._is_s3 else {}))
        except Exception as error:
            if not isinstance(error, FileExistsError) and http_status_of(error) != 412:
                raise

    def _confirm(self, name: str, content: Content) -> None:
        if not self._is_same(name, content):
            raise StoreFault("it was answered, but is not there as it was sent")

    def _is_same(self, name: str, content: Content) -> bool:
        try:
            stored = _stored(self._store.info(self._path(name)))
        except FileNotFoundError:
            return False
        if stored.bytes != content.bytes:
            return False
        if not self._is_s3:
            with tempfile.TemporaryDirectory() as folder:
                self._store.get_file(self._path(name), f"{folder}/object")
                return Content.of(Path(folder) / "object") == content
        return content.is_called(stored.etag) or self._sha256(name) == content.sha256

    def _refuse_other(self, name: str, path: Path) -> None:
        """Raise `StoreFault` unless a file has the size of its object and the hash that was written beside it."""
        stored = _stored(self._store.info(self._path(name)))
        if path.stat().st_size != stored.bytes:
            raise StoreFault(f"{path.stat().st_size} of {stored.bytes} bytes came")
        if self._is_s3 and (sha256 := self._sha256(name)) and file_sha256(path) != sha256:
            raise StoreFault("it came otherwise than it was stored")

    def _sha256(self, name: str) -> str:
        """Return the hash that `put` wrote beside an object, empty for one that came otherwise."""
        return str(self._store.metadata(self._path(name)).get(_SHA256, ""))

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}".rstrip("/")

    def _insist(self, verb: str, name: str, call: Callable[[], _Value]) -> _Value:
        return self._patience.insist(call, f"{verb} {self.url}/{name}".rstrip("/"))


def _stored(info: dict[str, Any]) -> Stored:
    return Stored(int(info.get("size") or 0), str(info.get("ETag") or info.get("etag") or ""))
