"""A purge takes out a source with all its names and likenesses, keeps it out, and says truly what it did."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from densewalk.datasets.atomic import write_bytes
from densewalk.datasets.dataset import Dataset
from densewalk.datasets.dataset_card import read_card
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.ledger import Verdict, name_verdict, read_ledger
from densewalk.datasets.records import file_sha256
from densewalk.pipelines.corpus.audit.auditing import audit
from densewalk.pipelines.corpus.care.certificate import text_of
from densewalk.pipelines.corpus.care.purge_request import PurgeRequest, read_list
from densewalk.pipelines.corpus.care.purging import PurgeResult, plan_only, purge
from densewalk.pipelines.corpus.homes.folder_home import FolderHome
from densewalk.pipelines.corpus.staging import Staging
from densewalk.pipelines.corpus.tables import Tables
from densewalk.pipelines.dedup.signed import Duplicate
from tests.corpus_rows import stage_clips
from tests.killed_steps import steps_before_death
from tests.made_datasets import MadeDataset, copy_verdict

PLAIN = MadeDataset()
FIRST = PLAIN.source(0)


def _rejected(of: str, number: int = 0, place: int = 7) -> Verdict:
    """A candidate of a source that gave way to clip `of`."""
    source = PLAIN.source(number)
    why = Duplicate(key="", of=of, similarity=0.93, offset_seconds=1.25, kind="near").refusal()
    return Verdict(
        kind="clip",
        id=f"{source.id}-{25 * place:07d}-{25 * place + 25:07d}",
        source_id=source.id,
        uri=source.uri,
        outcome=why.outcome,
        reason=why.reason,
        detail=why.detail,
    )


def _keys(folder: Path, number: int) -> list[str]:
    return sorted(row.key for row in Dataset.open(folder) if row.source_id == PLAIN.source(number).id)


def _purge(folder: Path, *named: str, listed: tuple[str, ...] = ()) -> PurgeResult:
    return purge(FolderHome(folder), PurgeRequest.of(named, listed))


def _digest(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): file_sha256(path) for path in folder.rglob("*") if path.is_file()}


def _sources(folder: Path) -> dict[str, Verdict]:
    return {row.uri: row for row in read_ledger(folder / "ledger.parquet") if row.kind == "source"}


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Four sources of three clips in three shards; the first has a copy."""
    return replace(PLAIN, verdicts=(copy_verdict("/copies/b.mp4", FIRST),)).write(tmp_path / "D")


@pytest.mark.parametrize("name", ["uri", "id", "sha256", "copy"])
def test_a_source_goes_with_all_its_clips_whatever_it_is_called(dataset: Path, name: str) -> None:
    asked = {"uri": FIRST.uri, "id": FIRST.id, "sha256": FIRST.sha256, "copy": "/copies/b.mp4"}[name]
    before, gone = Dataset.open(dataset), set(_keys(dataset, 0))
    content = {row.key: before.read_clip(row) for row in before}
    result = _purge(dataset, asked)
    after = Dataset.open(dataset)
    assert {row.key for row in before} - {row.key for row in after} == gone
    assert {row.key: after.read_clip(row) for row in after} == {
        key: mp4 for key, mp4 in content.items() if key not in gone
    }
    assert [(row.uri, row.outcome, row.reason) for row in _sources(dataset).values() if row.source_id == FIRST.id] == [
        ("/copies/b.mp4", "purged", "purged"),
        (FIRST.uri, "purged", "purged"),
    ]
    assert audit(FolderHome(dataset), decode_one_in=1).findings.texts == []
    assert sorted(row.key for row in Tables(dataset).tombstones()) == sorted(gone)
    assert len(result.certificates) == 1
    assert not (dataset / ".work").exists()


def test_only_shards_that_held_one_of_its_clips_are_rewritten(tmp_path: Path) -> None:
    folder = replace(PLAIN, shard_clips=1).write(tmp_path / "D")
    before = read_card(folder).shard_sha256
    gone = {row.shard for row in Dataset.open(folder) if row.source_id == FIRST.id}
    (_, certificate), *_ = _purge(folder, FIRST.id).certificates
    after = read_card(folder).shard_sha256
    assert {name: sha256 for name, sha256 in before.items() if name not in gone} == after
    assert [(shard["old"], shard["new"]) for shard in certificate.shards] == [(name, "") for name in sorted(gone)]
    assert {path.name for path in (folder / "shards").iterdir()} == set(after)


def test_a_shard_that_is_rewritten_twice_gets_a_new_generation_each_time(dataset: Path) -> None:
    shards = [_names(dataset)]
    for number in (0, 1):
        _purge(dataset, PLAIN.source(number).id)
        shards.append(_names(dataset))
    assert shards[0] == ["clips-00000.tar", "clips-00001.tar", "clips-00002.tar"]
    assert any(name.endswith("-2.tar") for name in shards[2])
    assert audit(FolderHome(dataset)).findings.texts == []


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "shards").iterdir())


def test_clips_of_others_that_its_clips_gave_way_to_go_too(tmp_path: Path) -> None:
    twin = f"{PLAIN.source(1).id}-0000025-0000050"
    folder = replace(PLAIN, verdicts=(_rejected(twin),)).write(tmp_path / "D")
    (_, certificate), *_ = _purge(folder, FIRST.id).certificates
    assert twin not in {row.key for row in Dataset.open(folder)}
    assert {clip["key"] for clip in certificate.clips if clip["why"] == "shows the same"} == {twin}
    (row,) = (row for row in read_ledger(folder / "ledger.parquet") if row.id == twin)
    assert (row.outcome, row.reason) == ("purged", "shows what was purged")
    assert _sources(folder)[PLAIN.source(1).uri].outcome == "written"
    assert twin in {row.key for row in Tables(folder).tombstones()}
    assert audit(FolderHome(folder)).findings.texts == []


def test_a_source_whose_only_clip_shows_the_same_is_purged_too(tmp_path: Path) -> None:
    made = replace(PLAIN, clips=1)
    twin = f"{PLAIN.source(1).id}-0000000-0000025"
    folder = replace(made, verdicts=(_rejected(twin),)).write(tmp_path / "D")
    _purge(folder, FIRST.id)
    row = _sources(folder)[PLAIN.source(1).uri]
    assert (row.outcome, row.reason) == ("purged", "shows what was purged")
    assert audit(FolderHome(folder)).findings.texts == []


def test_clips_that_gave_way_to_it_no_longer_speak_of_it(tmp_path: Path) -> None:
    kept = f"{FIRST.id}-0000025-0000050"
    folder = replace(PLAIN, verdicts=(_rejected(kept, number=2),)).write(tmp_path / "D")
    _purge(folder, FIRST.id)
    (row,) = (row for row in read_ledger(folder / "ledger.parquet") if row.reason == "near-duplicate")
    assert (row.source_id, row.outcome, row.detail) == (PLAIN.source(2).id, "rejected", "of a clip that was purged")


def test_what_a_list_names_and_is_not_there_is_kept_out_from_now_on(dataset: Path, tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text(f"\ufeff# from the holder\n{FIRST.uri}\n\nyoutube:abcdefghijk\n{'ab' * 10}\n")
    (_, certificate), *_ = _purge(dataset, listed=tuple(read_list(listed))).certificates
    assert certificate.not_in_dataset == ("youtube:abcdefghijk", "ab" * 10)
    rows = _sources(dataset)
    assert rows["youtube:abcdefghijk"].outcome == "purged"
    assert (rows[f"sha256:{'ab' * 10}"].id, rows[f"sha256:{'ab' * 10}"].outcome) == ("ab" * 10, "purged")
    assert read_card(dataset).source_outcomes["purged"] == 4
    assert audit(FolderHome(dataset)).findings.texts == []
    assert _purge(dataset, listed=tuple(read_list(listed))).certificates == ()


def test_a_mistyped_source_changes_nothing(dataset: Path) -> None:
    before = _digest(dataset)
    with pytest.raises(ConfigError, match=r"not in the dataset: /videos/0000O\.mp4"):
        _purge(dataset, FIRST.uri, "/videos/0000O.mp4")
    assert _digest(dataset) == before


def test_an_unreadable_file_is_kept_out_under_its_name(tmp_path: Path) -> None:
    broken = name_verdict("/videos/broken.mp4", "failed", "no video stream", "none")
    folder = replace(PLAIN, verdicts=(broken,)).write(tmp_path / "D")
    _purge(folder, "/videos/broken.mp4")
    assert _sources(folder)["/videos/broken.mp4"].outcome == "purged"
    assert len(Dataset.open(folder)) == 12


def test_hashes_may_be_written_in_capitals(dataset: Path) -> None:
    first, second = list(Tables(dataset).sources())[:2]
    _purge(dataset, first.id.upper(), listed=(second.sha256.upper(),))
    assert {row.id for row in _sources(dataset).values() if row.outcome == "purged"} >= {first.id, second.id}


@pytest.mark.parametrize("name", ["tombstones.parquet", "config.yaml"])
def test_a_file_without_which_a_purge_would_be_wrong_is_named(dataset: Path, name: str) -> None:
    first, second = list(Tables(dataset).sources())[:2]
    _purge(dataset, first.id)
    (dataset / name).unlink()
    before = _digest(dataset)
    with pytest.raises(DataError, match=name):
        _purge(dataset, second.id)
    assert _digest(dataset) == before


def test_purging_again_is_a_no_op_that_says_so(dataset: Path) -> None:
    _purge(dataset, FIRST.id)
    before = _digest(dataset)
    result = _purge(dataset, FIRST.id, FIRST.uri)
    assert set(result.repeated) == {FIRST.id, FIRST.uri}
    assert result.certificates == ()
    assert _digest(dataset) == before


def test_everything_can_be_purged(dataset: Path) -> None:
    _purge(dataset, *(PLAIN.source(number).id for number in range(4)))
    assert read_card(dataset).num_clips == 0
    assert not list((dataset / "shards").iterdir())
    assert audit(FolderHome(dataset)).findings.texts == []


def test_a_plan_changes_nothing_and_names_what_would_go(dataset: Path) -> None:
    before = _digest(dataset)
    plan = plan_only(FolderHome(dataset), PurgeRequest.of([FIRST.id]))
    assert plan.contents == {FIRST.id: ("/copies/b.mp4", FIRST.uri)}
    assert [row.key for row in plan.clips] == _keys(dataset, 0)
    assert _digest(dataset) == before


def test_the_certificate_says_what_went_and_what_was_looked_up(dataset: Path) -> None:
    hash_before, shards = Dataset.open(dataset).hash, read_card(dataset).shard_sha256
    clips = {row.key: row.sha256 for row in Dataset.open(dataset) if row.source_id == FIRST.id}
    ((path, certificate),) = _purge(dataset, FIRST.uri).certificates
    assert json.loads(path.read_text())["state"] == "done"
    assert {clip["key"]: clip["sha256"] for clip in certificate.clips} == clips
    assert certificate.sources == (
        {"id": FIRST.id, "sha256": FIRST.sha256, "uris": ["/copies/b.mp4", FIRST.uri], "clips": 3},
    )
    after = read_card(dataset).shard_sha256
    for shard in certificate.shards:
        assert shards[shard["old"]] == shard["old_sha256"]
        assert after[shard["new"]] == shard["new_sha256"]
    assert (certificate.dataset_hash_before, certificate.dataset_hash_after) == (
        hash_before,
        Dataset.open(dataset).hash,
    )
    looked_up = certificate.verification
    assert (looked_up["shards"], looked_up["of_shards"]) == (len(after), len(after))
    assert looked_up["members"] == 18
    assert path.with_suffix(".txt").read_text() == text_of(certificate)
    assert "fingerprints" in text_of(certificate)


def test_a_damaged_clip_that_stays_stops_the_purge_before_anything_changes(dataset: Path) -> None:
    gone = {row.shard for row in Dataset.open(dataset) if row.source_id == FIRST.id}
    row = next(row for row in Dataset.open(dataset) if row.shard in gone and row.source_id != FIRST.id)
    path = dataset / "shards" / row.shard
    content = bytearray(path.read_bytes())
    content[row.offset + 50] ^= 1
    path.write_bytes(content)
    before = list(Dataset.open(dataset))
    with pytest.raises(DataError, match=rf"{row.key}\.mp4 .*--repair"):
        _purge(dataset, FIRST.id)
    assert list(Dataset.open(dataset)) == before


def test_what_an_interrupted_preparation_left_of_it_goes_and_the_rest_stays(dataset: Path) -> None:
    staging = Staging(dataset / ".work" / "staged" / "recipe")
    others = [replace(FIRST, id="0" * 20), replace(PLAIN.source(9), uri="/copies/b.mp4"), PLAIN.source(9)]
    for source in (FIRST, *others):
        stage_clips(staging, source, [b"one"])
    refused = name_verdict(FIRST.uri, "failed", "empty file", "")
    staging.put_verdict(refused, "name")
    fetched = dataset / ".work" / "fetched"
    for uri in (FIRST.uri, "/videos/other.mp4"):
        write_bytes(fetched / hashlib.sha256(uri.encode()).hexdigest()[:20], b"half")
    _purge(dataset, FIRST.id)
    left = [path for path in (dataset / ".work" / "staged").rglob("*") if path.is_file()]
    assert {path.parent.name.partition("-")[0] for path in left} == {PLAIN.source(9).id}
    assert all(
        json.loads(path.read_bytes())["source"]["uri"] == PLAIN.source(9).uri for path in left if path.suffix == ".json"
    )
    assert len(list(fetched.iterdir())) == 1


def _without_dates(folder: Path) -> dict[str, Any]:
    files = {name: sha256 for name, sha256 in _digest(folder).items() if not name.startswith("purges/")}
    for path in (folder / "purges").glob("*.json"):
        files[path.name] = {name: value for name, value in json.loads(path.read_text()).items() if name != "date"}
        files[path.name]["dataset"] = ""
    return files


@pytest.mark.slow
def test_a_purge_that_is_killed_at_any_step_is_finished_by_the_next(tmp_path: Path) -> None:
    whole = PLAIN.write(tmp_path / "whole")
    steps = steps_before_death(lambda: _purge(whole, FIRST.id), kill_at=0)
    assert steps is not None
    assert steps > 20
    for number in range(1, steps + 1):
        folder = PLAIN.write(tmp_path / str(number))
        assert steps_before_death(lambda folder=folder: _purge(folder, FIRST.id), kill_at=number) is None
        _purge(folder, FIRST.id)
        assert _without_dates(folder) == _without_dates(whole), f"killed at step {number} of {steps}"
        assert audit(FolderHome(folder)).findings.texts == []
