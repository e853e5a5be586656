"""The contract of an objective: what is minimised, what data it needs, what it hands out afterwards.

All state lives in parameters and buffers; `forward` runs no collective operation; a curriculum is a pure function of
`Progress`. Under these rules the training loop can checkpoint, resume and distribute any objective without knowing it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import UInt8
from torch import Tensor, nn

from densewalk.datasets.errors import ConfigError
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.views import ClipBatch
from densewalk.ssl.matchers.matcher import Matcher

__all__ = ["MatcherObjective", "Objective", "ObjectiveConfig", "Panel", "Progress", "StepOutput"]

Panel = Callable[[], UInt8[np.ndarray, "h w 3"]]
"""Draws one RGB picture when called; drawing costs nothing until then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveConfig:
    """What the settings of every objective have in common; subclasses give `name` and `plan` a default."""

    name: str
    """Key of the objective in `OBJECTIVES`; the recipe decides it."""
    plan: PalindromePlan
    """Views a batch must carry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where in the run a step stands."""

    step: int
    """Steps finished before this one."""
    num_steps: int
    """Steps of the whole run."""

    @property
    def fraction(self) -> float:
        """Share of the run that is done, 0-1."""
        return self.step / max(self.num_steps, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOutput:
    """What one forward pass yields."""

    loss: Tensor
    """Scalar to minimise."""
    scalars: Mapping[str, Tensor] = field(default_factory=dict)
    """Detached scalars for the log."""
    panels: Mapping[str, Panel] = field(default_factory=dict)
    """Pictures of this step, by name."""


class Objective(nn.Module, ABC):
    """Base of every objective."""

    @property
    @abstractmethod
    def plan(self) -> PalindromePlan:
        """The views and motion a batch must carry."""

    @abstractmethod
    def forward(self, batch: ClipBatch, progress: Progress) -> StepOutput:
        """Return the loss of a batch."""

    def after_step(self, progress: Progress) -> None:
        """Update teachers and queues once the optimiser has stepped."""

    @abstractmethod
    def subject(self) -> Matcher:
        """Return the module that is evaluated."""


class MatcherObjective(Objective):
    """Base of objectives that learn one matcher, which is then what is evaluated.

    Raises `ConfigError` when the matcher cannot take images of the plan's size.
    """

    def __init__(self, config: ObjectiveConfig, matcher: Matcher) -> None:
        super().__init__()
        self.matcher = matcher
        self._plan = config.plan
        if config.plan.size % matcher.multiple:
            raise ConfigError(
                f"objective.plan.size={config.plan.size} must be a multiple of {matcher.multiple} pixels, the smallest "
                "image of objective.matcher"
            )

    @property
    def plan(self) -> PalindromePlan:
        """The views a batch must carry."""
        return self._plan

    def subject(self) -> Matcher:
        """Return the matcher."""
        return self.matcher
