"""Preparing on a disk that fills up or only reads: a message, nothing lost, and the same bytes once there is room."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.ledger import read_ledger
from densewalk.pipelines.corpus.homes.folder_home import FolderHome
from densewalk.pipelines.corpus.pack import PackConfig
from densewalk.pipelines.corpus.prepare import PrepareResult, prepare
from densewalk.pipelines.dedup.dedup_config import DedupConfig
from densewalk.pipelines.inprocess import InProcessEngine
from densewalk.pipelines.recipe import PrepareConfig
from densewalk.pipelines.stages.encode import EncodeConfig
from densewalk.pipelines.stages.shots import ShotConfig
from tests.small_dataset import files_of
from tests.small_disk import filled, read_only, small_disk

CONFIG = PrepareConfig(
    shots=ShotConfig(detector="none"),
    dedup=DedupConfig(near=False),
    encode=EncodeConfig(preset="ultrafast"),
    pack=PackConfig(shard_clips=1),
)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of eight mebibytes."""
    with small_disk(tmp_path / "disk", kibibytes=8192) as folder:
        yield folder


@pytest.fixture
def videos(tmp_path: Path, write_video: Callable[..., Path]) -> Path:
    """A folder of two videos on another disk."""
    for number in range(2):
        write_video(tmp_path / "videos" / f"{number}.mp4", shade=60 + 30 * number)
    return tmp_path / "videos"


def _run(videos: Path, out: Path) -> PrepareResult:
    return prepare([str(videos)], FolderHome(out), CONFIG, InProcessEngine())


@pytest.mark.slow
def test_a_disk_that_fills_at_any_moment_costs_nothing(disk: Path, videos: Path, tmp_path: Path) -> None:
    _run(videos, tmp_path / "undisturbed")
    undisturbed = files_of(tmp_path / "undisturbed")
    said: list[str] = []
    for leave in range(0, 1_200_000, 48_000):
        try:
            with filled(disk, leave=leave):
                _run(videos, disk / "D")
        except DataError as error:
            said.append(str(error))
        else:
            break
    assert len(said) > 3
    assert all("no space" in text or "disk is full" in text for text in said), said
    _run(videos, disk / "D")
    assert files_of(disk / "D") == undisturbed
    assert {row.outcome for row in read_ledger(disk / "D" / "ledger.parquet")} == {"written"}


def test_what_was_staged_before_the_disk_was_full_is_used(
    disk: Path, videos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(
            "densewalk.pipelines.corpus.pack.write_shard", lambda *_: (disk / "x").write_bytes(bytes(9 << 20))
        )
        with pytest.raises(OSError, match="No space"):
            _run(videos, disk / "D")
    (disk / "x").unlink()
    staged = sorted((disk / "D" / ".work" / "staged").rglob("*.tar"))
    assert len(staged) == 2
    for video in videos.iterdir():
        assert video.is_file()
    monkeypatch.setattr("densewalk.pipelines.stages.decode.Decode.__call__", _not_again)
    assert _run(videos, disk / "D").clips == 2


def _not_again(*_: object) -> None:
    raise AssertionError("decoded again")


def test_a_disk_that_only_reads_is_said_to_be_so(disk: Path, videos: Path) -> None:
    with read_only(disk), pytest.raises(ConfigError, match=r"cannot write to .*Read-only.*choose another"):
        _run(videos, disk / "D")
    assert list(disk.iterdir()) == []
