"""Objectives by name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from densewalk.datasets.errors import known_name
from densewalk.ssl.objectives.crw import CRW, CRWConfig
from densewalk.ssl.objectives.gmrw import GMRW, GMRWConfig
from densewalk.ssl.objectives.multiscale import MultiScaleConfig, MultiScaleWalk
from densewalk.ssl.objectives.objective import Objective, ObjectiveConfig
from densewalk.ssl.objectives.oracle import Oracle, OracleConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveKind:
    """The two classes that make an objective."""

    config: Callable[[], ObjectiveConfig]
    build: Callable[[Any], Objective]


OBJECTIVES: dict[str, ObjectiveKind] = {
    "crw": ObjectiveKind(config=CRWConfig, build=CRW),
    "gmrw": ObjectiveKind(config=GMRWConfig, build=GMRW),
    "multiscale": ObjectiveKind(config=MultiScaleConfig, build=MultiScaleWalk),
    "oracle": ObjectiveKind(config=OracleConfig, build=Oracle),
}


def build_objective(config: ObjectiveConfig) -> Objective:
    """Return the objective that `config` describes; raises `ConfigError` when no objective has its name."""
    return OBJECTIVES[known_name(config.name, OBJECTIVES, "objective")].build(config)
