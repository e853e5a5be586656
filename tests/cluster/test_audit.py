"""An audit finds every kind of disagreement and nothing in a sound dataset."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from densewalk.cluster.audit import audit
from densewalk.datasets.errors import DataError


def test_a_sound_dataset_has_no_findings(small_dataset: Path) -> None:
    heard: list[tuple[int, int]] = []
    result = audit(small_dataset, on_clip=lambda done, total: heard.append((done, total)))
    assert result.findings == ()
    assert heard == [(1, 3), (2, 3), (3, 3)]
    assert result.reasons == [("source", "failed", "no video stream", 1)]


@pytest.mark.parametrize("byte", [600, 900])
def test_a_damaged_clip_is_named_with_its_shard_and_the_others_are_still_read(small_dataset: Path, byte: int) -> None:
    shard = small_dataset / "shards" / "clips-00000.tar"
    content = bytearray(shard.read_bytes())
    content[byte] ^= 0xFF
    shard.write_bytes(content)
    result = audit(small_dataset)
    first = result.dataset.rows[0]
    assert sum(first.key in finding and "damaged" in finding for finding in result.findings) == 1
    assert sum("SHA-256 of dataset.json" in finding for finding in result.findings) == 1
    assert len(result.findings) == 2


def test_a_missing_and_an_unknown_shard_are_found(small_dataset: Path) -> None:
    shards = small_dataset / "shards"
    (shards / "clips-00001.tar").rename(shards / "clips-00007.tar")
    findings = "\n".join(audit(small_dataset).findings)
    assert "clips-00001.tar is in dataset.json and not in shards/" in findings
    assert "clips-00007.tar is in shards/ and not in dataset.json" in findings


def test_a_cut_off_shard_is_found(small_dataset: Path) -> None:
    shard = small_dataset / "shards" / "clips-00001.tar"
    shard.write_bytes(shard.read_bytes()[:700])
    findings = audit(small_dataset).findings
    assert any("cut off" in finding for finding in findings)


@pytest.mark.parametrize("kind", ["clip", "source"])
def test_a_ledger_that_lost_a_row_is_found(small_dataset: Path, kind: str) -> None:
    path = small_dataset / "ledger.parquet"
    table = pq.read_table(path)
    rows = table.to_pylist()
    lost = next(number for number, row in enumerate(rows) if row["kind"] == kind and row["outcome"] == "written")
    del rows[lost]
    pq.write_table(table.from_pylist(rows, schema=table.schema), path)
    findings = "\n".join(audit(small_dataset).findings)
    assert f"the ledger counts {kind}s" in findings
    assert ("not written in the ledger") in findings


def test_a_card_that_counts_otherwise_is_found(small_dataset: Path) -> None:
    path = small_dataset / "dataset.json"
    card = json.loads(path.read_text())
    card["source_outcomes"]["failed"] = 0
    path.write_text(json.dumps(card))
    assert any("dataset.json says" in finding for finding in audit(small_dataset).findings)


def test_a_folder_that_is_no_dataset_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a dataset folder"):
        audit(tmp_path)
