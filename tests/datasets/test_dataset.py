import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import webdataset

from densewalk.datasets.atomic import write_json
from densewalk.datasets.dataset import CARD, INDEX, SCHEMA_VERSION, SHARDS, Dataset, write_card
from densewalk.datasets.errors import DataError
from densewalk.datasets.ledger import Verdict
from densewalk.datasets.records import ClipRow
from densewalk.datasets.shards.index import write_index
from tests.cards import card_of

BuildDataset = Callable[..., Dataset]


def test_every_clip_and_its_meta_is_read_from_its_shard(shared_dataset: Dataset) -> None:
    assert len({row.shard for row in shared_dataset.rows}) == 2
    for clip, row in enumerate(shared_dataset.rows):
        assert shared_dataset.read_clip(row)[4:8] == b"ftyp"
        assert shared_dataset.read_meta(row) == {"clip": clip}


def test_webdataset_reads_the_same_clips(shared_dataset: Dataset) -> None:
    urls = sorted(str(path) for path in (shared_dataset.folder / SHARDS).iterdir())
    samples = {s["__key__"]: s for s in webdataset.WebDataset(urls, shardshuffle=False)}
    assert sorted(samples) == [row.key for row in shared_dataset.rows]
    for row in shared_dataset.rows:
        assert samples[row.key]["mp4"] == shared_dataset.read_clip(row)
        assert json.loads(samples[row.key]["json"]) == shared_dataset.read_meta(row)


def test_card_sums_the_dataset_up(shared_dataset: Dataset) -> None:
    card = shared_dataset.card
    assert (card.schema, card.num_clips, card.num_sources, card.seconds) == (SCHEMA_VERSION, 6, 3, 12.0)
    assert card.bytes == sum(len(shared_dataset.read_clip(row)) for row in shared_dataset.rows)
    assert card.licences == {"CC0": 6}
    assert card.clip_outcomes == {"written": 6, "rejected": 0, "failed": 0, "purged": 0}
    assert sorted(card.shard_sha256) == ["clips-00000.tar", "clips-00001.tar"]


def test_card_bytes_depend_on_its_values_alone(own_dataset: Dataset) -> None:
    before = (own_dataset.folder / CARD).read_bytes()
    shards = dict(reversed(own_dataset.card.shard_sha256.items()))
    write_card(own_dataset.folder, replace(own_dataset.card, shard_sha256=shards))
    assert (own_dataset.folder / CARD).read_bytes() == before


def test_flipped_bit_is_found_and_named_with_shard_and_key(
    own_dataset: Dataset, damage: Callable[[Dataset, int], ClipRow]
) -> None:
    row = damage(own_dataset, 4)
    with pytest.raises(DataError, match=rf"clip {row.key} in shard .*clips-00001\.tar is damaged"):
        own_dataset.read_clip(row)
    for other in own_dataset.rows:
        assert other == row or own_dataset.read_clip(other)


def test_cut_off_and_missing_shards_name_clip_and_shard(own_dataset: Dataset) -> None:
    row = own_dataset.rows[-1]
    path = own_dataset.folder / SHARDS / row.shard
    path.write_bytes(path.read_bytes()[: row.offset + 10])
    with pytest.raises(DataError, match=rf"clip {row.key}: shard .*{row.shard} ends at byte"):
        own_dataset.read_clip(row)
    path.unlink()
    with pytest.raises(DataError, match=rf"clip {row.key}: cannot read shard .*{row.shard}"):
        own_dataset.read_clip(row)


def test_damaged_meta_is_a_data_error(own_dataset: Dataset) -> None:
    row = own_dataset.rows[0]
    path = own_dataset.folder / SHARDS / row.shard
    content = path.read_bytes()
    for broken, reason in [(b"[123456789]", "not an object"), (b'{"clip": 0 ', "not JSON")]:
        path.write_bytes(content.replace(b'{"clip": 0}', broken))
        with pytest.raises(DataError, match=f"{row.key}.json in shard .*{reason}"):
            own_dataset.read_meta(row)


def test_hash_is_of_the_clips_not_of_their_shards(build_dataset: BuildDataset, tmp_path: Path) -> None:
    one = build_dataset(tmp_path / "one", num_clips=3, per_shard=1)
    assert build_dataset(tmp_path / "two", num_clips=3, per_shard=3).hash == one.hash
    assert build_dataset(tmp_path / "fewer", num_clips=2).hash != one.hash
    assert build_dataset(tmp_path / "shorter", num_frames=[24, 24, 12]).hash != one.hash


def test_folder_without_card_is_no_dataset(own_dataset: Dataset, tmp_path: Path) -> None:
    (own_dataset.folder / CARD).unlink()
    for folder in (own_dataset.folder, tmp_path / "none"):
        with pytest.raises(DataError, match=r"is not a dataset folder: it has no dataset\.json"):
            Dataset.open(folder)


def test_newer_schema_is_refused(own_dataset: Dataset) -> None:
    write_card(own_dataset.folder, replace(own_dataset.card, schema=SCHEMA_VERSION + 1))
    with pytest.raises(DataError, match=r"has schema 2, this densewalk reads up to 1; upgrade"):
        Dataset.open(own_dataset.folder)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"schema": "one"}', '{"schema": 1, "num_clips": 6}'])
def test_file_that_is_no_card_is_refused(own_dataset: Dataset, content: str) -> None:
    (own_dataset.folder / CARD).write_text(content)
    with pytest.raises(DataError, match=CARD):
        Dataset.open(own_dataset.folder)


def test_fields_of_a_later_minor_version_are_ignored(own_dataset: Dataset) -> None:
    card = json.loads((own_dataset.folder / CARD).read_text())
    write_json(own_dataset.folder / CARD, {**card, "colour": "blue"})
    assert Dataset.open(own_dataset.folder).card == own_dataset.card


def test_dataset_without_clips_says_what_became_of_the_sources(own_dataset: Dataset) -> None:
    failed = Verdict(kind="source", id="a", source_id="a", uri="a.mp4", outcome="failed", reason="no moov")
    write_index(own_dataset.folder / INDEX, [])
    write_card(own_dataset.folder, card_of([], [failed], recipe_hash="0", shard_sha256={}))
    with pytest.raises(DataError, match=r"holds no clips: 1 sources failed, 0 were rejected"):
        Dataset.open(own_dataset.folder)


def test_index_newer_than_the_card_means_an_interrupted_preparation(own_dataset: Dataset) -> None:
    write_index(own_dataset.folder / INDEX, own_dataset.rows[:-1])
    with pytest.raises(DataError, match=r"has 5 clips but dataset\.json says 6; a preparation was interrupted"):
        Dataset.open(own_dataset.folder)
