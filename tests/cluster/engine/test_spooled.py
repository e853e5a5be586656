"""Records wait in files; those that are left over are written again, in order."""

from collections.abc import Callable
from pathlib import Path

import pytest

from densewalk.cluster.engine import spooled
from densewalk.cluster.engine.parcels import Parcel
from densewalk.cluster.engine.spooled import SpooledRecords, read_parcels
from densewalk.cluster.engine.wire import from_text
from densewalk.pipelines.records import Entry


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SpooledRecords:
    monkeypatch.setattr(spooled, "_RECORDS_A_PART", 4)
    records = SpooledRecords(tmp_path / "records")
    assert records.write(Entry(uri=f"/ü {number}\udce9") for number in range(10)) == 10
    return records


def _read(records: SpooledRecords, size: Callable[[int], int] = lambda _: 3) -> list[Parcel]:
    tables = [table for part in records.parts() for table in read_parcels(part, size, records.before(part))]
    return [Parcel.from_text(text) for table in tables for text in table.column("parcel").to_pylist()]


def test_records_come_as_parcels_for_the_first_lane(spool: SpooledRecords) -> None:
    parcels = _read(spool)
    assert [len(parcel.records) for parcel in parcels] == [3, 1, 3, 1, 2]
    assert {parcel.lane for parcel in parcels} == {0}
    records = [record for parcel in parcels for record in parcel.records]
    assert [number for number, _ in records] == list(range(10))
    assert from_text(records[7][1]) == Entry(uri="/ü 7\udce9")


def test_parcels_get_smaller_towards_the_end(spool: SpooledRecords) -> None:
    parcels = _read(spool, lambda before: max((10 - before) // 2, 1))
    assert [len(parcel.records) for parcel in parcels] == [4, 3, 1, 1, 1]


def test_those_that_are_left_keep_their_numbers(spool: SpooledRecords, tmp_path: Path) -> None:
    left = SpooledRecords(tmp_path / "left")
    assert left.write_from(spool, lambda number: number in (2, 7, 9)) == 3
    spool.remove()
    assert not spool.folder.exists()
    records = [record for parcel in _read(left) for record in parcel.records]
    assert [(number, from_text(text).uri[-2]) for number, text in records] == [(2, "2"), (7, "7"), (9, "9")]
