import json
import pickle
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from densewalk.datasets.errors import DataError
from densewalk.datasets.mapped_table import MappedTable, TableWriter

SCHEMA = pa.schema(
    [
        pa.field("name", pa.large_string()),
        pa.field("count", pa.int32()),
        pa.field("rate", pa.float64()),
        pa.field("hash", pa.binary(4)),
        pa.field("blob", pa.large_binary()),
    ]
)
ROWS = st.lists(
    st.tuples(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
        st.integers(-(2**31), 2**31 - 1),
        st.floats(allow_nan=False),
        st.binary(min_size=4, max_size=4),
        st.binary(max_size=40),
    ),
    max_size=12,
)


def _columns(rows: list[tuple]) -> dict[str, list]:
    return {name: [row[place] for row in rows] for place, name in enumerate(SCHEMA.names)}


def _write(path: Path, *chunks: list[tuple]) -> MappedTable:
    with TableWriter(path, SCHEMA) as writer:
        for rows in chunks:
            writer.add(_columns(rows))
        writer.about["made of"] = "ö"
    return MappedTable.checked(path)


@given(chunks=st.lists(ROWS, max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
def test_rows_come_back_whatever_chunks_they_were_written_in(tmp_path: Path, chunks: list[list[tuple]]) -> None:
    table = _write(tmp_path / "a.arrow", *chunks)
    rows = [row for chunk in chunks for row in chunk]
    assert len(table) == len(rows)
    assert [tuple(row.values()) for row in table.rows()] == rows
    assert [tuple(table.row(number).values()) for number in range(len(rows))] == rows
    assert table.numbers("count").tolist() == [row[1] for row in rows]
    assert list(table.texts("name")) == table.texts("name")[:] == [row[0] for row in rows]
    assert [table.blobs("blob")[number] for number in range(len(rows))] == [row[4] for row in rows]


def test_parts_of_arrow_arrays_are_written_without_their_rest(tmp_path: Path) -> None:
    rows = [(f"n{number}", number, number / 2, b"%04d" % number, b"x" * number) for number in range(9)]
    arrays = {field.name: pa.array(_columns(rows)[field.name], field.type)[3:7] for field in SCHEMA}
    with TableWriter(tmp_path / "a.arrow", SCHEMA) as writer:
        writer.add(arrays)
        writer.add({name: pa.chunked_array([array[:1], array[2:]]) for name, array in arrays.items()})
    table = MappedTable.checked(tmp_path / "a.arrow")
    assert [tuple(row.values()) for row in table.rows()] == [*rows[3:7], rows[3], *rows[5:7]]


def test_numbers_are_mapped_and_cannot_be_written(tmp_path: Path) -> None:
    table = _write(tmp_path / "a.arrow", [("a", 1, 0.5, b"aaaa", b"")])
    count_N = table.numbers("count")
    assert not count_N.flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        count_N[0] = 2


def test_table_is_pickled_as_its_path(tmp_path: Path) -> None:
    table = _write(tmp_path / "a.arrow", [(f"n{number}", number, 0.5, b"aaaa", b"x" * 100) for number in range(5000)])
    pickled = pickle.dumps(table)
    assert len(pickled) < 500
    assert list(pickle.loads(pickled).rows()) == list(table.rows())


def test_a_failed_writer_leaves_what_was_there(tmp_path: Path) -> None:
    _write(tmp_path / "a.arrow", [("a", 1, 0.5, b"aaaa", b"")])
    before = (tmp_path / "a.arrow").read_bytes()
    with pytest.raises(ValueError, match="null"), TableWriter(tmp_path / "a.arrow", SCHEMA) as writer:
        writer.add(_columns([(None, 2, 0.5, b"bbbb", b"")]))
    assert (tmp_path / "a.arrow").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.arrow"]


def test_nulls_and_columns_of_different_lengths_are_refused(tmp_path: Path) -> None:
    columns = _columns([("a", 1, 0.5, b"aaaa", b"")])
    for changed, reason in [({"count": [None]}, "count has 1 values that are null"), ({"count": [1, 2]}, "lengths")]:
        with pytest.raises(ValueError, match=reason), TableWriter(tmp_path / "a.arrow", SCHEMA) as writer:
            writer.add(columns | changed)


def test_any_flipped_byte_of_the_columns_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.arrow"
    table = _write(path, [("name of a clip", 7, 0.123, b"#01#", b"some blob")] * 3)
    sound = path.read_bytes()
    places = [sound.index(part) for part in (b"name of a clip", b"#01#", b"some blob", np.float64(0.123).tobytes())]
    del table
    for place in places:
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 1]) + sound[place + 1 :])
        with pytest.raises(DataError, match=rf"table {path} is damaged in column"):
            MappedTable.checked(path)


@pytest.mark.parametrize("keep", [0, 100, 0.5, 0.99])
def test_cut_off_absent_and_foreign_files_are_no_tables(tmp_path: Path, keep: float) -> None:
    path = tmp_path / "a.arrow"
    _write(path, [("a", 1, 0.5, b"aaaa", b"")] * 100)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content)) if keep < 1 else int(keep)])
    with pytest.raises(DataError, match=f"cannot read table {path}"):
        MappedTable(path)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, pa.schema([("a", pa.int32())])) as writer:
        writer.write_batch(pa.record_batch({"a": pa.array([1], pa.int32())}))
    with pytest.raises(DataError, match=f"cannot read table {path}"):
        MappedTable(path)
    path.unlink()
    with pytest.raises(DataError, match=f"cannot read table {path}"):
        MappedTable(path)


def test_memory_of_writing_does_not_grow_with_the_table(tmp_path: Path) -> None:
    columns = _columns([(f"a longer name {number}", number, 0.5, b"aaaa", b"x" * 50) for number in range(2000)])

    def peak(chunks: int) -> int:
        tracemalloc.start()
        with TableWriter(tmp_path / "a.arrow", SCHEMA) as writer:
            for _ in range(chunks):
                writer.add(columns)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(40) < 1.5 * peak(4)


_HOLDS = """
import json, sys
from pathlib import Path
from densewalk.datasets.mapped_table import MappedTable

def held():
    return int(next(line for line in open("/proc/self/status") if line.startswith("RssAnon")).split()[1])

MappedTable(Path(sys.argv[1])).row(0)
before = held()
table = MappedTable(Path(sys.argv[1]))
count_N, names = table.numbers("count"), table.texts("name")
looked_at = [(int(count_N[place]), names[place]) for place in range(0, len(table), 5000)]
print(json.dumps([held() - before, len(looked_at)]))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_a_process_holds_only_what_it_looks_at(tmp_path: Path) -> None:
    rows = pa.array([f"a name of some length {number}" for number in range(100_000)], pa.large_string())
    columns = {"name": rows, "count": np.arange(100_000), "rate": np.zeros(100_000)}
    with TableWriter(tmp_path / "a.arrow", SCHEMA) as writer:
        for _ in range(4):
            writer.add(columns | {"hash": [b"aaaa"] * 100_000, "blob": rows.cast(pa.large_binary())})
    found = subprocess.run(
        [sys.executable, "-P", "-c", _HOLDS, tmp_path / "a.arrow"], check=True, capture_output=True, text=True
    )
    held_kib, looked_at = json.loads(found.stdout)
    assert looked_at == 80
    assert held_kib * 1024 < (tmp_path / "a.arrow").stat().st_size / 5
