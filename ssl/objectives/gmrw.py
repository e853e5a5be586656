"""Global matching random walks: a two-frame palindrome whose label is warped by the crop of the way back (GMRW)."""

from dataclasses import dataclass, field

from densewalk.datasets.config import require
from densewalk.datasets.plan import PalindromePlan
from densewalk.ssl.matchers.gmflow import GMFlowConfig

__all__ = ["GMRWConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GMRWConfig:
    """Settings of the GMRW objective."""

    matcher: GMFlowConfig = field(default_factory=GMFlowConfig)
    """The network whose transitions are walked."""
    plan: PalindromePlan = field(default_factory=lambda: PalindromePlan(size=512))
    """Views a batch must carry; `plan.independent_return` is label warping."""
    smoothness_weight: float = 200.0
    """Weight of the edge-aware second-order smoothness once its ramp is over (GMRW: 200 on MOVi-E)."""
    smoothness_start: float = 0.07
    """Share of the run before the smoothness ramp begins (GMRW: 5,000 of 73,000 steps)."""
    smoothness_full: float = 0.2
    """Share of the run at which the ramp is complete (GMRW: 15,000 of 73,000 steps)."""

    def __post_init__(self) -> None:
        start, full = self.smoothness_start, self.smoothness_full
        require(
            self.smoothness_weight < 0 and f"objective.smoothness_weight={self.smoothness_weight} must not be negative",
            not 0 <= start <= full <= 1
            and f"objective.smoothness_start={start} and smoothness_full={full} must be ordered shares of the run in 0-1",
            self.plan.num_frames != 2 and f"objective.plan.num_frames={self.plan.num_frames}; GMRW walks two frames",
        )
