"""How a layer moves: a smooth affine pose for every moment, in closed form.

Position and size swing sinusoidally, each axis with a period of its own, and the angle turns steadily. Swings return,
so a clip of any length stays populated; amplitude times frequency is the peak speed, so no limit is ever exceeded.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

__all__ = ["Path", "Swing", "draw_swing", "invert", "move"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Swing:
    """The oscillation middle + amplitude * sin(phase + rate * time)."""

    middle: float
    amplitude: float
    rate: float
    """Radians a frame."""
    phase: float

    def at(self, time: float) -> float:
        """Return the value at a time in frames."""
        return float(self.middle + self.amplitude * np.sin(self.phase + self.rate * time))


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """Pose of a layer over time: stretch along its axes, then turn, then shift."""

    x: Swing
    y: Swing
    log_scale_x: Swing
    log_scale_y: Swing
    angle: float
    """Radians at time 0."""
    turn: float
    """Radians a frame."""

    def raster_from_layer(self, time: float) -> Float[np.ndarray, "2 3"]:
        """Return the affine map from the layer's own frame to the raster at a time in frames."""
        angle = self.angle + self.turn * time
        c, s = np.cos(angle), np.sin(angle)
        scale_x, scale_y = np.exp(self.log_scale_x.at(time)), np.exp(self.log_scale_y.at(time))
        return np.array([[c * scale_x, -s * scale_y, self.x.at(time)], [s * scale_x, c * scale_y, self.y.at(time)]])


def draw_swing(rng: np.random.Generator, *, middle: float, amplitude: float, peak_speed: float) -> Swing:
    """Return a swing with a random phase that moves at most `peak_speed` a frame."""
    return Swing(middle=middle, amplitude=amplitude, rate=peak_speed / amplitude, phase=rng.uniform(0, 2 * np.pi))


def invert(target_from_source_23: Float[np.ndarray, "2 3"]) -> Float[np.ndarray, "2 3"]:
    """Return the inverse of an affine map."""
    linear = np.linalg.inv(target_from_source_23[:, :2])
    return np.concatenate((linear, -linear @ target_from_source_23[:, 2:]), axis=1)


def move(
    target_from_source_23: Float[np.ndarray, "2 3"], x: Float[np.ndarray, "*#n"], y: Float[np.ndarray, "*#n"]
) -> tuple[Float[np.ndarray, "*#n"], Float[np.ndarray, "*#n"]]:
    """Return the image of points, x and y broadcast, under an affine map."""
    (a, b, c), (d, e, f) = target_from_source_23.tolist()
    return a * x + b * y + c, d * x + e * y + f
