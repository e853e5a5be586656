"""From layers to pixels: tiles read through their poses, laid over each other with soft edges, under a drifting light.

Edges are anti-aliased by the signed distance at the pixel centre: half covered on the border, which is where the hard
truth of instances switches. The light is a smooth field, fixed to the frame and slowly changing, so the colour of a
surface point depends on time and place as it does outdoors.

Shapes: H W rows and columns, C channels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from densewalk.datasets.scenes.layers import Layer
from densewalk.datasets.scenes.paths import invert

__all__ = ["Light", "draw_light", "pixel_centres", "render"]

_LIGHT_NODES = 3
_LIGHT_PERIOD_FRAMES = (16.0, 40.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """Brightness factor over the frame: 1 + strength * sin(phase + rate * time) at coarse nodes, smooth between."""

    strength: float
    phase_HWC: Float[np.ndarray, "k k 3"]
    rate_HWC: Float[np.ndarray, "k k 3"]

    def at(self, time: float, size_hw: tuple[int, int]) -> Float[np.ndarray, "h w 3"]:
        """Return the factor of every pixel and channel."""
        nodes = (1 + self.strength * np.sin(self.phase_HWC + self.rate_HWC * time)).astype(np.float32)
        return cv2.resize(nodes, size_hw[::-1], interpolation=cv2.INTER_LINEAR)


def render(layers: Sequence[Layer], light: Light, time: float, size_hw: tuple[int, int]) -> UInt8[np.ndarray, "h w 3"]:
    """Return the frame at a time, back to front."""
    x, y = pixel_centres(size_hw)
    background, *objects = layers
    frame_HWC = _read_tile(background, time, (slice(0, size_hw[0]), slice(0, size_hw[1]))).astype(np.float32)
    for layer in objects:
        rows, columns = region = layer.region(time, size_hw)
        if rows.start < rows.stop and columns.start < columns.stop:
            cover_HW = np.clip(0.5 - layer.distance(time, x[:, columns], y[rows]), 0, 1)
            below_HWC = frame_HWC[region]
            below_HWC += (_read_tile(layer, time, region) - below_HWC) * cover_HW[..., None]
    if light.strength:
        frame_HWC *= light.at(time, size_hw)
    return cv2.convertScaleAbs(frame_HWC)


def draw_light(strength: float, rng: np.random.Generator) -> Light:
    """Return a light whose colour channels drift nearly together."""
    nodes = (_LIGHT_NODES, _LIGHT_NODES)
    phase = rng.uniform(0, 2 * np.pi, size=(*nodes, 1)) + rng.normal(0, 0.35, size=(*nodes, 3))
    period = rng.uniform(*_LIGHT_PERIOD_FRAMES, size=(*nodes, 1))
    return Light(strength=strength, phase_HWC=phase, rate_HWC=np.broadcast_to(2 * np.pi / period, phase.shape))


def pixel_centres(size_hw: tuple[int, int]) -> tuple[Float[np.ndarray, "1 w"], Float[np.ndarray, "h 1"]]:
    """Return x of every column and y of every row, ready to broadcast."""
    return np.arange(size_hw[1], dtype=np.float32)[None] + 0.5, np.arange(size_hw[0], dtype=np.float32)[:, None] + 0.5


def _read_tile(layer: Layer, time: float, region: tuple[slice, slice]) -> UInt8[np.ndarray, "h w 3"]:
    """Return the layer's surface over a region of the raster, as if it covered all of it."""
    rows, columns = region
    index_from_index = invert(layer.path.raster_from_layer(time))
    # Whole numbers are pixel centres to OpenCV: half a pixel from the region's corner, half a texel from the tile's.
    corner = np.array([columns.start + 0.5, rows.start + 0.5])
    index_from_index[:, 2] += index_from_index[:, :2] @ corner + layer.tile_HWC.shape[0] / 2 - 0.5
    return cv2.warpAffine(
        layer.tile_HWC,
        index_from_index,
        (columns.stop - columns.start, rows.stop - rows.start),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_WRAP,
    )
