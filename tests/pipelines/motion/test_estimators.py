"""Estimators of flow: direction, units and half pixels are right, names are checked, faults name the option."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.scene import Scene
from densewalk.pipelines.motion.estimators import FlowEstimator, estimator_problem, load_estimator
from densewalk.ssl.metrics.flow import endpoint_error

CALM = SceneConfig(
    height=96,
    width=128,
    num_layers=(0, 0),
    max_background_speed_px=4.0,
    max_rotation_degrees=12.0,  # the background turns at a quarter of it
    brightness_drift=0.0,
)


@pytest.mark.parametrize("name", ["dis", "dis:ultrafast", "dis:fast", "dis:medium", "subject:dis-flow"])
def test_a_shift_points_from_source_to_target(name: str) -> None:
    big = (np.kron(np.random.default_rng(0).random((20, 24, 3)), np.ones((6, 6, 1))) * 255).astype(np.uint8)
    source, target = big[10:90, 10:130], big[13:93, 6:126]  # what is at x lies 4 to the right and 3 higher
    estimator = load_estimator(name, "flow.estimator")
    assert isinstance(estimator, FlowEstimator)
    forth, back = estimator(np.ascontiguousarray(source), np.ascontiguousarray(target))
    assert forth.dtype == back.dtype == np.float32
    inner = (slice(None), slice(15, -15), slice(15, -15))
    np.testing.assert_allclose(np.median(forth[inner], axis=(1, 2)), (4, -3), atol=0.3)
    np.testing.assert_allclose(np.median(back[inner], axis=(1, 2)), (-4, 3), atol=0.3)


@pytest.mark.parametrize(("name", "bound"), [("dis:fast", 0.3), ("dis", 0.2)])
def test_motion_of_scenes_that_turn_and_grow_is_found(name: str, bound: float) -> None:
    errors = []
    for seed in range(3):
        scene = Scene(CALM, seed)
        forth, back = load_estimator(name, "flow.estimator")(scene.frame(0), scene.frame(1))
        for flow_2HW, (true_2HW, visible_HW) in ((forth, scene.flow(0, 1)), (back, scene.flow(1, 0))):
            errors.append(endpoint_error(flow_2HW, true_2HW)[visible_HW].mean())
    assert np.mean(errors) < bound


def test_dis_and_the_subject_of_that_name_agree() -> None:
    scene = Scene(CALM, 0)
    pair = scene.frame(0), scene.frame(1)
    for ours, theirs in zip(
        load_estimator("dis", "o")(*pair), load_estimator("subject:dis-flow", "o")(*pair), strict=True
    ):
        assert np.abs(ours - theirs).mean() < 0.02  # their grey images may differ by a level


@pytest.mark.parametrize("name", ["", "di", "dis:slow", "dis:", "raft", "raft:", "subject:", "DIS", "gmflow:x"])
def test_unknown_names_are_refused_with_those_that_are_known(name: str) -> None:
    assert "known are dis, dis:ultrafast, dis:fast, dis:medium, subject:NAME, raft:FILE" in str(
        estimator_problem(name, "flow.estimator")
    )
    with pytest.raises(ConfigError, match=r"flow\.estimator="):
        load_estimator(name, "flow.estimator")


@pytest.mark.parametrize(
    "make", [lambda p: f"subject:{p}/no-run", lambda p: f"subject:gmflow:{p}/no", lambda p: f"raft:{p}/no"]
)
def test_absent_weights_name_the_option(tmp_path: Path, make: Callable[[Path], str]) -> None:
    with pytest.raises(ConfigError, match=r"tracks\.estimator="):
        load_estimator(make(tmp_path), "tracks.estimator")


def test_a_network_that_gives_no_numbers_is_called_broken(tmp_path: Path) -> None:
    from densewalk.ssl.matchers.gmflow import GMFlow, GMFlowConfig
    from densewalk.ssl.matchers.released import _our_names

    network = GMFlow(GMFlowConfig())
    theirs = {ours: name for name, ours in _our_names(6).items()}
    tensors = {theirs.get(name, name): torch.full_like(t, torch.nan) for name, t in network.state_dict().items()}
    torch.save({"model": tensors}, tmp_path / "gmrw.pth")
    estimator = load_estimator(f"subject:gmrw:{tmp_path / 'gmrw.pth'}", "flow.estimator")
    assert len(estimator.weights_sha256) == 64
    with pytest.raises(DataError, match="not finite; its weights are broken"):
        estimator(np.zeros((32, 40, 3), np.uint8), np.ones((32, 40, 3), np.uint8))
