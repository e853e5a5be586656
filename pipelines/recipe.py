"""The configuration of a dataset and the versions of the stages: what a dataset folder may be extended with."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from densewalk.datasets.config import config_hash, to_mapping
from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.pack import PackConfig
from densewalk.pipelines.stages.clips import ClipConfig, Clips
from densewalk.pipelines.stages.decode import Decode, DecodeConfig
from densewalk.pipelines.stages.ingest import Ingest
from densewalk.pipelines.stages.shots import ShotConfig, Shots

__all__ = ["STAGE_VERSIONS", "PrepareConfig", "check_config", "check_recipe", "recipe_hash"]

STAGE_VERSIONS = {stage.name: stage.version for stage in (Ingest, Decode, Shots, Clips)}


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareConfig:
    """Everything that shapes a dataset."""

    licence: str = "unknown"
    """Licence under which all files of this dataset may be used."""
    decode: DecodeConfig = field(default_factory=DecodeConfig)
    """How sources are decoded."""
    shots: ShotConfig = field(default_factory=ShotConfig)
    """How shots are found."""
    clips: ClipConfig = field(default_factory=ClipConfig)
    """Which clips are made."""
    pack: PackConfig = field(default_factory=PackConfig)
    """How large shards are."""


def recipe_hash(config: PrepareConfig) -> str:
    """Return 16 hex digits that change with every setting and stage version."""
    versions = " ".join(f"{name}={version}" for name, version in STAGE_VERSIONS.items())
    return hashlib.sha256(f"{config_hash(config)} {versions}".encode()).hexdigest()[:16]


def check_config(file: Path, config: PrepareConfig) -> None:
    """Raise `ConfigError` naming every setting in which `config` differs from the YAML file, if there is one."""
    if not file.is_file():
        return
    try:
        content = yaml.safe_load(file.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot read {file}: {error}; choose another --out") from error
    if not isinstance(content, Mapping):
        raise ConfigError(f"{file} is not the configuration of a dataset; choose another --out")
    written = dict(_leaves(content))
    asked = dict(_leaves(to_mapping(config)))
    changed = [
        f"  {name}: {written.get(name, 'absent')!r} in the dataset, {asked.get(name, 'absent')!r} now"
        for name in sorted(written.keys() | asked.keys())
        if written.get(name) != asked.get(name)
    ]
    if changed:
        lines = "\n".join(changed)
        raise ConfigError(
            f"{file.parent} was made with another configuration; keep it or choose another --out\n{lines}"
        )


def check_recipe(folder: Path, written: str, config: PrepareConfig) -> None:
    """Raise `ConfigError` when a finished dataset of the same configuration was made by other stage versions."""
    if written and written != recipe_hash(config):
        versions = ", ".join(f"{name} v{version}" for name, version in STAGE_VERSIONS.items())
        raise ConfigError(
            f"{folder} was made by other versions of the stages (recipe {written}, this densewalk: {versions}); "
            "choose another --out"
        )


def _leaves(mapping: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in mapping.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
