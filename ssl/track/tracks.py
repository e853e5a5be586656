"""Point tracks: where points are in every frame of a video, and whether they can be seen there.

Shapes: K points, T frames, 2 = (x, y) in raster pixels.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

__all__ = ["Tracks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracks:
    """Tracks of several points, predicted or true."""

    track_KT2: Float[np.ndarray, "k t 2"]
    """Positions (x, y) in raster pixels."""
    visible_KT: Bool[np.ndarray, "k t"]
    """Whether the point is inside the frame and unoccluded."""

    def scaled(self, scale_xy: tuple[float, float]) -> "Tracks":
        """Return the tracks in a raster that is `scale_xy` times as wide and high."""
        return Tracks(track_KT2=self.track_KT2 * np.array(scale_xy, np.float64), visible_KT=self.visible_KT)
