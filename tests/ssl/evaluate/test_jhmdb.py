"""JHMDB from files to PCK and J&F: the oracle, permuted truth, nothing predicted, what the protocol tells."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat

from densewalk.datasets.errors import BenchmarkError, ConfigError
from densewalk.ssl.evaluate import jhmdb, jhmdb_masks
from densewalk.ssl.evaluate.benchmark import Scores, comparable
from densewalk.ssl.evaluate.jhmdb import Jhmdb, JhmdbConfig, at_published_size
from densewalk.ssl.evaluate.jhmdb_masks import JhmdbMasks, JhmdbMasksConfig
from densewalk.ssl.evaluate.notebook import FORGETFUL, Notebook
from densewalk.ssl.matchers.position import PositionMatcher
from tests.drifting_grid import BLOCK_PX, GridOracle, drifting_video

FRAMES = 5
GRID_HW = (12, 12)
SIZE_HW = (12 * BLOCK_PX, 12 * BLOCK_PX)


def _joints(seed: int) -> np.ndarray:
    """Joints as JHMDB stores them, at the places that the published codes take for nodes, drifting with the video."""
    rng = np.random.default_rng(seed)
    node_2J = np.stack((rng.integers(2, 7, 15), rng.integers(2, 11, 15)))
    drift_2T = np.stack((np.arange(FRAMES), np.zeros(FRAMES, int)))
    return (node_2J[:, :, None] + drift_2T[:, None, :]) * BLOCK_PX + 1.0


def _masks() -> np.ndarray:
    mask_THW = np.zeros((FRAMES, *GRID_HW), np.uint8)
    for frame in range(FRAMES):
        mask_THW[frame, 3:9, 2 + frame : 6 + frame] = 1
    return mask_THW.repeat(BLOCK_PX, axis=1).repeat(BLOCK_PX, axis=2).transpose(1, 2, 0).copy()


@pytest.fixture
def make_data(tmp_path: Path) -> Callable[..., Path]:
    """Returns a maker of clips in JHMDB's layout, `permute` says what becomes of the truth after the first frame."""

    def make(*, clips: int = 2, permute: Callable[[np.ndarray], np.ndarray] = lambda later: later) -> Path:
        for number in range(clips):
            name = f"catch/clip_{number}"
            for folder, file, field, truth in (
                ("joint_positions", "joint_positions.mat", "pos_img", _joints(number)),
                ("puppet_mask", "puppet_mask.mat", "part_mask", _masks()),
            ):
                (tmp_path / folder / name).mkdir(parents=True)
                truth[..., 1:] = permute(truth[..., 1:])
                savemat(tmp_path / folder / name / file, {field: truth})
            (tmp_path / "Rename_Images" / name).mkdir(parents=True)
            for frame, image in enumerate(drifting_video(FRAMES, GRID_HW), start=1):
                Image.fromarray(image).save(tmp_path / "Rename_Images" / name / f"{frame:05d}.png")
        return tmp_path

    return make


def _joint_scores(data: Path, matcher: Any = None, *, notebook: Notebook = FORGETFUL, **settings: Any) -> Scores:
    propagation = replace(at_published_size("crw"), size_hw=SIZE_HW)
    benchmark = Jhmdb(JhmdbConfig(**{"data": data, "sequences": "present", "propagation": propagation} | settings))
    return benchmark(matcher or GridOracle(), subject="anyone", notebook=notebook)


def _mask_scores(data: Path, matcher: Any = None) -> Scores:
    propagation = replace(at_published_size("crw"), size_hw=SIZE_HW)
    config = JhmdbMasksConfig(data=data, sequences="present", propagation=propagation)
    return JhmdbMasks(config)(matcher or GridOracle(), subject="anyone")


def test_an_oracle_carries_every_joint_and_zero_motion_falls_behind(make_data: Callable[..., Path]) -> None:
    data = make_data()
    oracle = _joint_scores(data)
    assert oracle.scalars["PCK@0.05"] == 100
    assert oracle.scalars["lost"] == 0
    still = _joint_scores(data, PositionMatcher(stride=8))
    assert still.scalars["PCK@0.1"] < 50
    assert [row["video"] for row in oracle.rows] == ["catch/clip_0", "catch/clip_1"]


@pytest.mark.parametrize("preset", sorted(jhmdb.KIND.presets))
def test_every_preset_carries_an_oracles_joints(preset: str, make_data: Callable[..., Path]) -> None:
    config = replace(jhmdb.KIND.presets[preset](), data=make_data(clips=1), sequences="present")
    assert config.propagation.network_hw((240, 320)) == (320, 320)
    config = replace(config, propagation=replace(config.propagation, size_hw=SIZE_HW))
    assert Jhmdb(config)(GridOracle(), subject="oracle").scalars["PCK@0.1"] > 99


def test_permuted_joints_are_found_by_chance_alone(make_data: Callable[..., Path]) -> None:
    data = make_data(permute=lambda later: np.roll(later, *((7, 1) if later.shape[1] == 15 else (48, 0))))
    assert _joint_scores(data).scalars["PCK@0.1"] < 15
    assert _mask_scores(data).scalars["J_mean"] < 20


def test_where_nothing_is_predicted_nothing_is_right(
    make_data: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = make_data(clips=1)

    def nothing(_: Any, video_THWC: Any, first_JHW: torch.Tensor, __: Any) -> Any:
        return [first_JHW, *[torch.zeros_like(first_JHW)] * (len(video_THWC) - 1)]

    monkeypatch.setattr(jhmdb, "propagate_maps", nothing)
    scalars = _joint_scores(data).scalars
    assert scalars["PCK@0.5"] == 0
    assert scalars["lost"] == 100
    monkeypatch.setattr(jhmdb_masks, "propagate_labels", lambda _, video, *__: np.zeros(video.shape[:3], np.uint8))
    assert _mask_scores(data).scalars["J&F"] == 0


def test_joints_outside_the_first_frame_are_not_asked_for(make_data: Callable[..., Path]) -> None:
    data = make_data(clips=1)
    truth = _joints(0)
    truth[:, 3] -= 100
    savemat(data / "joint_positions/catch/clip_0/joint_positions.mat", {"pos_img": truth})
    scores = _joint_scores(data)
    assert scores.scalars["PCK@0.1"] == 100
    savemat(data / "joint_positions/catch/clip_0/joint_positions.mat", {"pos_img": truth - 100})
    with pytest.raises(BenchmarkError, match="none of 1 clips shows a joint"):
        _joint_scores(data)


def test_the_oracle_carries_masks(make_data: Callable[..., Path]) -> None:
    scores = _mask_scores(make_data())
    assert scores.scalars["J&F"] > 95
    assert scores.headline == "J&F"
    assert [row["video"] for row in scores.rows] == ["catch/clip_0", "catch/clip_1"]


def test_the_same_bits_come_twice_and_the_protocol_tells_what_was_measured(make_data: Callable[..., Path]) -> None:
    data = make_data()
    first, second = _joint_scores(data), _joint_scores(data)
    assert first == second
    assert first.protocol["num_videos"] == 2
    assert "data" not in first.protocol
    assert first.provenance == {"data": str(data)}
    assert comparable(first, _joint_scores(data, PositionMatcher(stride=16)))
    assert not comparable(first, _joint_scores(data, size="longer-side"))
    (data / "joint_positions/catch/clip_1/joint_positions.mat").unlink()
    assert not comparable(first, _joint_scores(data))


def test_joints_pictures_and_progress_are_left_in_the_notebook(make_data: Callable[..., Path], tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    notebook = Notebook(tmp_path / "notes", on_progress=lambda *event: told.append(event))
    _joint_scores(make_data(), notebook=notebook)
    assert told == [(1, 2, "catch/clip_0"), (2, 2, "catch/clip_1")]
    assert set(notebook.pictures.values()) == {"strip-0.jpg", "strip-1.jpg", "film.mp4", "worst.jpg", "pck.svg"}
    rows = list(csv.DictReader((tmp_path / "notes/joints.csv").open()))
    assert [row["joint"] for row in rows][:2] == ["neck", "belly"]
    assert {float(row["PCK@0.1"]) for row in rows} == {100.0}


def test_missing_data_and_unknown_choices_are_told() -> None:
    for benchmark in (lambda: Jhmdb(JhmdbConfig()), lambda: JhmdbMasks(JhmdbMasksConfig())):
        with pytest.raises(BenchmarkError, match=r"needs --data PATH.*Rename_Images.*jhmdb\.is"):
            benchmark()
    with pytest.raises(ConfigError, match="read_nodes=0"):
        JhmdbConfig(read_nodes=0)


@pytest.mark.real_data
def test_real_joints_are_carried_by_a_network_that_stands_still(real_data: Path) -> None:
    scores = _joint_scores(
        real_data / "jhmdb_joints_sample", PositionMatcher(stride=16), propagation=at_published_size("crw")
    )
    assert scores.scalars["PCK@0.2"] == pytest.approx(1.7, abs=0.5)
    assert scores.scalars["lost"] == 0
