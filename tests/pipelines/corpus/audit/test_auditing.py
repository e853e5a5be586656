"""An audit finds every kind of disagreement, names what it is of, and finds nothing in a sound dataset."""

import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from densewalk.datasets.dataset import Dataset
from densewalk.datasets.errors import DataError
from densewalk.datasets.shards.index import read_index
from densewalk.datasets.shards.tar import write_shard
from densewalk.pipelines.corpus.audit.auditing import audit
from densewalk.pipelines.corpus.audit.findings import Audit
from densewalk.pipelines.corpus.homes.folder_home import FolderHome
from tests.made_datasets import MadeDataset


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Twelve clips of four sources in three shards."""
    return MadeDataset().write(tmp_path / "D")


def _audit(folder: Path, **settings: Any) -> Audit:
    return audit(FolderHome(folder), **settings)


def _edit(path: Path, change: Callable[[list[dict[str, Any]]], None]) -> None:
    table = pq.read_table(path)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)


def test_a_sound_dataset_has_no_findings(dataset: Path) -> None:
    heard: list[tuple[int, int]] = []
    result = _audit(dataset, decode_one_in=1, on_shard=lambda done, total: heard.append((done, total)))
    assert result.findings.texts == []
    assert heard == [(1, 3), (2, 3), (3, 3)]
    assert result.decoded == 12
    assert result.bytes == sum(path.stat().st_size for path in (dataset / "shards").iterdir())
    assert result.hash == Dataset.open(dataset).hash
    assert result.facts.sizes == {"64x64": 12}


def test_one_clip_in_n_is_played_and_at_least_one_of_a_shard(dataset: Path) -> None:
    assert [_audit(dataset, decode_one_in=n).decoded for n in (0, 100, 2)] == [0, 3, 7]


@pytest.mark.parametrize("place", ["mp4", "json", "header"])
def test_a_flipped_bit_costs_the_clip_it_lies_in(dataset: Path, place: str) -> None:
    row = Dataset.open(dataset).row(4)
    path = dataset / "shards" / row.shard
    content = bytearray(path.read_bytes())
    at = {"mp4": row.offset + 40, "header": row.offset - 512 + 20}
    at["json"] = content.index(b'"bytes"', row.offset)
    content[at[place]] ^= 4
    path.write_bytes(content)
    found = _audit(dataset).findings
    assert found.clips == {row.key}
    assert found.shards == {row.shard}
    assert any(row.key in text for text in found.texts)
    assert any("SHA-256 of dataset.json" in text for text in found.texts)


def test_a_cut_off_shard_keeps_the_clips_before_the_cut(dataset: Path) -> None:
    rows = [row for row in Dataset.open(dataset) if row.shard == "clips-00001.tar"]
    rows.sort(key=lambda row: row.offset)
    path = dataset / "shards" / "clips-00001.tar"
    path.write_bytes(path.read_bytes()[: rows[2].offset + 100])
    found = _audit(dataset).findings
    assert found.clips == {row.key for row in rows[2:]}
    assert any("cut off" in text for text in found.texts)


def test_a_missing_shard_and_foreign_files_are_found(dataset: Path) -> None:
    shards = dataset / "shards"
    lost = {row.key for row in Dataset.open(dataset) if row.shard == "clips-00001.tar"}
    (shards / "clips-00001.tar").rename(shards / "clips-00007.tar")
    (shards / "notes.txt").write_text("notes")
    found = _audit(dataset).findings
    texts = "\n".join(found.texts)
    assert found.clips == lost
    assert "clips-00001.tar is in dataset.json and not in shards/" in texts
    assert "clips-00007.tar is in shards/ and not in dataset.json" in texts
    assert "notes.txt is in shards/ and not in dataset.json: none of its files" in texts


def test_a_clip_that_the_index_does_not_know_is_found(dataset: Path) -> None:
    path = dataset / "shards" / "clips-00002.tar"
    with tarfile.open(path) as tar:
        content = [(member.name, tar.extractfile(member).read()) for member in tar.getmembers()]
    write_shard(path, [*content, ("stranger.mp4", b"x")])
    found = _audit(dataset).findings
    assert found.clips == set()
    assert found.shards == {path.name}
    assert "clip stranger is in shard clips-00002.tar and not in the index" in found.texts


def test_an_index_of_another_dataset_is_found_clip_by_clip(dataset: Path, tmp_path: Path) -> None:
    other = MadeDataset(clips=4).write(tmp_path / "other")
    (dataset / "index.parquet").write_bytes((other / "index.parquet").read_bytes())
    found = _audit(dataset).findings
    assert len(found.clips) >= 12
    assert "num_clips 16, dataset.json says 12" in "\n".join(found.texts)


def test_a_row_that_does_not_describe_its_clip_is_found(dataset: Path) -> None:
    def slower(rows: list[dict[str, Any]]) -> None:
        rows[3]["fps"] = 12.0

    _edit(dataset / "index.parquet", slower)
    found = _audit(dataset, decode_one_in=1).findings
    assert found.clips == {read_index(dataset / "index.parquet")[3].key}
    assert "its json says fps 10.0, the index 12.0" in "\n".join(found.texts)
    assert "the tables give index_sha256" in "\n".join(found.texts)


@pytest.mark.parametrize(
    ("table", "kind", "said"),
    [
        ("ledger", "clip", "is in the index and not written in the ledger"),
        ("ledger", "source", "is not written in the ledger: absent"),
        ("sources", "", "has clips and no row in the table of sources"),
        ("signatures", "", "has no row of its own in the table of signatures"),
        ("index", "", "is written in the ledger and not in the index"),
    ],
)
def test_a_table_that_lost_a_row_is_found(dataset: Path, table: str, kind: str, said: str) -> None:
    def lose(rows: list[dict[str, Any]]) -> None:
        del rows[next(number for number, row in enumerate(rows) if row.get("kind", kind) == kind)]

    _edit(dataset / f"{table}.parquet", lose)
    found = _audit(dataset).findings
    assert said in "\n".join(found.texts)
    assert len({key.partition("-")[0] for key in found.clips} | found.sources) == 1


def test_a_name_with_two_rows_is_found(dataset: Path) -> None:
    _edit(dataset / "ledger.parquet", lambda rows: rows.insert(0, dict(rows[0])))
    assert "has two rows" in "\n".join(_audit(dataset).findings.texts)


def test_a_card_that_counts_otherwise_is_found(dataset: Path) -> None:
    path = dataset / "dataset.json"
    card = json.loads(path.read_text())
    card["source_outcomes"]["failed"] = 1
    path.write_text(json.dumps(card))
    found = _audit(dataset).findings
    assert found.books
    assert any("dataset.json says" in text for text in found.texts)


def test_a_folder_that_is_no_dataset_and_a_table_that_is_none_are_errors(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a finished dataset"):
        _audit(tmp_path)
    (dataset / "index.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"cannot read .*index\.parquet"):
        _audit(dataset)


def test_a_change_that_waits_to_be_finished_is_an_error(dataset: Path) -> None:
    (dataset / ".work" / "commit").mkdir(parents=True)
    (dataset / ".work" / "commit" / "READY").touch()
    with pytest.raises(DataError, match="broken off in its last step"):
        _audit(dataset)
