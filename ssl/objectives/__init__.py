"""Objectives by name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from densewalk.datasets.errors import known_name
from densewalk.ssl.objectives.gmrw import GMRW, GMRWConfig
from densewalk.ssl.objectives.objective import Objective, ObjectiveConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveKind:
    """The two classes that make an objective."""

    config: Callable[[], ObjectiveConfig]
    build: Callable[[Any], Objective]


OBJECTIVES: dict[str, ObjectiveKind] = {
    "gmrw": ObjectiveKind(config=GMRWConfig, build=GMRW),
}


def build_objective(config: ObjectiveConfig) -> Objective:
    """Return the objective that `config` describes; raises `ConfigError` when no objective has its name."""
    return OBJECTIVES[known_name(config.name, OBJECTIVES, "objective")].build(config)
