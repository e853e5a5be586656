"""The network of a run, ready to be measured: architecture from config.yaml, weights from a checkpoint."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import yaml

from densewalk.datasets.config import config_hash, from_mapping, require
from densewalk.datasets.errors import ConfigError, TrainingError, known_name
from densewalk.datasets.records import file_sha256
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.objectives import OBJECTIVES, build_objective
from densewalk.ssl.train.checkpoint import checkpoint_step, is_complete, latest_checkpoint, load_model, model_file
from densewalk.ssl.train.config import TrainConfig
from densewalk.ssl.train.run_folder import read_run_card
from densewalk.ssl.train.weights import load_weights

__all__ = ["load_matcher", "load_train_config"]


def load_matcher(path: Path) -> tuple[Matcher, dict[str, Any]]:
    """Return the matcher of a run folder (its newest checkpoint) or of one checkpoint folder, and where it is from.

    The provenance holds checkpoint, weights_sha256, step, seed, config_hash, commit and versions. Raises
    `TrainingError` when something is missing or damaged, or when the weights are of another architecture than
    config.yaml says.
    """
    folder = _checkpoint_folder(path)
    run = _run_folder(folder)
    config = load_train_config(run)
    with torch.random.fork_rng():
        objective = build_objective(config.objective)
    load_weights(objective, load_model(folder), where=str(folder))
    card = read_run_card(run)
    return objective.subject().eval(), {
        "checkpoint": str(folder),
        "weights_sha256": file_sha256(model_file(folder)),
        "step": checkpoint_step(folder),
        "seed": config.seed,
        "config_hash": config_hash(config),
        "commit": card.get("commit"),
        "versions": card.get("versions", {}),
    }


def load_train_config(run: Path) -> TrainConfig:
    """Return the configuration a run was started with; raises `TrainingError` when there is none to be read."""
    path = run / "config.yaml"
    try:
        content = yaml.safe_load(path.read_text())
        require(not isinstance(content, Mapping) and "it does not hold sections of name: value")
        return from_mapping(_defaults(content), content)
    except OSError as error:
        raise TrainingError(f"cannot read {path}: {error.strerror}; expected a run folder made by pretrain") from error
    except (yaml.YAMLError, ConfigError) as error:
        raise TrainingError(f"{path} is not the configuration of a training run: {error}") from error


def _defaults(content: Mapping[str, Any]) -> TrainConfig:
    """Return a configuration whose objective is of the kind that a run's configuration names."""
    section = content.get("objective")
    name = section.get("name") if isinstance(section, Mapping) else None
    return TrainConfig(objective=OBJECTIVES[known_name(str(name), OBJECTIVES, "objective")].config())


def _checkpoint_folder(path: Path) -> Path:
    if is_complete(path):
        return path
    folder = latest_checkpoint(path)
    if folder is None:
        found = "no such folder" if not path.exists() else "no complete checkpoint in it"
        raise TrainingError(
            f"{path}: {found}; expected a run made by pretrain or one of its checkpoints (RUN/checkpoints/step-*)"
        )
    return folder


def _run_folder(folder: Path) -> Path:
    """Return the folder that holds a checkpoint and a config.yaml: RUN of RUN/checkpoints/step-*, or RUN/step-*."""
    for parent in folder.resolve().parents[:2]:
        if (parent / "config.yaml").is_file():
            return parent
    raise TrainingError(f"no config.yaml above {folder}; keep a checkpoint inside its run folder")
