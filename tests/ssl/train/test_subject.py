"""Tests of taking the network out of a run."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from densewalk.datasets.errors import TrainingError
from densewalk.ssl.matchers.gmflow import GMFlow
from densewalk.ssl.train.checkpoint import latest_checkpoint, load_model
from densewalk.ssl.train.config import TrainConfig
from densewalk.ssl.train.subject import load_matcher, load_train_config


def _newest(run: Path) -> Path:
    folder = latest_checkpoint(run)
    assert folder is not None
    return folder


def test_run_and_checkpoint_give_the_trained_network_and_where_it_is_from(
    tiny_run: Path, tiny_config: TrainConfig
) -> None:
    folder = _newest(tiny_run)
    saved = load_model(folder)
    for path in (tiny_run, folder):
        matcher, provenance = load_matcher(path)
        assert isinstance(matcher, GMFlow)
        assert not matcher.training
        assert all(torch.equal(saved[f"matcher.{name}"], tensor) for name, tensor in matcher.state_dict().items())
        assert provenance["checkpoint"] == str(folder)
        assert (provenance["step"], provenance["seed"]) == (1, tiny_config.seed)
        assert provenance["versions"]["torch"] == torch.__version__
        assert {"commit", "config_hash"} <= provenance.keys()
        assert len(provenance["weights_sha256"]) == 64


def test_loading_moves_no_random_generator(tiny_run: Path) -> None:
    before = torch.get_rng_state()
    load_matcher(tiny_run)
    assert torch.equal(before, torch.get_rng_state())


def test_configuration_of_a_run_is_the_one_it_was_started_with(tiny_run: Path, tiny_config: TrainConfig) -> None:
    assert load_train_config(tiny_run) == replace(tiny_config, steps=1)


def test_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"absent: no such folder; expected a run"):
        load_matcher(tmp_path / "absent")


def test_run_without_a_complete_checkpoint_is_refused(tiny_run: Path) -> None:
    (_newest(tiny_run) / "COMPLETE").unlink()
    with pytest.raises(TrainingError, match="no complete checkpoint"):
        load_matcher(tiny_run)


def test_checkpoint_taken_out_of_its_run_asks_for_its_configuration(tiny_run: Path, tmp_path: Path) -> None:
    alone = tmp_path / "elsewhere" / "step-00000001"
    shutil.copytree(_newest(tiny_run), alone)
    with pytest.raises(TrainingError, match=r"no config\.yaml above"):
        load_matcher(alone)


def test_another_architecture_is_refused_with_tensors_shapes_and_option(tiny_run: Path) -> None:
    path = tiny_run / "config.yaml"
    path.write_text(path.read_text().replace("middle_dim: 8", "middle_dim: 12"))
    with pytest.raises(TrainingError) as caught:
        load_matcher(tiny_run)
    message = str(caught.value)
    assert "matcher.cnn." in message
    assert "(8, " in message
    assert "(12, " in message
    assert "objective.matcher" in message


@pytest.mark.parametrize("text", ["seed: [", "- 1", "sede: 3", "seed: many"])
def test_unreadable_configuration_is_named(tiny_run: Path, text: str) -> None:
    (tiny_run / "config.yaml").write_text(text)
    with pytest.raises(TrainingError, match=r"config\.yaml is not the configuration of a training run"):
        load_matcher(tiny_run)
