"""Tables of any length in a file of which a process holds only what it looks at.

The file is an Arrow IPC file with one record batch, so a column of numbers is one stretch of the file and comes back as
an array mapped from it; texts are read one at a time. All processes of a machine share the pages they touch. An opened
table is pickled as its path.

A table is written in chunks: each column grows in scratch files of its own and the batch is put together from those, so
memory does not grow with the table. The CRC-32 of every column lies in the file's metadata, and `MappedTable.checked`
compares them.

Shapes: N rows.
"""

import json
import os
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, TypeVar, overload

import numpy as np
import pyarrow as pa

from densewalk.datasets.atomic import disk_faults
from densewalk.datasets.errors import DataError

__all__ = ["ROWS_AT_ONCE", "GrowingTable", "MappedTable", "TableWriter", "TextColumn"]

_ABOUT, _CRC = b"densewalk.about", b"densewalk.crc32"
ROWS_AT_ONCE = 8192
"""Rows that go through memory together."""
_NUMPY_NAMES = {pa.float64(): "float64", pa.float32(): "float32"}
_Value = TypeVar("_Value", str, bytes)


class MappedTable:
    """A table in a file; raises `DataError` when the file is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            reader = pa.ipc.open_file(pa.memory_map(str(path)))
            if reader.num_record_batches != 1:
                raise ValueError(f"{reader.num_record_batches} record batches instead of 1")
            self._batch = reader.get_batch(0)
            self._columns = dict(zip(reader.schema.names, self._batch.columns, strict=True))
            metadata = reader.schema.metadata or {}
            self.about: dict[str, Any] = json.loads(metadata[_ABOUT])
            self._crc: dict[str, list[int]] = json.loads(metadata[_CRC])
        except (OSError, KeyError, ValueError, pa.ArrowException) as error:
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise DataError(f"cannot read table {path}: {reason}; remove it, it is made anew") from error

    @classmethod
    def checked(cls, path: Path) -> "MappedTable":
        """Open a table and read all of it once; raises `DataError` also when a byte is not what was written."""
        table = cls(path)
        for name, column in table._columns.items():
            if table._crc.get(name) != [zlib.crc32(part) for part in column.buffers() if part is not None]:
                raise DataError(f"table {path} is damaged in column {name}; remove it, it is made anew")
        return table

    def __len__(self) -> int:
        return self._batch.num_rows

    def __reduce__(self) -> tuple[type["MappedTable"], tuple[Path]]:
        return MappedTable, (self.path,)

    def numbers(self, name: str) -> np.ndarray:
        """Return a column of numbers, mapped and read-only; nothing is read yet."""
        column = self._columns[name]
        # to_numpy would import pandas, 30 MB in every process
        return np.frombuffer(column.buffers()[1], _NUMPY_NAMES.get(column.type, str(column.type)), len(column))

    def texts(self, name: str) -> "TextColumn[str]":
        """Return a column of texts."""
        return TextColumn(self._columns[name])

    def blobs(self, name: str) -> "TextColumn[bytes]":
        """Return a column of bytes."""
        return TextColumn(self._columns[name])

    def row(self, number: int) -> dict[str, Any]:
        """Return the values of one row by column; raises `IndexError` outside the table."""
        return {name: column[number].as_py() for name, column in self._columns.items()}

    def chunks(self) -> Iterator[dict[str, pa.Array]]:
        """Yield the columns of some thousand rows after another."""
        for start in range(0, len(self), ROWS_AT_ONCE):
            yield {name: column.slice(start, ROWS_AT_ONCE) for name, column in self._columns.items()}

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the rows, in their order."""
        for start in range(0, len(self), ROWS_AT_ONCE):
            yield from self._batch.slice(start, ROWS_AT_ONCE).to_pylist()


class TextColumn(Sequence[_Value]):
    """A column of texts or bytes in a mapped file, read one at a time."""

    def __init__(self, values: pa.Array) -> None:
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    @overload
    def __getitem__(self, place: int) -> _Value: ...
    @overload
    def __getitem__(self, place: slice) -> list[_Value]: ...
    def __getitem__(self, place: int | slice) -> _Value | list[_Value]:
        found = self._values[place]
        return found.to_pylist() if isinstance(place, slice) else found.as_py()

    def __iter__(self) -> Iterator[_Value]:
        for start in range(0, len(self), ROWS_AT_ONCE):
            yield from self._values.slice(start, ROWS_AT_ONCE).to_pylist()


class GrowingTable:
    """A table that grows in scratch files below a folder of its own, of which `batch` is a mapped view.

    Types of columns: integers and floats of fixed width, `pa.binary(K)`, `pa.large_string()`, `pa.large_binary()`;
    nothing may be null.
    """

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self._schema, self._rows = schema, 0
        self._columns = [_GrowingColumn(folder / str(place), field) for place, field in enumerate(schema)]

    def add(self, columns: Mapping[str, Any]) -> None:
        """Put a chunk of all columns (arrays or sequences of equal length) behind the rows that are there."""
        arrays = [_as_array(columns[field.name], field) for field in self._schema]
        lengths = {len(array) for array in arrays}
        if len(lengths) != 1:
            raise ValueError(f"columns of different lengths: {sorted(lengths)}")
        self._rows += lengths.pop()
        for column, array in zip(self._columns, arrays, strict=True):
            column.add(array)

    def close(self) -> None:
        """Close the files; rows can no longer be added."""
        for column in self._columns:
            column.close()

    def batch(self) -> pa.RecordBatch:
        """Return the rows of a closed table."""
        return pa.RecordBatch.from_arrays([column.array(self._rows) for column in self._columns], schema=self._schema)

    @property
    def crc(self) -> dict[str, list[int]]:
        """CRC-32 of the buffers of each column."""
        return {column.field.name: column.crc for column in self._columns}


class TableWriter:
    """Writes a table chunk by chunk; it appears at `path` when the `with` block ends without an error, or not at all.

    Raises `DataError` when the disk is full, `ConfigError` when it cannot be written.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.about: dict[str, Any] = {}
        """What the table says of itself, as JSON; filled until the block ends."""
        self.path, self._schema = path, schema

    def __enter__(self) -> "TableWriter":
        with disk_faults(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._scratch = tempfile.TemporaryDirectory(prefix=f".{self.path.name}-", dir=self.path.parent)
            self._rows = GrowingTable(Path(self._scratch.name), self._schema)
        return self

    def add(self, columns: Mapping[str, Any]) -> None:
        """Put a chunk of all columns (arrays or sequences of equal length) behind the rows that are there."""
        with disk_faults(self.path):
            self._rows.add(columns)

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        try:
            with disk_faults(self.path):
                self._rows.close()
                if kind is None:
                    self._finish()
        finally:
            self._scratch.cleanup()

    def _finish(self) -> None:
        schema = self._schema.with_metadata({_ABOUT: json.dumps(self.about), _CRC: json.dumps(self._rows.crc)})
        whole = Path(self._scratch.name) / "whole"
        with pa.OSFile(str(whole), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
            writer.write_batch(self._rows.batch())
        with whole.open("rb") as written:
            os.fsync(written.fileno())
        whole.replace(self.path)


class _GrowingColumn:
    """The buffers of a column, growing in files: its values and, for texts and bytes, where each of them ends."""

    def __init__(self, path: Path, field: pa.Field) -> None:
        self.field = field
        self._is_text = field.type in (pa.large_string(), pa.large_binary())
        self._paths = [path.with_suffix(".ends"), path.with_suffix(".values")] if self._is_text else [path]
        self._files: list[BinaryIO] = [part.open("wb") for part in self._paths]
        self.crc = [0] * len(self._paths)
        """CRC-32 of each buffer so far."""
        self._end = 0
        if self._is_text:
            self._write(0, np.zeros(1, np.int64))

    def add(self, array: pa.Array) -> None:
        first, last = array.offset, array.offset + len(array)
        buffers = array.buffers()
        if not self._is_text:
            width = self.field.type.bit_width // 8
            self._write(0, memoryview(buffers[1])[first * width : last * width] if len(array) else b"")
            return
        end_N = np.frombuffer(buffers[1], np.int64)[first : last + 1] if len(array) else np.zeros(1, np.int64)
        self._write(0, end_N[1:] + (self._end - end_N[0]))
        self._write(1, memoryview(buffers[2])[end_N[0] : end_N[-1]] if buffers[2] else b"")
        self._end += int(end_N[-1] - end_N[0])

    def close(self) -> None:
        for file in self._files:
            file.close()

    def array(self, rows: int) -> pa.Array:
        """Return the column as an array mapped from the files."""
        return pa.Array.from_buffers(self.field.type, rows, [None, *map(_mapped, self._paths)])

    def _write(self, part: int, content: Any) -> None:
        self._files[part].write(content)
        self.crc[part] = zlib.crc32(content, self.crc[part])


def _as_array(values: Any, field: pa.Field) -> pa.Array:
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    array = values.cast(field.type) if isinstance(values, pa.Array) else pa.array(values, field.type)
    if array.null_count:
        raise ValueError(f"column {field.name} has {array.null_count} values that are null")
    return array


def _mapped(path: Path) -> pa.Buffer:
    return pa.memory_map(str(path)).read_buffer() if path.stat().st_size else pa.py_buffer(b"")
