"""Analytic outlines of a scene's objects: round lobed ones and angular ones.

An outline answers how far a point lies from its border, negative inside. The zero set is the exact truth of instances
and visibility; the distance, right to first order near the border, only softens the drawn edge.

All coordinates are pixels of the object's own frame, its centre at the origin. N points of any shape.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

__all__ = ["SHAPE_FAMILIES", "AngularShape", "RoundShape", "Shape", "draw_shape"]

SHAPE_FAMILIES = ("round", "angular")


@runtime_checkable
class Shape(Protocol):
    """A closed outline."""

    @property
    def reach(self) -> float:
        """Radius of a circle around the origin that holds the outline."""
        ...

    def distance(self, x: Float[np.ndarray, "*n"], y: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
        """Return the signed distance to the border, negative inside."""
        ...


def draw_shape(family: str, radius: float, rng: np.random.Generator) -> Shape:
    """Return a random outline of a family of `SHAPE_FAMILIES`, about `radius` pixels in size."""
    if family == "round":
        second, third = rng.uniform(0.05, 0.22), rng.uniform(0.0, 0.12)
        phases = np.exp(1j * rng.uniform(0, 2 * np.pi, size=2))
        return RoundShape(radius=radius, lobes=(complex(second * phases[0]), complex(third * phases[1])))
    num_sides = int(rng.integers(3, 6))
    turn = (np.arange(num_sides) + rng.uniform(-0.06, 0.06, size=num_sides)) * 2 * np.pi / num_sides
    offset = radius * np.cos(np.pi / num_sides) * rng.uniform(0.9, 1.25, size=num_sides)
    return AngularShape(normal_K2=np.stack((np.cos(turn), np.sin(turn)), axis=1), offset_K=offset)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundShape:
    """The outline r(a) = radius * (1 + Re(lobes[0] e^2ia) + Re(lobes[1] e^3ia))."""

    radius: float
    lobes: tuple[complex, complex]

    @property
    def reach(self) -> float:
        """Radius of a circle that holds the outline."""
        return self.radius * (1 + abs(self.lobes[0]) + abs(self.lobes[1]))

    def distance(self, x: Float[np.ndarray, "*n"], y: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
        """Return r - r(a); powers of the unit vector stand in for trigonometry of the angle."""
        r = np.sqrt(x * x + y * y) + np.float32(1e-6)
        c, s = x / r, y / r
        c2, s2 = c * c - s * s, 2 * c * s
        c3, s3 = c2 * c - s2 * s, c2 * s + s2 * c
        two, three = self.lobes
        lobe = c2 * two.real - s2 * two.imag + c3 * three.real - s3 * three.imag
        return r - (lobe + 1) * self.radius


@dataclass(frozen=True, slots=True, kw_only=True)
class AngularShape:
    """A convex polygon: the points with `normal_K2 @ point <= offset_K` for every side k."""

    normal_K2: Float[np.ndarray, "k 2"]
    offset_K: Float[np.ndarray, " k"]

    @property
    def reach(self) -> float:
        """Radius of a circle that holds the polygon: its farthest corner."""
        after_K2, after_K = np.roll(self.normal_K2, -1, axis=0), np.roll(self.offset_K, -1)
        sides_K22 = np.stack((self.normal_K2, after_K2), axis=1)
        corner_K2 = np.linalg.solve(sides_K22, np.stack((self.offset_K, after_K), axis=1)[..., None])[..., 0]
        return float(np.linalg.norm(corner_K2, axis=1).max())

    def distance(self, x: Float[np.ndarray, "*n"], y: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
        """Return how far the point is beyond the side it is farthest beyond."""
        far = np.full(x.shape, -np.inf, dtype=x.dtype)
        for (normal_x, normal_y), offset in zip(self.normal_K2.tolist(), self.offset_K.tolist(), strict=True):
            np.maximum(far, x * normal_x + y * normal_y - offset, out=far)
        return far
