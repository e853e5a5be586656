"""What an objective asks of the data: which views of a clip, how large, at which times.

A palindrome goes forward through a clip in one view and back in another whose crop is its own. The return view starts
at the last time and ends at the first, so walking it home ends at the same moment under a different crop; that crop is
what the warped label undoes (GMRW, label warping).
"""

from dataclasses import dataclass

from densewalk.datasets.config import require

__all__ = ["PalindromePlan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PalindromePlan:
    """Views of a palindrome: `(forward, backward)`, each with `num_frames` frames of `size` x `size` pixels."""

    size: int = 256
    """Side of the square views, pixels (GMRW: 512)."""
    num_frames: int = 2
    """Frames of one direction; the walk takes `2 * num_frames - 2` steps."""
    gap_seconds: tuple[float, float] = (0.04, 0.34)
    """Range of the time between neighbouring frames, drawn uniformly per clip (GMRW: 1/12 s on MOVi-E, 2/3 s on
    Kinetics)."""
    crop_area: tuple[float, float] = (0.3, 1.0)
    """Range of a crop's share of the clip's largest square (GMRW setting 2)."""
    crop_aspect: tuple[float, float] = (0.7, 1.3)
    """Range of a crop's width over height, drawn log-uniformly (GMRW setting 2)."""
    flip_prob: float = 0.0
    """Probability of mirroring a view, drawn for each direction (GMRW: 0)."""
    independent_return: bool = True
    """Whether the return view has a crop of its own; without it the label is the identity and the walk collapses."""
    colour_jitter: float = 0.0
    """Strength of a change of colour that every frame of every view draws for itself (GMRW: 0, MoCo-v2: 0.4)."""
    motion: bool = False
    """Whether the batch must carry motion between the planned frames."""

    def __post_init__(self) -> None:
        low_gap, high_gap = self.gap_seconds
        low_area, high_area = self.crop_area
        low_aspect, high_aspect = self.crop_aspect
        require(
            self.size < 8 and f"objective.plan.size={self.size} is too small; use at least 8 pixels",
            self.num_frames < 2 and f"objective.plan.num_frames={self.num_frames}; a walk needs at least 2 frames",
            not 0 <= low_gap <= high_gap
            and f"objective.plan.gap_seconds={self.gap_seconds} is not a range of positive seconds",
            not 0 < low_area <= high_area <= 1
            and f"objective.plan.crop_area={self.crop_area} is not a range within (0, 1]",
            not 0 < low_aspect <= high_aspect
            and f"objective.plan.crop_aspect={self.crop_aspect} is not a range of positive ratios",
            not 0 <= self.colour_jitter <= 1
            and f"objective.plan.colour_jitter={self.colour_jitter} must lie within 0-1",
            not 0 <= self.flip_prob <= 1 and f"objective.plan.flip_prob={self.flip_prob} is not a probability",
        )
