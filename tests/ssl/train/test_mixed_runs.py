"""Trainings on several kinds of data at once, and on data that are no longer what the run was started on."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import pytest

from densewalk.datasets.errors import DataError
from densewalk.datasets.plan import PalindromePlan
from densewalk.ssl.objectives.oracle import OracleConfig
from densewalk.ssl.train.config import TrainConfig
from densewalk.ssl.train.loop import pretrain
from densewalk.ssl.train.run_log import StepRecord, read_metrics
from tests.boxes_in_space import BoxScene
from tests.movi_records import write_movi
from tests.numbered_videos import write_numbered
from tests.process_family import gone
from tests.ssl.train.drifting_dataset import drifting_frames, write_drifting
from tests.ssl.train.trainer_process import assert_same_run, losses, training


class BrokenOffError(Exception):
    pass


@pytest.fixture
def mixed_config(tiny_config: TrainConfig, tmp_path: Path) -> TrainConfig:
    """A prepared dataset, folders of frames, videos and scenes; sixteen steps of four clips, some epochs of each."""
    corpus = write_drifting(tmp_path / "corpus", 7, per_shard=3)
    for clip in range(3):
        folder = tmp_path / "frames" / f"clip-{clip}"
        folder.mkdir(parents=True)
        for number, frame_HWC in enumerate(drifting_frames(20 + clip)):
            cv2.imwrite(str(folder / f"{number:05d}.png"), frame_HWC)
    for video in range(3):
        write_numbered(tmp_path / "videos" / f"{video}.mp4", 30 + video, first=40 * video)
    places = (f"2*{corpus}", f"frames:{tmp_path / 'frames'}", f"videos:{tmp_path / 'videos'}")
    data = replace(tiny_config.data, datasets=places, scene_weight=0.25, columns=2, window=4)
    return replace(tiny_config, data=data, steps=16, batch_size=4, checkpoint_every=3)


def _break_off_at(step: int) -> Callable[[StepRecord], None]:
    def on_step(record: StepRecord) -> None:
        if record.step == step:
            raise BrokenOffError

    return on_step


def test_mixture_of_all_kinds_resumes_exactly(mixed_config: TrainConfig, tmp_path: Path) -> None:
    wanted = pretrain(mixed_config, tmp_path / "straight")
    for step in (4, 11):
        with pytest.raises(BrokenOffError):
            pretrain(mixed_config, tmp_path / "run", on_step=_break_off_at(step))
    pretrain(mixed_config, tmp_path / "run")
    assert len(set(losses(wanted))) == 16
    assert_same_run(tmp_path / "run", wanted)
    assert not (wanted / "damaged.jsonl").exists()
    assert len(json.loads((wanted / "run.json").read_text())["datasets"]) == 3


@pytest.mark.slow
def test_mixture_of_all_kinds_may_be_killed_and_made_by_others(mixed_config: TrainConfig, tmp_path: Path) -> None:
    wanted, run = pretrain(mixed_config, tmp_path / "straight"), tmp_path / "run"
    for workers, step in ((2, 7), (1, 12)):
        config = replace(mixed_config, data=replace(mixed_config.data, workers=workers))
        with training(config, run) as trainer:
            assert gone(trainer.kill_at(step))
    pretrain(mixed_config, run)
    assert_same_run(run, wanted)


@pytest.mark.slow
def test_objective_that_wants_motion_learns_from_movi(tiny_config: TrainConfig, tmp_path: Path) -> None:
    pytest.importorskip("google.protobuf")
    movi = write_movi(tmp_path / "tfds", [[BoxScene(1), BoxScene(2)], [BoxScene(3)]])
    plan = PalindromePlan(size=32, gap_seconds=(0.08, 0.2), motion=True)
    scenes = replace(tiny_config.data.scenes, height=64, width=64)  # motion of one size shares a batch
    data = replace(tiny_config.data, datasets=(f"movi:{movi}",), scene_weight=0.5, scenes=scenes)
    matcher = replace(OracleConfig().matcher, stem_dim=8, middle_dim=8, dim=16, num_blocks=1, num_splits=1)
    config = replace(tiny_config, objective=OracleConfig(matcher=matcher, plan=plan), data=data, steps=6)
    wanted, run = pretrain(config, tmp_path / "straight"), tmp_path / "run"
    with pytest.raises(BrokenOffError):
        pretrain(replace(config, data=replace(data, workers=2)), run, on_step=_break_off_at(5))
    pretrain(config, run)
    assert_same_run(run, wanted)
    assert all(row["labelled"] > 0.05 for row in read_metrics(run))


def test_dataset_whose_content_has_changed_is_refused(tiny_config: TrainConfig, tmp_path: Path) -> None:
    corpus = write_drifting(tmp_path / "corpus", 4)
    data = replace(tiny_config.data, datasets=(str(corpus),), scene_weight=0.0)
    config = replace(tiny_config, data=data)
    with pytest.raises(BrokenOffError):
        pretrain(config, tmp_path / "run", on_step=_break_off_at(5))
    before = losses(tmp_path / "run")
    write_drifting(corpus, 4, first=1)
    with pytest.raises(DataError, match=r"corpus is not what .*run was started on.*choose another --out"):
        pretrain(config, tmp_path / "run")
    assert losses(tmp_path / "run") == before
    write_drifting(corpus, 4)
    pretrain(config, tmp_path / "run")
    assert len(losses(tmp_path / "run")) == 12
