"""The configuration of a dataset and the versions of the stages: what a dataset folder may be extended with.

Where videos come from and how politely they are fetched does not shape clips, so a dataset may grow from other sources
under other fetch settings; everything else must stay as it was.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from densewalk.datasets.config import from_mapping, leaves, to_mapping
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.pipelines.corpus.pack import PackConfig
from densewalk.pipelines.dedup.dedup_config import DedupConfig
from densewalk.pipelines.engine import EngineConfig
from densewalk.pipelines.stages.clips import ClipConfig
from densewalk.pipelines.stages.decode import DecodeConfig
from densewalk.pipelines.stages.encode import EncodeConfig
from densewalk.pipelines.stages.fetch import FetchConfig
from densewalk.pipelines.stages.flow import FlowConfig
from densewalk.pipelines.stages.probe import ProbeConfig
from densewalk.pipelines.stages.quality import QualityConfig
from densewalk.pipelines.stages.shots import ShotConfig
from densewalk.pipelines.stages.tracks import TracksConfig

__all__ = ["PrepareConfig", "check_config", "check_recipe", "read_config", "recipe_hash"]

_FREE = ("sources", "fetch", "engine", "pack")
"""Sections that may change while a dataset grows."""
_AGAIN = "put a copy of it back (README.md of the dataset lists its settings)"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareConfig:
    """Everything that shapes a dataset, and where its videos come from."""

    sources: tuple[str, ...] = ()
    """Source specifications, beside those of the command line."""
    licence: str = "unknown"
    """Licence of videos whose source states none."""
    fetch: FetchConfig = field(default_factory=FetchConfig)
    """How videos are brought to this machine."""
    probe: ProbeConfig = field(default_factory=ProbeConfig)
    """Which files are let in."""
    decode: DecodeConfig = field(default_factory=DecodeConfig)
    """How sources are decoded."""
    shots: ShotConfig = field(default_factory=ShotConfig)
    """How shots are found."""
    clips: ClipConfig = field(default_factory=ClipConfig)
    """Which clips are cut from shots."""
    quality: QualityConfig = field(default_factory=QualityConfig)
    """What is measured of clips and which are not wanted."""
    dedup: DedupConfig = field(default_factory=DedupConfig)
    """Which clips count as the same."""
    encode: EncodeConfig = field(default_factory=EncodeConfig)
    """How clips are encoded."""
    flow: FlowConfig = field(default_factory=FlowConfig)
    """Optical flow stored beside clips."""
    tracks: TracksConfig = field(default_factory=TracksConfig)
    """Point tracks stored beside clips."""
    pack: PackConfig = field(default_factory=PackConfig)
    """How large shards are."""
    engine: EngineConfig = field(default_factory=EngineConfig)
    """How the stages are run."""


def recipe_hash(config: PrepareConfig, versions: Mapping[str, int]) -> str:
    """Return 16 hex digits that change with every setting and stage version that shape clips."""
    shaping = {name: value for name, value in to_mapping(config).items() if name not in _FREE}
    stages = " ".join(f"{name}={version}" for name, version in versions.items())
    return hashlib.sha256(f"{json.dumps(shaping, sort_keys=True)} {stages}".encode()).hexdigest()[:16]


def read_config(file: Path) -> PrepareConfig:
    """Return what a dataset was made with; raises `DataError` when the YAML file is absent, damaged or unknown."""
    try:
        return from_mapping(PrepareConfig(), _content(file))
    except ConfigError as error:
        raise DataError(f"{file} is not a configuration of this densewalk: {error}; upgrade it, or {_AGAIN}") from error


def check_config(file: Path, config: PrepareConfig) -> None:
    """Raise `ConfigError` naming every setting in which `config` differs from the YAML file, if there is one."""
    if not file.is_file():
        return
    written, asked = _shaping(_content(file)), _shaping(to_mapping(config))
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


def check_recipe(folder: Path, written: str, config: PrepareConfig, versions: Mapping[str, int]) -> None:
    """Raise `ConfigError` when a finished dataset of the same configuration was made by other stage versions."""
    if written != recipe_hash(config, versions):
        stages = ", ".join(f"{name} v{version}" for name, version in versions.items())
        raise ConfigError(
            f"{folder} was made by other versions of the stages (recipe {written}, this densewalk: {stages}); "
            "choose another --out"
        )


def _content(file: Path) -> Mapping[str, Any]:
    try:
        content = yaml.safe_load(file.read_text())
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise DataError(f"cannot read {file}: {error}; {_AGAIN}") from error
    if not isinstance(content, Mapping):
        raise DataError(f"{file} is not the configuration of a dataset; {_AGAIN}")
    return content


def _shaping(content: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in leaves(content) if name.partition(".")[0] not in _FREE}
