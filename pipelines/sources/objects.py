"""`s3://`, `gs://` and `hf://`: one object, all below a prefix, or all that a pattern matches.

Objects are listed folder by folder through the file system that fetches them too, so memory holds the names of one
folder, and `fetch.storage` says where the store is.
"""

import re
from collections.abc import Iterator
from typing import Any

from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.storage.config import StorageConfig
from densewalk.datasets.storage.object_filesystem import open_filesystem
from densewalk.pipelines.sources.folders import judged_by_name
from densewalk.pipelines.sources.mention import Mention
from densewalk.pipelines.sources.spec import SourceSpec

__all__ = ["object_mentions"]


def object_mentions(spec: SourceSpec, storage: StorageConfig) -> Iterator[Mention]:
    """Return a mention for each object; one that is named itself is taken whatever its name.

    Raises `ConfigError` at once when nothing is there or the store's package is absent, and `DataError` when the store
    does not answer.
    """
    store, path = _store(spec, storage)
    with _Faults(spec):
        if store.isfile(path):
            return iter([Mention(uri=_uri(spec, path))])
        pattern = _pattern(path)
        base = re.split(r"[*?\[]", path, maxsplit=1)[0].rpartition("/")[0] if pattern else path.rstrip("/")
        if not base:
            raise ConfigError(f"{spec}: a pattern may begin behind the bucket's name")
        if not store.exists(base):
            raise ConfigError(f"nothing at {spec.kind}://{base}; expected an object, a prefix or a pattern")
    return _below(spec, store, base, pattern)


def _below(spec: SourceSpec, store: Any, base: str, pattern: re.Pattern | None) -> Iterator[Mention]:
    with _Faults(spec):
        for folder, _, names in store.walk(base, on_error="raise"):
            for name in sorted(names):
                path = f"{folder}/{name}"
                if name and (pattern is None or pattern.match(path)):
                    yield judged_by_name(_uri(spec, path))


class _Faults:
    """Turns what a store's client raises into an error of the command."""

    def __init__(self, spec: SourceSpec) -> None:
        self._spec = spec

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, ConfigError | DataError):
            why = " ".join(str(error).split()) or type(error).__name__
            raise DataError(f"cannot list {self._spec}: {why}; check name, keys and endpoint") from error


def _store(spec: SourceSpec, storage: StorageConfig) -> tuple[Any, str]:
    store = open_filesystem(spec.subject, storage)
    return store, store._strip_protocol(spec.subject)


def _pattern(path: str) -> re.Pattern | None:
    from fsspec.utils import glob_translate

    return re.compile(glob_translate(path)) if re.search(r"[*?\[]", path) else None


def _uri(spec: SourceSpec, path: str) -> str:
    return f"{spec.kind}://{path}"
