"""Tests of the recipes."""

import inspect

import pytest
import yaml

from densewalk.datasets.config import from_mapping, to_yaml
from densewalk.ssl.objectives import OBJECTIVES, build_objective
from densewalk.ssl.train.config import TrainConfig
from densewalk.ssl.train.recipes import RECIPES


@pytest.mark.parametrize("name", RECIPES)
def test_recipe_is_a_complete_configuration_that_survives_its_own_yaml(name: str) -> None:
    config = RECIPES[name]()
    defaults = TrainConfig(objective=OBJECTIVES[config.objective.name].config())
    assert from_mapping(defaults, yaml.safe_load(to_yaml(config))) == config


@pytest.mark.parametrize("name", RECIPES)
def test_recipe_documents_command_hardware_duration_and_result(name: str) -> None:
    text = inspect.getdoc(RECIPES[name]) or ""
    assert f"densewalk pretrain --recipe {name}" in text
    assert all(f"{word}:" in text for word in ("Hardware", "Duration", "Result"))


@pytest.mark.parametrize("name", RECIPES)
def test_recipe_has_views_its_network_takes(name: str) -> None:
    config = RECIPES[name]()
    assert build_objective(config.objective).plan.size == config.objective.plan.size


def test_published_recipe_has_the_published_numbers() -> None:
    config = RECIPES["gmrw"]()
    num_parameters = sum(p.numel() for p in build_objective(config.objective).subject().parameters())
    assert num_parameters == 4_346_912
    assert config.objective.plan.size == 512
    assert config.objective.smoothness_weight == 200
    assert (config.optimiser.lr, config.optimiser.clip_norm, config.optimiser.weight_decay) == (1.6e-4, 20.0, 1e-4)
