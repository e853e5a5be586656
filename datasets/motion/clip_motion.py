"""What every file of a clip's motion says of itself, whatever it holds."""

from dataclasses import dataclass

from densewalk.datasets.errors import DataError

__all__ = ["MotionAbout"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionAbout:
    """The clip, the raster motion was estimated in, and by what; raises `DataError` for what no clip has."""

    key: str
    """Of the clip."""
    frames: int
    """Of the clip."""
    clip_size_hw: tuple[int, int]
    """Rows and columns of the clip."""
    size_hw: tuple[int, int]
    """Rows and columns at which flow was estimated; its pixels are the unit of flow, their squares of residuals."""
    estimator: str
    """As the configuration names it."""
    weights_sha256: str = ""
    """Of the estimator's weights; empty for one without."""

    def __post_init__(self) -> None:
        self._require(self.frames >= 0 and min(*self.size_hw, *self.clip_size_hw) >= 1)

    def _require(self, sound: bool) -> None:
        if not sound:
            raise DataError(f"a file of motion says of itself {self}, which no version of this format writes")
