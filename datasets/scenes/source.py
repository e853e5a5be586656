"""Generated scenes as an endless sample source: a new scene for every number.

Only the frames that a palindrome shows are rendered, and motion is attached when the plan asks for it. Scenes of
`HELD_OUT_SEED` and above are never given out: evaluation takes its scenes there.
"""

import hashlib
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch

from densewalk.datasets.config import require
from densewalk.datasets.palindrome import cut, draw_palindrome, frames_of, palindrome_fits
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.samples import ClipSample
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.scene import Scene
from densewalk.datasets.stream.order import COLUMN_SPAN
from densewalk.datasets.views import Motion

__all__ = ["EPOCH_SAMPLES", "HELD_OUT_SEED", "SceneSource"]

EPOCH_SAMPLES = 10_000
"""Samples that count as one epoch; scenes never repeat, so this is a name for an amount only."""
HELD_OUT_SEED = 1 << 62
"""First scene seed that no `SceneSource` uses."""

_NUMBER_BITS = 40
_COLUMN_BITS = COLUMN_SPAN.bit_length() - 1


class SceneSource:
    """Palindromes over generated scenes; sample `number` is a pure function of (config, plan, seed, number)."""

    def __init__(self, config: SceneConfig, plan: PalindromePlan, seed: int = 0) -> None:
        """Raises `ConfigError` when scenes are too short for the plan or the seed is out of range."""
        require(
            not palindrome_fits(plan, num_frames=config.num_frames, fps=config.fps)
            and f"scenes of scenes.num_frames={config.num_frames} at scenes.fps={config.fps:g} are too short for "
            f"objective.plan.num_frames={plan.num_frames} at objective.plan.gap_seconds={plan.gap_seconds}",
            not 0 <= seed < HELD_OUT_SEED >> _NUMBER_BITS
            and f"seed={seed} must be in 0 to {(HELD_OUT_SEED >> _NUMBER_BITS) - 1}",
        )
        self.config = config
        self.plan = plan
        self.seed = seed

    @property
    def identity(self) -> str:
        """Hex digits of the scenes' configuration, the plan and the seed."""
        return hashlib.sha256(f"{self.config} {self.plan} {self.seed}".encode()).hexdigest()

    def __len__(self) -> int:
        return EPOCH_SAMPLES

    def samples(self, numbers: Sequence[int]) -> list[ClipSample]:
        """Return samples of the endless stream."""
        return [self._sample(number) for number in numbers]

    def column(self, number: int) -> int:
        """Return a place among the columns of other sources: scenes share nothing, so they spread over all of them."""
        return int(f"{number % COLUMN_SPAN:0{_COLUMN_BITS}b}"[::-1], 2)

    def ahead(self, numbers: Sequence[int]) -> None:
        """Do nothing: scenes are drawn, not fetched."""

    def shun(self, key: str, reason: str) -> None:
        """Do nothing: no scene is read from anywhere."""

    def _sample(self, number: int) -> ClipSample:
        scene = Scene(self.config, (self.seed << _NUMBER_BITS) + number)
        rng = np.random.default_rng((scene.seed, 1))
        views = draw_palindrome(
            self.plan, num_frames=self.config.num_frames, fps=self.config.fps, size_hw=scene.size_hw, rng=rng
        )
        frames = frames_of(views)
        video_THWC = np.stack([scene.frame(t) for t in frames])
        motion = _motion(scene, frames) if self.plan.motion else None
        return cut(f"scene-{scene.seed}", video_THWC, frames, views, motion=motion)


def _motion(scene: Scene, frames: tuple[int, ...]) -> Motion:
    """Return the exact motion between neighbouring frames, there and back."""
    pairs = [pair for a, b in pairwise(frames) for pair in ((a, b), (b, a))]
    flows, visible = zip(*(scene.flow(source, target) for source, target in pairs), strict=True)
    return Motion(
        source_frame_BP=torch.tensor([[source for source, _ in pairs]]),
        target_frame_BP=torch.tensor([[target for _, target in pairs]]),
        flow_BP2HW=torch.from_numpy(np.stack(flows))[None],
        visible_BPHW=torch.from_numpy(np.stack(visible))[None],
    )
