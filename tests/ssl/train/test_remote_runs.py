"""Trainings on datasets that lie elsewhere: the losses of the folder, and what an outage does to them."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from densewalk.datasets.storage.config import CacheConfig, StorageConfig
from densewalk.ssl.train.config import TrainConfig
from densewalk.ssl.train.loop import pretrain
from densewalk.ssl.train.run_log import StepRecord
from tests.faulty_store import moto_server
from tests.process_family import gone
from tests.range_server import Asked, Fault, RangeServer
from tests.ssl.train.drifting_dataset import write_drifting
from tests.ssl.train.trainer_process import assert_same_run, losses, training


class BrokenOffError(Exception):
    pass


Remote = Callable[..., TrainConfig]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Ten clips in three shards."""
    return write_drifting(tmp_path / "corpus", 10, per_shard=4)


@pytest.fixture
def server(corpus: Path) -> Iterator[RangeServer]:
    """Serve the dataset as `corpus`."""
    files = {path.relative_to(corpus.parent).as_posix(): path.read_bytes() for path in corpus.rglob("*.*")}
    with RangeServer(files) as server:
        yield server


@pytest.fixture
def wanted(tiny_config: TrainConfig, corpus: Path, tmp_path: Path) -> Path:
    """The run on the folder: sixteen steps, five an epoch."""
    return pretrain(_on(tiny_config, str(corpus), CacheConfig()), tmp_path / "wanted")


@pytest.fixture
def far(tiny_config: TrainConfig, tmp_path: Path) -> Remote:
    """Make the same run on another place, with a cache of its own."""

    def make(place: str, *, workers: int = 0, **cache: object) -> TrainConfig:
        config = _on(tiny_config, place, CacheConfig(**{"folder": tmp_path / "cache", **cache}))
        return replace(config, data=replace(config.data, workers=workers))

    return make


def _on(config: TrainConfig, place: str, cache: CacheConfig) -> TrainConfig:
    data = replace(config.data, datasets=(place,), scene_weight=0.0, columns=2, window=4, cache=cache)
    return replace(config, data=data, steps=16, checkpoint_every=3)


def _is_shard(asked: Asked) -> bool:
    return asked.name.endswith(".tar")


@pytest.mark.parametrize("cache", [{"bytes": 0}, {}], ids=["ranges", "whole shards"])
def test_dataset_of_a_web_server_trains_as_its_folder(
    server: RangeServer, far: Remote, wanted: Path, tmp_path: Path, cache: dict[str, object]
) -> None:
    assert_same_run(pretrain(far(f"{server.url}/corpus", **cache), tmp_path / "run"), wanted)
    assert any(map(_is_shard, server.asked))


def test_run_goes_on_when_its_data_have_moved(
    corpus: Path, server: RangeServer, far: Remote, wanted: Path, tmp_path: Path
) -> None:
    def break_off(record: StepRecord) -> None:
        if record.step == 8:
            raise BrokenOffError

    with pytest.raises(BrokenOffError):
        pretrain(far(str(corpus)), tmp_path / "run", on_step=break_off)
    pretrain(far(f"{server.url}/corpus"), tmp_path / "run")
    assert_same_run(tmp_path / "run", wanted)


@pytest.mark.slow
def test_dataset_of_an_object_store_trains_as_its_folder(
    corpus: Path, far: Remote, wanted: Path, tmp_path: Path
) -> None:
    import boto3

    with moto_server("corpora") as url:
        client = boto3.client("s3", endpoint_url=url)
        for path in corpus.rglob("*.*"):
            client.upload_file(str(path), "corpora", path.relative_to(corpus.parent).as_posix())
        config = far("s3://corpora/corpus", workers=2, storage=StorageConfig(endpoint_url=url))
        with training(config, tmp_path / "run") as trainer:
            trainer.kill_at(8)
        pretrain(config, tmp_path / "run")
    assert_same_run(tmp_path / "run", wanted)


def test_server_that_is_busy_for_a_while_delays_the_run_and_does_not_change_it(
    server: RangeServer, far: Remote, wanted: Path, tmp_path: Path
) -> None:
    shards: list[int] = []

    def plan(asked: Asked) -> Fault | None:
        if not _is_shard(asked):
            return None
        shards.append(asked.number)
        return Fault(status=503) if 5 < len(shards) < 10 else None

    server.plan = plan
    config = far(f"{server.url}/corpus", bytes=0, stall_seconds=1.0, deadline_seconds=60.0)
    assert_same_run(pretrain(config, tmp_path / "run"), wanted)
    assert len(shards) > 10
    assert not (tmp_path / "run" / "damaged.jsonl").exists()


@pytest.mark.slow
def test_server_that_stays_away_ends_the_run_which_the_repeated_command_continues(
    server: RangeServer, far: Remote, wanted: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    config = far(f"{server.url}/corpus", workers=2, bytes=0, stall_seconds=1.0, deadline_seconds=3.0)
    config = replace(config, checkpoint_every=100)
    with training(config, run) as trainer:
        trainer.reach(7)
        workers = trainer.workers()
        server.plan = lambda _: Fault(status=503)
        began = time.monotonic()
        assert trainer.end() == 2, trainer.said
        assert time.monotonic() - began < 30
        assert "clips-0000" in trainer.said
        assert "503" in trainer.said
        assert "data.cache.deadline_seconds=3" in trainer.said
        assert "Traceback" not in trainer.said
        assert gone(workers)
    reached = len(losses(run))
    assert 7 <= reached < 16
    assert not (run / "damaged.jsonl").exists()
    with training(config, run) as trainer:
        assert trainer.end() == 2, trainer.said
        assert "503" in trainer.said
    assert len(losses(run)) == reached  # all of them are in a checkpoint
    server.plan = lambda _: None
    with training(config, run) as trainer:
        assert trainer.end() == 0, trainer.said
    assert_same_run(run, wanted)
