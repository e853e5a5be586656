"""A whole preparation into a bucket: the objects are the files of a preparation into a folder."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from densewalk.datasets.errors import ConfigError, DataError
from densewalk.pipelines.corpus.homes.bucket import Bucket
from densewalk.pipelines.corpus.homes.bucket_home import BucketHome
from densewalk.pipelines.corpus.homes.folder_home import FolderHome
from densewalk.pipelines.corpus.homes.home import Home
from densewalk.pipelines.corpus.homes.patience import Patience
from densewalk.pipelines.corpus.pack import PackConfig
from densewalk.pipelines.corpus.prepare import PrepareResult, prepare
from densewalk.pipelines.dedup.dedup_config import DedupConfig
from densewalk.pipelines.inprocess import InProcessEngine
from densewalk.pipelines.recipe import PrepareConfig
from densewalk.pipelines.stages.clips import ClipConfig
from densewalk.pipelines.stages.encode import EncodeConfig
from densewalk.pipelines.stages.shots import ShotConfig
from tests.faulty_store import FaultyStore, answered
from tests.small_dataset import files_of

Open = Callable[..., BucketHome]
CONFIG = PrepareConfig(
    shots=ShotConfig(detector="none"),
    dedup=DedupConfig(near=False),
    encode=EncodeConfig(preset="ultrafast"),
    pack=PackConfig(shard_clips=1),
)


@pytest.fixture
def videos(tmp_path: Path, write_video: Callable[..., Path]) -> list[Path]:
    """Three videos and one that is none."""
    for number in range(3):
        write_video(tmp_path / "videos" / f"{number}.mp4", shade=60 + 30 * number, num_frames=24 + 6 * number)
    (tmp_path / "videos" / "text.mp4").write_text("no video")
    return sorted((tmp_path / "videos").iterdir())


def _run(videos: list[Path], home: Home, config: PrepareConfig = CONFIG) -> PrepareResult:
    return prepare([str(path) for path in videos], home, config, InProcessEngine())


def _objects(bucket: Bucket) -> dict[str, bytes]:
    return {name: bucket.read(name) or b"" for name in bucket.listing()}


@pytest.mark.slow
@pytest.mark.parametrize("is_lost", [False, True])
def test_objects_are_the_files_of_a_folder_also_when_the_dataset_grows(
    open_bucket: Open, bucket: Bucket, videos: list[Path], tmp_path: Path, is_lost: bool
) -> None:
    works = ("one", "two" if is_lost else "one")
    for part, work in zip((videos[:2], videos), works, strict=True):
        _run(part, FolderHome(tmp_path / "folder"))
        result = _run(part, open_bucket(work))
        assert _objects(bucket) == files_of(tmp_path / "folder")
    assert result.new_clips == 1
    assert result.sources == 4


def test_another_configuration_is_refused_also_on_another_machine(open_bucket: Open, videos: list[Path]) -> None:
    _run(videos[:1], open_bucket("one"))
    with pytest.raises(ConfigError, match=r"clips\.max_seconds"):
        _run(videos, open_bucket("two"), replace(CONFIG, clips=ClipConfig(max_seconds=3.0)))


@pytest.mark.slow
def test_a_store_that_is_away_costs_no_work(
    open_bucket: Open,
    bucket: Bucket,
    store: FaultyStore,
    videos: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _run(videos, FolderHome(tmp_path / "folder"))
    store.plan = lambda seen: answered(503) if "clips-00001" in seen.key else None
    with pytest.raises(DataError, match="repeat the command later"):
        _run(videos, open_bucket(patience=Patience(seconds=0.1)))
    store.plan = lambda _: None
    before = len(store.seen)
    monkeypatch.setattr("densewalk.pipelines.stages.encode.encode_clip", _not_again)
    _run(videos, open_bucket())
    assert _objects(bucket) == files_of(tmp_path / "folder")
    assert not any("clips-00000" in seen.key and seen.is_put for seen in store.seen[before:])


def _not_again(*_: object, **__: object) -> None:
    raise AssertionError("made again")
