"""Arrays by name in one file: a zip of .npy members that numpy opens, with bytes that are a function of the arrays.

Members are stored, not deflated, under a fixed date, in the order they were added, so each can be read alone and is
guarded by its CRC. The member `about` is JSON: format, version and the fields of a dataclass. Reading never unpickles,
refuses compressed members (nothing can grow) and believes no length that the file does not have.
"""

import io
import json
import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from struct import error as StructError
from types import TracebackType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import numpy as np

from densewalk.datasets.errors import DataError

__all__ = ["ArrayReader", "ArrayWriter"]

_DATE = (1980, 1, 1, 0, 0, 0)
_ABOUT = "about"
_BROKEN = (zipfile.BadZipFile, OSError, EOFError, ValueError, StructError, NotImplementedError, RuntimeError)
"""What damaged bytes may raise inside zipfile and numpy's header reader."""

_About = TypeVar("_About")


class ArrayWriter:
    """Writes an archive of one format and version; `about` is a dataclass of texts, numbers and pairs of integers."""

    def __init__(self, path: Path, about: Any, *, format_name: str, version: int) -> None:
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED)
        facts = {"format": format_name, "version": version, **asdict(about)}
        self.add(_ABOUT, np.array(json.dumps(facts, sort_keys=True).encode()))

    def __enter__(self) -> "ArrayWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    def add(self, name: str, array: np.ndarray) -> None:
        """Append an array under a name that no other has."""
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, np.ascontiguousarray(array).reshape(array.shape), allow_pickle=False)
        member = zipfile.ZipInfo(f"{name}.npy", _DATE)
        member.create_system, member.external_attr = 3, 0o644 << 16
        self._zip.writestr(member, buffer.getvalue())


class ArrayReader:
    """Reads an archive of one format; raises `DataError`, here or later, on bytes that are none or are damaged."""

    def __init__(self, content: bytes | Path, *, format_name: str, version: int) -> None:
        self._format = format_name
        self._num_bytes = content.stat().st_size if isinstance(content, Path) else len(content)
        with self._faults_told("its directory"):
            self._zip = zipfile.ZipFile(content if isinstance(content, Path) else io.BytesIO(content))
        members = self._zip.infolist()
        self._members = {member.filename: member for member in members}
        if len(self._members) != len(members):
            raise DataError(f"a {format_name} file holds two members of one name; make it again")
        self._facts = self._read_facts(version)

    def about(self, kind: type[_About]) -> _About:
        """Return what the file says of itself as a dataclass; `DataError` unless names and types are its own."""
        hints = get_type_hints(kind)
        names = {field.name for field in fields(kind)}  # type: ignore[arg-type]  # any dataclass
        wrong = [name for name in names & set(self._facts) if not _is_a(self._facts[name], hints[name])]
        if names != set(self._facts) or wrong:
            raise DataError(
                f"a {self._format} file says of itself {self._facts!r}; expected {', '.join(sorted(names))}"
                f"{' of other types: ' + ', '.join(sorted(wrong)) if wrong else ''}"
            )
        return kind(**{name: tuple(v) if isinstance(v, list) else v for name, v in self._facts.items()})

    def names(self) -> set[str]:
        """Return the names of the arrays."""
        return {name.removesuffix(".npy") for name in self._members}

    def array(self, name: str, dtype: str, ndim: int) -> np.ndarray:
        """Return an array (read-only); `DataError` when it is absent, damaged or of another type."""
        member = self._members.get(f"{name}.npy")
        if member is None:
            raise DataError(f"a {self._format} file has no {name!r}; it holds {len(self._members)} other arrays")
        if member.compress_type != zipfile.ZIP_STORED or member.file_size > self._num_bytes:
            raise DataError(f"{name!r} of a {self._format} file is compressed; expected members that are stored")
        with self._faults_told(repr(name)):
            array = _array(self._zip.read(member))
        if array.dtype.str != np.dtype(dtype).str and not (dtype == "S" and array.dtype.kind == "S"):
            raise DataError(f"{name!r} of a {self._format} file is {array.dtype}; expected {dtype}")
        if array.ndim != ndim:
            raise DataError(f"{name!r} of a {self._format} file has the shape {array.shape}; expected {ndim} axes")
        return array

    def _read_facts(self, version: int) -> dict[str, Any]:
        with self._faults_told("what it says of itself"):
            facts = json.loads(self.array(_ABOUT, "S", 0).item())
        if not isinstance(facts, dict) or facts.pop("format", None) != self._format:
            raise DataError(f"the file is no {self._format} file")
        if (found := facts.pop("version", None)) != version:
            raise DataError(f"a {self._format} file is of version {found}; this densewalk reads version {version}")
        return facts

    @contextmanager
    def _faults_told(self, what: str) -> Iterator[None]:
        try:
            yield
        except _BROKEN as error:
            raise DataError(
                f"cannot read {what} of a {self._format} file of {self._num_bytes} bytes: {error or type(error)}; "
                "it is damaged or of another kind"
            ) from error


def _array(content: bytes) -> np.ndarray:
    """Return the array of a .npy member, whose header may claim no more than there is."""
    stream = io.BytesIO(content)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("an array header of another version")
    shape, in_fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    found, expected = len(content) - stream.tell(), math.prod(shape) * dtype.itemsize
    if dtype.hasobject or in_fortran or min(shape, default=0) < 0 or found != expected:
        raise ValueError(f"an array of {dtype} {shape} takes {expected} bytes, there are {found}")
    return (
        np.frombuffer(content, dtype, math.prod(shape), stream.tell()).reshape(shape)
        if expected
        else np.empty(shape, dtype)
    )


def _is_a(value: Any, hint: Any) -> bool:
    if hint in (str, int):
        return type(value) is hint
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if hint is float:
        return type(value) in (int, float) and math.isfinite(value)
    return isinstance(value, list) and len(value) == 2 and all(type(item) is int for item in value)
