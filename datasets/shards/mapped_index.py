"""The index of a dataset as a mapped table, its clips in the order in which they lie: by shard, then by offset.

It is made once from index.parquet, a group of rows at a time: the columns are copied in the order of keys, then taken
in the order of storage. On the way every row is looked at: keys ascend, so that none occurs twice, and sizes, rates and
hashes are what they can be. A score that was not measured is NaN in the table and None in its row.

What the table says of itself:

    groups           names of the shards
    content          SHA-256 over "KEY SHA256\\n" by key: the same for the same clips in other shards
    identity         the same in the order of storage, behind the number of clips in each shard
    bytes, seconds   of all clips

Shapes: N clips, G shards.
"""

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from densewalk.datasets.errors import DataError
from densewalk.datasets.kept_table import CLIP_COLUMNS
from densewalk.datasets.mapped_table import ROWS_AT_ONCE, GrowingTable, MappedTable, TableWriter
from densewalk.datasets.quality import ClipQuality
from densewalk.datasets.records import ClipRow
from densewalk.datasets.row_tables import read_groups

__all__ = ["INDEX_COLUMNS", "clip_row", "clip_rows", "fill_from_index"]

_SCORES = tuple(field.name for field in fields(ClipQuality))
_TYPES: dict[Any, pa.DataType] = {str: pa.large_string(), int: pa.int64(), float: pa.float64()}
_OWN = {"shard", "sha256", *(column.name for column in CLIP_COLUMNS)}

INDEX_COLUMNS = pa.schema(
    [
        *CLIP_COLUMNS,
        pa.field("sha256", pa.binary(32)),
        *(pa.field(own.name, _TYPES.get(own.type, pa.float64())) for own in fields(ClipRow) if own.name not in _OWN),
    ]
)
"""Columns of the table: those of `ClipRow`, where `group` numbers the shards and a hash is its 32 bytes."""

_RANGES = {
    "bytes": (1, 2**48),
    "offset": (512, 2**56),
    "frames": (1, 2**31 - 1),
    "fps": (1e-3, 1e5),
    "height": (1, 2**15),
    "width": (1, 2**15),
}
"""Least and greatest value of what reading a clip relies on."""


def fill_from_index(index: BinaryIO, name: str, writer: TableWriter) -> None:
    """Write the clips of an index.parquet into a table with `INDEX_COLUMNS`; `name` is what messages call the index.

    Raises `DataError` when the file is damaged, a key occurs twice or a value is none that a clip can have.
    """
    with tempfile.TemporaryDirectory(prefix=f".{writer.path.name}-", dir=writer.path.parent) as scratch:
        by_key = GrowingTable(Path(scratch), INDEX_COLUMNS)
        try:
            shards = _copy(index, name, by_key, writer.about)
        finally:
            by_key.close()
        batch = by_key.batch()
        rank_G = np.empty(len(shards), np.int32)
        rank_G[sorted(range(len(shards)), key=shards.__getitem__)] = np.arange(len(shards))
        group_N = rank_G[batch["group"].to_numpy()]
        order_N = np.lexsort((batch["offset"].to_numpy(), group_N))
        identity = hashlib.sha256(np.bincount(group_N, minlength=len(shards)).astype("<i8").tobytes())
        for start in range(0, len(order_N), ROWS_AT_ONCE):
            taken_N = order_N[start : start + ROWS_AT_ONCE]
            columns: dict[str, Any] = {name: batch[name].take(pa.array(taken_N)) for name in INDEX_COLUMNS.names}
            columns["group"] = group_N[taken_N]
            identity.update(_lines(columns["key"].to_pylist(), columns["sha256"].to_pylist()))
            writer.add(columns)
    writer.about.update(groups=sorted(shards), identity=identity.hexdigest())


def clip_row(table: MappedTable, number: int) -> ClipRow:
    """Return one row of a table with `INDEX_COLUMNS`; raises `IndexError` outside it."""
    return _row(table.row(number), table.about["groups"])


def clip_rows(table: MappedTable) -> Iterator[ClipRow]:
    """Yield all rows of a table with `INDEX_COLUMNS`."""
    groups = table.about["groups"]
    return (_row(values, groups) for values in table.rows())


def _row(values: dict[str, Any], groups: Sequence[str]) -> ClipRow:
    values |= {"shard": groups[values.pop("group")], "sha256": values["sha256"].hex()}
    return ClipRow(**(values | {score: None for score in _SCORES if values[score] != values[score]}))


def _copy(index: BinaryIO, name: str, by_key: GrowingTable, about: dict[str, Any]) -> list[str]:
    """Copy an index in its order, looking at every row; return the shards, which are numbered as they come."""
    content, shards, last = hashlib.sha256(), dict[str, int](), ""
    total, seconds = 0, 0.0
    for rows in read_groups(index, ClipRow, name=name):
        keys, hashes = rows["key"].to_pylist(), rows["sha256"].to_pylist()
        _require_ascending(last, keys, name)
        numbers = {column: rows[column].to_numpy() for column in _RANGES}
        _require_possible(numbers, keys, name)
        digests = _digests(hashes, keys, name)
        content.update(_lines(keys, digests))
        group = [shards.setdefault(shard, len(shards)) for shard in rows["shard"].to_pylist()]
        columns = {column.name: _column(rows, column) for column in INDEX_COLUMNS if column.name not in _OWN}
        by_key.add({**columns, **numbers, "key": keys, "sha256": digests, "group": group})
        total += int(numbers["bytes"].sum())
        seconds += float((numbers["frames"] / numbers["fps"]).sum())
        last = keys[-1] if keys else last
    about.update(content=content.hexdigest(), bytes=total, seconds=seconds)
    return list(shards)


def _column(rows: pa.Table, column: pa.Field) -> Any:
    """Return a column; one that an earlier version did not write has the default of its field."""
    if column.name not in rows.column_names:
        default = next(own.default for own in fields(ClipRow) if own.name == column.name)
        assert default is not MISSING, "the reader of tables asks for columns without a default"
        return [np.nan if default is None else default] * len(rows)
    return rows[column.name].fill_null(np.nan) if column.name in _SCORES else rows[column.name]


def _lines(keys: Sequence[str], digests: Sequence[bytes]) -> bytes:
    return "".join(f"{key} {digest.hex()}\n" for key, digest in zip(keys, digests, strict=True)).encode()


def _digests(hashes: Sequence[str], keys: Sequence[str], name: str) -> list[bytes]:
    try:
        digests = [bytes.fromhex(text) for text in hashes]
    except ValueError:
        digests = []
    if [len(digest) for digest in digests] != [32] * len(hashes):
        wrong = next((key, text) for key, text in zip(keys, hashes, strict=True) if not _is_digest(text))
        raise DataError(f"{name} says that clip {wrong[0]} has the SHA-256 {wrong[1]!r}; {_PUT_BACK}")
    return digests


def _is_digest(text: str) -> bool:
    return len(text) == 64 and set(text) <= set("0123456789abcdef")


_PUT_BACK = "put the index that prepare made back"


def _require_ascending(last: str, keys: Sequence[str], name: str) -> None:
    for before, key in zip([last, *keys], keys, strict=False):
        if key <= before:
            fault = "has a row twice for clip" if key == before else f"is not in the order of keys after {before}:"
            raise DataError(f"{name} {fault} {key}; {_PUT_BACK}")


def _require_possible(numbers: dict[str, np.ndarray], keys: Sequence[str], name: str) -> None:
    for column, (least, greatest) in _RANGES.items():
        sound_N = (numbers[column] >= least) & (numbers[column] <= greatest)
        if not sound_N.all():
            place = int(np.argmin(sound_N))
            found = numbers[column][place]
            raise DataError(f"{name} says that clip {keys[place]} has {column} {found}; {_PUT_BACK}")
