"""The comparison finds what a broken preparation could leave: tampered, lost, doubled, unbalanced."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from densewalk.pipelines.engine import KILLED
from tests.chaos.comparison import Content, differences, folder_content, imbalances, poison_differences

_URIS = ("/a.mp4", "/b.mp4")


def _table(rows: list[dict[str, Any]]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), buffer)
    return buffer.getvalue()


def _row(kind: str, name: str, uri: str, outcome: str = "written", reason: str = "") -> dict[str, str]:
    return {"kind": kind, "id": name, "uri": uri, "outcome": outcome, "reason": reason}


_LEDGER = [
    _row("source", "a", "/a.mp4"),
    _row("source", "b", "/b.mp4", "failed", "not readable"),
    _row("clip", "k1", "/a.mp4"),
    _row("clip", "k2", "/a.mp4"),
]


def _dataset(
    ledger: list[dict[str, str]] = _LEDGER, keys: tuple[str, ...] = ("k1", "k2"), shard: bytes = b"clips"
) -> dict[str, bytes]:
    counts = dict.fromkeys(("written", "rejected", "failed", "purged"), 0)
    for row in ledger:
        counts[row["outcome"]] += row["kind"] == "source"
    card = {"source_outcomes": counts, "shard_sha256": {"clips-00000.tar": hashlib.sha256(shard).hexdigest()}}
    return {
        "dataset.json": json.dumps(card).encode(),
        "index.parquet": _table([{"key": key} for key in keys]),
        "ledger.parquet": _table(ledger),
        "shards/clips-00000.tar": shard,
    }


def _wrongs(found: Content) -> list[str]:
    return [*differences(_dataset(), found), *imbalances(found, _URIS)]


def test_equal_datasets_differ_in_nothing() -> None:
    assert _wrongs(_dataset()) == []


def test_what_tells_of_the_run_may_differ() -> None:
    assert _wrongs({**_dataset(), "runs.jsonl": b"today", "report.html": b"now"}) == []


def test_a_tampered_shard_differs_and_is_not_what_the_card_says() -> None:
    wrongs = _wrongs({**_dataset(), "shards/clips-00000.tar": b"clipt"})
    assert any(wrong.startswith("differs: shards/clips-00000.tar") for wrong in wrongs)
    assert "not what the card says: shards/clips-00000.tar" in wrongs


def test_a_lost_shard_is_missed() -> None:
    found = _dataset()
    del found["shards/clips-00000.tar"]
    assert "lost: shards/clips-00000.tar" in _wrongs(found)


def test_a_stray_file_and_work_left_behind_are_seen() -> None:
    wrongs = _wrongs({**_dataset(), "shards/clips-00001.tar.partial": b"", ".work": b""})
    assert wrongs == ["left over: .work", "left over: shards/clips-00001.tar.partial"]


def test_a_lost_clip_unbalances_index_and_ledger() -> None:
    assert list(imbalances(_dataset(keys=("k1",)), _URIS)) == [
        "2 clips written by the ledger, 1 in the index, 1 different"
    ]


def test_a_doubled_clip_unbalances_index_and_ledger() -> None:
    assert len(list(imbalances(_dataset(keys=("k1", "k2", "k2")), _URIS))) == 1


def test_a_clip_doubled_in_both_books_is_seen_too() -> None:
    twice = _dataset([*_LEDGER, _row("clip", "k2", "/a.mp4")], keys=("k1", "k2", "k2"))
    assert list(imbalances(twice, _URIS)) == ["3 clips written by the ledger, 3 in the index, 2 different"]


def test_a_source_without_a_row_or_with_two_is_named() -> None:
    assert "not in the ledger: /b.mp4" in list(imbalances(_dataset([_LEDGER[0], *_LEDGER[2:]]), _URIS))
    assert "2 ledger rows for /a.mp4" in list(imbalances(_dataset([*_LEDGER, _LEDGER[0]]), _URIS))
    assert "nobody asked for /b.mp4" in list(imbalances(_dataset(), ("/a.mp4",)))


def test_a_card_that_counts_otherwise_than_the_ledger_is_seen() -> None:
    found = {**_dataset(), "ledger.parquet": _table([_LEDGER[0], {**_LEDGER[1], "outcome": "rejected"}, *_LEDGER[2:]])}
    assert any(wrong.startswith("the card counts") for wrong in imbalances(found, _URIS))


def test_a_dataset_that_is_not_there_is_said_to_be_missing() -> None:
    assert list(imbalances({}, _URIS)) == ["no dataset.json, no index.parquet, no ledger.parquet"]


def test_a_poison_costs_itself_and_no_neighbour() -> None:
    died = _row("source", "p", "/p.mp4", "failed", KILLED)
    assert list(poison_differences(_dataset(), _dataset([*_LEDGER, died]), "/p.mp4")) == []
    harmed = [_LEDGER[0], {**_LEDGER[1], "reason": KILLED}, *_LEDGER[2:], died]
    assert list(poison_differences(_dataset(), _dataset(harmed), "/p.mp4")) == [
        "the poison's neighbours have other rows in the ledger"
    ]
    assert any("the poison ended as" in wrong for wrong in poison_differences(_dataset(), _dataset(), "/p.mp4"))


def test_a_folder_is_read_with_all_below_it(tmp_path: Path) -> None:
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards" / "a.tar").write_bytes(b"a")
    assert folder_content(tmp_path) == {"shards/a.tar": b"a"}
    (tmp_path / ".work").mkdir()
    assert ".work" in folder_content(tmp_path)
