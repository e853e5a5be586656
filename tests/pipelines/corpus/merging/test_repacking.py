"""Merging: what several datasets hold is in the new one once; re-sharding changes shards and nothing else."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from densewalk.datasets.dataset import Dataset
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.ledger import read_ledger
from densewalk.pipelines.corpus.homes.folder_home import FolderHome
from densewalk.pipelines.corpus.merging.repacking import MergeResult, merge
from densewalk.pipelines.corpus.pack import PackConfig
from densewalk.pipelines.corpus.prepare import prepare
from densewalk.pipelines.dedup.dedup_config import DedupConfig
from densewalk.pipelines.inprocess import InProcessEngine
from densewalk.pipelines.recipe import PrepareConfig
from densewalk.pipelines.stages.encode import EncodeConfig
from densewalk.pipelines.stages.shots import ShotConfig

CONFIG = PrepareConfig(
    shots=ShotConfig(detector="none"), dedup=DedupConfig(near=False), encode=EncodeConfig(preset="ultrafast")
)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory, write_video: Callable[..., Path]) -> Path:
    """Folders of videos `one` and `two`, which share a content, and datasets of each and of both."""
    root = tmp_path_factory.mktemp("parts")
    write_video(root / "one" / "a.mp4", shade=60)
    write_video(root / "one" / "b.mp4", shade=90, num_frames=40)
    write_video(root / "two" / "c.mp4", shade=120)
    (root / "two" / "text.mp4").write_text("no video")
    (root / "two" / "copy.mp4").write_bytes((root / "one" / "a.mp4").read_bytes())
    for name, folders in (("D1", ["one"]), ("D2", ["two"]), ("D", ["one", "two"])):
        prepare([str(root / folder) for folder in folders], FolderHome(root / name), CONFIG, InProcessEngine())
    return root


def _merge(folders: list[Path], out: Path, pack: PackConfig) -> MergeResult:
    return merge([FolderHome(folder) for folder in folders], FolderHome(out), pack)


def _shards(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (folder / "shards").iterdir()}


def test_a_merge_holds_every_content_once_and_every_name(parts: Path, tmp_path: Path) -> None:
    result = _merge([parts / "D1", parts / "D2"], tmp_path / "M", PackConfig())
    assert (result.clips, result.dropped) == (3, 1)
    merged, whole = Dataset.open(tmp_path / "M"), Dataset.open(parts / "D")
    assert merged.hash == whole.hash
    assert merged.card.source_outcomes == whole.card.source_outcomes
    for row in merged:
        assert merged.read_clip(row) == whole.read_clip(next(other for other in whole if other.key == row.key))
        assert merged.read_meta(row)["key"] == row.key
    rows = {row.uri: row for row in read_ledger(tmp_path / "M" / "ledger.parquet") if row.kind == "source"}
    assert rows[str(parts / "two" / "copy.mp4")].detail == f"kept {parts / 'one' / 'a.mp4'}"
    assert len(pd.read_parquet(tmp_path / "M" / "sources.parquet")) == 3


def test_one_dataset_is_sharded_anew(parts: Path, tmp_path: Path) -> None:
    result = _merge([parts / "D"], tmp_path / "S", PackConfig(shard_clips=1))
    assert (result.clips, result.shards, result.dropped) == (3, 3, 0)
    assert Dataset.open(tmp_path / "S").hash == Dataset.open(parts / "D").hash
    _merge([tmp_path / "S"], tmp_path / "back", CONFIG.pack)
    assert _shards(tmp_path / "back") == _shards(parts / "D")
    assert read_ledger(tmp_path / "back" / "ledger.parquet") == read_ledger(parts / "D" / "ledger.parquet")


def test_a_merged_dataset_grows_like_any_other(parts: Path, tmp_path: Path, write_video: Callable[..., Path]) -> None:
    _merge([parts / "D1", parts / "D2"], tmp_path / "M", PackConfig())
    write_video(tmp_path / "more" / "d.mp4", shade=150)
    result = prepare(
        [str(tmp_path / "more"), str(parts / "one")], FolderHome(tmp_path / "M"), CONFIG, InProcessEngine()
    )
    assert (result.new_clips, result.clips, result.written) == (1, 4, 3)


def test_datasets_of_other_recipes_are_refused_with_the_difference(parts: Path, tmp_path: Path) -> None:
    other = replace(CONFIG, encode=EncodeConfig(preset="ultrafast", crf=30))
    prepare([str(parts / "one")], FolderHome(tmp_path / "other"), other, InProcessEngine())
    with pytest.raises(ConfigError, match=r"encode\.crf: 30 in the dataset, 20 now"):
        _merge([parts / "D1", tmp_path / "other"], tmp_path / "M", PackConfig())
    assert not (tmp_path / "M").exists()


def test_a_dataset_is_never_overwritten_and_no_dataset_is_named(parts: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a dataset already"):
        _merge([parts / "D1"], parts / "D2", PackConfig())
    with pytest.raises(DataError, match="not a finished dataset"):
        _merge([tmp_path], tmp_path / "M", PackConfig())


def test_a_damaged_clip_is_not_copied(parts: Path, tmp_path: Path) -> None:
    prepare([str(parts / "one")], FolderHome(tmp_path / "D"), CONFIG, InProcessEngine())
    (shard,) = (tmp_path / "D" / "shards").iterdir()
    content = bytearray(shard.read_bytes())
    content[700] ^= 255
    shard.write_bytes(content)
    with pytest.raises(DataError, match="damaged"):
        _merge([tmp_path / "D"], tmp_path / "M", PackConfig())
