"""A run's folder: whose it is, what it was started with, and whether this command may go on with it.

config.yaml is the identity of a run. A command whose configuration differs in anything that changes the numbers is
refused with the list of differences; what only changes the way the run is carried out may differ, and `steps` may grow.
Data may have moved: their content, not their place, has to be what the run was started on.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from densewalk.datasets.atomic import write_json, write_text
from densewalk.datasets.config import leaves, to_mapping, to_yaml
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.file_locks import lock_file
from densewalk.datasets.opening import Location
from densewalk.ssl.train.checkpoint import checkpoint_step, latest_checkpoint
from densewalk.ssl.train.config import TrainConfig
from densewalk.ssl.versions import commit, versions

__all__ = ["check_config", "is_finished", "locked_run", "read_run_card", "write_start"]

_CONFIG = "config.yaml"
_CARD = "run.json"
_LOCK = ".lock"
_FREE = {
    "checkpoint_every",
    "keep_checkpoints",
    "log_every",
    "threads",
    "device",
    "data.workers",
    "data.deadline_seconds",
    "data.max_damaged",
}
_FREE_SECTION = "data.cache."
_DATASETS = "data.datasets"


@contextmanager
def locked_run(run: Path) -> Iterator[None]:
    """Hold a run's folder, made when absent, for one process.

    Raises `ConfigError` when it cannot be written to or when another process trains in it.
    """
    try:
        run.mkdir(parents=True, exist_ok=True)
        handle = lock_file(run / _LOCK)
    except OSError as error:
        raise ConfigError(
            f"cannot write to the run folder {run}: {error.strerror}; choose another with --out"
        ) from error
    if handle is None:
        raise ConfigError(f"another process is training in {run}; wait for it, or choose another --out")
    try:
        yield
    finally:
        os.close(handle)


def check_config(run: Path, config: TrainConfig) -> None:
    """Raise `ConfigError` with every difference when `run` was started with a configuration that `config` cannot
    continue. Where data lie is a difference only to a finished run, which does not open them: see `write_start`.
    """
    path = run / _CONFIG
    if not path.is_file():
        if latest_checkpoint(run) is not None:
            raise ConfigError(f"{run} has checkpoints but no {_CONFIG}; put it back, or choose another --out")
        return
    before, now = dict(leaves(_read_yaml(path))), dict(leaves(to_mapping(config)))
    absent = "(absent)"
    names = [*now, *(name for name in before if name not in now)]
    if not is_finished(run, config):
        names.remove(_DATASETS)
    changes = [(name, before.get(name, absent), now.get(name, absent)) for name in names if not _is_free(name)]
    problems = [f"  {name}: {old} -> {new}" for name, old, new in changes if old != new and not _grew(name, old, new)]
    if problems:
        raise ConfigError(
            f"{run} holds a run with another configuration (was -> now):\n" + "\n".join(problems) + "\n"
            "repeat the command with the old values to continue it, or choose another --out; only steps may grow, and "
            f"{', '.join(sorted(_FREE))} and {_FREE_SECTION}* may change, and data may move"
        )


def is_finished(run: Path, config: TrainConfig) -> bool:
    """Return whether the run has a checkpoint of its last step."""
    folder = latest_checkpoint(run)
    return folder is not None and checkpoint_step(folder) >= config.steps


def write_start(run: Path, config: TrainConfig, *, identities: Mapping[str, str]) -> None:
    """Write config.yaml and add this start to run.json; `identities` are those of the collections, by location.

    Raises `DataError` when the content of a place has changed since the run was started, `ConfigError` when other
    data are named.
    """
    folder = latest_checkpoint(run)
    start: dict[str, Any] = {"command": sys.argv, "versions": versions(), "commit": commit()}
    if folder is None:
        card = {**start, "datasets": dict(identities), "resumed": []}
    else:
        card = read_run_card(run)
        _require_same_data(run, card.get("datasets", {}), identities)
        again = {**start, "datasets": dict(identities), "step": checkpoint_step(folder)}
        card["resumed"] = [*card.get("resumed", []), again]
    write_text(run / _CONFIG, to_yaml(config))
    write_json(run / _CARD, card)


def read_run_card(run: Path) -> dict[str, Any]:
    """Return run.json: command, versions, commit, content of the datasets and later starts; empty when absent.

    Raises `DataError` when it is damaged.
    """
    path = run / _CARD
    if not path.is_file():
        return {}
    try:
        card = json.loads(path.read_text())
    except ValueError as error:
        raise DataError(f"{path} is damaged: {error}; put a copy of it back, or choose another --out") from error
    if not isinstance(card, dict):
        raise DataError(f"{path} is not what a run was started with; put a copy of it back, or choose another --out")
    return card


def _require_same_data(run: Path, before: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Raise unless the same content is named in the same order with the same weights."""
    if changed := [name for name in now if before.get(name, now[name]) != now[name]]:
        raise DataError(
            f"{', '.join(changed)} is not what {run} was started on; bring the old content back, or choose another "
            "--out"
        )
    if _contents(before) != _contents(now):
        raise ConfigError(
            f"{_DATASETS}={list(now)} is other data than {run} was started on, {list(before)}; data may have moved, "
            "but their content, order and weights must be the same; name them, or choose another --out"
        )


def _contents(identities: Mapping[str, str]) -> list[tuple[float, str]]:
    return [(Location.parse(name).weight, identity) for name, identity in identities.items()]


def _read_yaml(path: Path) -> Mapping[str, Any]:
    try:
        content = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not YAML: {error}") from error
    return content if isinstance(content, Mapping) else {}


def _is_free(name: str) -> bool:
    return name in _FREE or name.startswith(_FREE_SECTION)


def _grew(name: str, old: Any, new: Any) -> bool:
    return name == "steps" and isinstance(old, int) and new >= old
