"""A repair takes out whole sources that are damaged, marks them, and leaves every sound clip as it was."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from densewalk.datasets.dataset import Dataset
from densewalk.datasets.dataset_card import read_card
from densewalk.datasets.errors import DataError
from densewalk.datasets.ledger import read_ledger
from densewalk.datasets.records import ClipRow, file_sha256
from densewalk.datasets.row_tables import read_rows, write_rows
from densewalk.pipelines.corpus.audit.auditing import audit
from densewalk.pipelines.corpus.care.repairing import DAMAGED, RepairResult, repair
from densewalk.pipelines.corpus.homes.folder_home import FolderHome
from tests.killed_steps import steps_before_death
from tests.made_datasets import MadeDataset, copy_verdict

MADE = MadeDataset(sources=5, clips=2, shard_clips=4)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Ten clips of five sources in three shards; the first source has a copy."""
    return replace(MADE, verdicts=(copy_verdict("/copies/b.mp4", MADE.source(0)),)).write(tmp_path / "D")


def _repair(folder: Path) -> RepairResult:
    return repair(FolderHome(folder), decode_one_in=1)


def _digest(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): file_sha256(path) for path in folder.rglob("*") if path.is_file()}


def _flip(folder: Path, at: Callable[[int], int]) -> None:
    """Flip a bit of the third clip's shard, at a place given from its offset."""
    row = Dataset.open(folder).row(2)
    path = folder / "shards" / row.shard
    content = bytearray(path.read_bytes())
    content[at(row.offset)] ^= 2
    path.write_bytes(content)


def _cut(folder: Path) -> None:
    path = folder / "shards" / "clips-00001.tar"
    path.write_bytes(path.read_bytes()[:5000])


def _change_index(folder: Path, change: Callable[[list[ClipRow]], list[ClipRow]]) -> None:
    rows = change(list(read_rows(folder / "index.parquet", ClipRow)))
    write_rows(folder / "index.parquet", ClipRow, rows)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a flipped bit of a clip": lambda folder: _flip(folder, lambda offset: offset + 50),
    "a flipped bit of a header": lambda folder: _flip(folder, lambda offset: offset - 500),
    "a shard that is cut off": _cut,
    "a shard that is gone": lambda folder: (folder / "shards" / "clips-00001.tar").unlink(),
}
LIES: dict[str, Callable[[list[ClipRow]], list[ClipRow]]] = {
    "a row is lost": lambda rows: rows[1:],
    "rows are swapped": lambda rows: [rows[1], rows[0], *rows[2:]],
    "clips lie elsewhere": lambda rows: [replace(row, offset=row.offset + 512) for row in rows],
    "another licence": lambda rows: [replace(row, licence="nobody knows") for row in rows],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damage_costs_its_sources_and_leaves_a_sound_dataset(dataset: Path, damage: Callable[[Path], object]) -> None:
    before = Dataset.open(dataset)
    content = {row.key: before.read_clip(row) for row in before}
    damage(dataset)
    broken = audit(FolderHome(dataset), decode_one_in=1).findings
    lost = {key.partition("-")[0] for key in broken.clips} | broken.sources
    result = _repair(dataset)
    after = Dataset.open(dataset)
    assert 0 < len(lost) < 5
    assert {row.source_id for row in before} - {row.source_id for row in after} == lost
    assert all(after.read_clip(row) == content[row.key] for row in after)
    rows = {row.id: row for row in read_ledger(dataset / "ledger.parquet") if row.kind == "source"}
    assert {(rows[source].outcome, rows[source].reason) for source in lost} == {("failed", DAMAGED)}
    assert set(result.again) == {rows[source].uri for source in lost}
    assert audit(FolderHome(dataset), decode_one_in=1).findings.texts == []
    assert not (dataset / ".work").exists()


def test_a_sound_dataset_is_left_alone(dataset: Path) -> None:
    before = _digest(dataset)
    stamps = {path: path.stat().st_mtime_ns for path in dataset.rglob("*") if path.is_file()}
    result = _repair(dataset)
    assert (result.clips, result.again, result.found.findings.count) == (0, (), 0)
    assert _digest(dataset) == before
    assert stamps == {path: path.stat().st_mtime_ns for path in dataset.rglob("*") if path.is_file()}


@pytest.mark.parametrize("loss", ["garbage", "gone"])
def test_an_index_that_cannot_be_read_is_rebuilt_byte_for_byte(dataset: Path, loss: str) -> None:
    before = _digest(dataset)
    (dataset / "index.parquet").unlink()
    if loss == "garbage":
        (dataset / "index.parquet").write_bytes(b"PAR1 garbage")
    result = _repair(dataset)
    assert result.rebuilt_index
    assert result.clips == 0
    assert _digest(dataset) == before


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_an_index_that_contradicts_sound_shards_costs_no_clip(
    dataset: Path, lie: Callable[[list[ClipRow]], list[ClipRow]]
) -> None:
    before = _digest(dataset)
    _change_index(dataset, lie)
    assert audit(FolderHome(dataset)).findings.index
    result = _repair(dataset)
    assert (result.rebuilt_index, result.clips, result.again) == (True, 0, ())
    assert _digest(dataset) == before


@pytest.mark.parametrize("table", ["signatures.parquet", "ledger.parquet", "sources.parquet", "dataset.json"])
def test_a_lost_table_costs_no_clip_either(dataset: Path, table: str) -> None:
    (dataset / table).unlink()
    before = _digest(dataset)
    with pytest.raises(DataError, match=table):
        audit(FolderHome(dataset))
    with pytest.raises(DataError, match=table):
        _repair(dataset)
    assert _digest(dataset) == before


def test_a_rebuilt_index_lacks_clips_that_are_damaged(dataset: Path) -> None:
    lost = Dataset.open(dataset).row(2).source_id
    _flip(dataset, lambda offset: offset + 50)
    (dataset / "index.parquet").unlink()
    assert _repair(dataset).again == (next(MADE.source(n).uri for n in range(5) if MADE.source(n).id == lost),)
    assert lost not in {row.source_id for row in Dataset.open(dataset)}
    assert audit(FolderHome(dataset)).findings.texts == []


def test_a_foreign_shard_goes_and_a_foreign_file_stays(dataset: Path) -> None:
    before = _digest(dataset)
    (dataset / "shards" / "clips-00009.tar").write_bytes(b"from elsewhere")
    (dataset / "shards" / "notes.txt").write_text("mine")
    _repair(dataset)
    assert (dataset / "shards" / "notes.txt").read_text() == "mine"
    (dataset / "shards" / "notes.txt").unlink()
    assert _digest(dataset) == before


def test_an_index_of_another_dataset_leaves_what_both_hold(dataset: Path, tmp_path: Path) -> None:
    other = replace(MADE, sources=3, clips=2).write(tmp_path / "other")
    (dataset / "index.parquet").write_bytes((other / "index.parquet").read_bytes())
    _repair(dataset)
    assert audit(FolderHome(dataset), decode_one_in=1).findings.texts == []


def test_a_name_that_has_two_rows_keeps_the_first(dataset: Path) -> None:
    before = _digest(dataset)
    path = dataset / "ledger.parquet"
    table = pq.read_table(path)
    rows = table.to_pylist()
    pq.write_table(table.from_pylist([rows[0], *rows], schema=table.schema), path)
    _repair(dataset)
    assert _digest(dataset) == before


def test_a_ledger_that_cannot_be_read_is_an_error_and_nothing_changes(dataset: Path) -> None:
    (dataset / "ledger.parquet").write_bytes(b"garbage")
    before = _digest(dataset)
    with pytest.raises(DataError, match=r"ledger\.parquet"):
        _repair(dataset)
    assert _digest(dataset) == before


def test_a_source_that_was_purged_is_not_asked_for_again(dataset: Path) -> None:
    path = dataset / "ledger.parquet"
    table = pq.read_table(path)
    rows = table.to_pylist()
    purged = MADE.source(3).id
    for row in rows:
        row["outcome"] = "purged" if row["id"] == purged else row["outcome"]
    pq.write_table(table.from_pylist(rows, schema=table.schema), path)
    _repair(dataset)
    assert purged not in {row.source_id for row in Dataset.open(dataset)}
    (row,) = (row for row in read_ledger(path) if row.id == purged)
    assert row.outcome == "purged"


@pytest.mark.slow
def test_a_repair_that_is_killed_at_any_step_is_finished_by_the_next(tmp_path: Path) -> None:
    def broken(name: str) -> Path:
        folder = MADE.write(tmp_path / name)
        _flip(folder, lambda offset: offset + 50)
        return folder

    whole = broken("whole")
    steps = steps_before_death(lambda: _repair(whole), kill_at=0)
    assert steps is not None
    assert steps > 10
    for number in range(1, steps + 1):
        folder = broken(str(number))
        assert steps_before_death(lambda folder=folder: _repair(folder), kill_at=number) is None
        _repair(folder)
        assert _digest(folder) == _digest(whole), f"killed at step {number} of {steps}"
        assert read_card(folder).num_clips == 8
