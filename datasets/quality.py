"""What is measured of a clip's pictures: columns of the index by which a corpus can be chosen from later."""

from dataclasses import dataclass

__all__ = ["ClipQuality"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipQuality:
    """Scores of one clip; None where a score was not asked for or cannot be had."""

    motion: float | None = None
    """Usual motion, per cent of the shorter side per second."""
