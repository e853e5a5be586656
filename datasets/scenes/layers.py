"""What a scene is made of: a moving background and objects stacked in front of it, each an outline, a tile and a path.

Layer 0 is the background, which has no outline and goes on for ever; later layers lie in front of earlier ones. The
class of an object is its shape family times its texture family.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.paths import Path, Swing, draw_swing, invert, move
from densewalk.datasets.scenes.shapes import SHAPE_FAMILIES, Shape, draw_shape
from densewalk.datasets.scenes.textures import TEXTURE_FAMILIES, draw_palette, draw_texture, tile_side

__all__ = ["CLASS_NAMES", "NUM_CLASSES", "Layer", "draw_layers"]

CLASS_NAMES = ("background", *(f"{shape} {texture}" for shape in SHAPE_FAMILIES for texture in TEXTURE_FAMILIES))
NUM_CLASSES = len(CLASS_NAMES)

_BACKGROUND_SHARE = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A surface of the scene."""

    shape: Shape | None
    """Outline in the layer's own frame; None goes on for ever."""
    tile_HWC: UInt8[np.ndarray, "h w 3"]
    """Colours, one texel a pixel of the layer's own frame, whose origin is the tile's middle; repeats."""
    path: Path
    class_id: int
    """Index into `CLASS_NAMES`."""

    def distance(
        self, time: float, x: Float[np.ndarray, "*#n"], y: Float[np.ndarray, "*#n"]
    ) -> Float[np.ndarray, "*#n"]:
        """Return the signed distance of raster points (broadcast) to the outline in pixels, negative inside."""
        if self.shape is None:
            return np.full(np.broadcast_shapes(x.shape, y.shape), -np.inf, dtype=np.float32)
        raster_from_layer = self.path.raster_from_layer(time)
        pixels_per_texel = float(np.sqrt(np.linalg.det(raster_from_layer[:, :2])))
        return self.shape.distance(*move(invert(raster_from_layer), x, y)) * pixels_per_texel

    def region(self, time: float, size_hw: tuple[int, int]) -> tuple[slice, slice]:
        """Return rows and columns of the raster outside which the layer cannot be seen, its soft edge included."""
        if self.shape is None:
            return slice(0, size_hw[0]), slice(0, size_hw[1])
        raster_from_layer = self.path.raster_from_layer(time)
        reach = self.shape.reach * float(np.linalg.norm(raster_from_layer[:, :2], ord=2)) + 1
        spans = zip(raster_from_layer[::-1, 2].tolist(), size_hw, strict=True)
        rows, columns = (_span(centre - reach, centre + reach, size) for centre, size in spans)
        return rows, columns

    def step(self, source_time: float, target_time: float) -> Float[np.ndarray, "2 3"]:
        """Return the affine map that takes raster points on this layer from one time to another."""
        to_layer = invert(self.path.raster_from_layer(source_time))
        from_layer = self.path.raster_from_layer(target_time)
        linear = from_layer[:, :2] @ to_layer
        linear[:, 2] += from_layer[:, 2]
        return linear


def draw_layers(config: SceneConfig, rng: np.random.Generator) -> tuple[Layer, ...]:
    """Return a random background and the objects in front of it."""
    palette_4C = draw_palette(rng)
    background = Layer(
        shape=None,
        tile_HWC=draw_texture("ground", tile_side(1.75 * max(config.height, config.width)), palette_4C, rng),
        path=_draw_background_path(config, rng),
        class_id=0,
    )
    num_objects = int(rng.integers(config.num_layers[0], config.num_layers[1], endpoint=True))
    return background, *(_draw_object(config, palette_4C, rng) for _ in range(num_objects))


def _draw_object(config: SceneConfig, palette_4C: Float[np.ndarray, "4 3"], rng: np.random.Generator) -> Layer:
    class_id = int(rng.integers(1, NUM_CLASSES))
    shape_index, texture_index = divmod(class_id - 1, len(TEXTURE_FAMILIES))
    radius = rng.uniform(*config.layer_radius) * min(config.height, config.width)
    shape = draw_shape(SHAPE_FAMILIES[shape_index], radius, rng)
    return Layer(
        shape=shape,
        tile_HWC=draw_texture(TEXTURE_FAMILIES[texture_index], tile_side(2 * shape.reach), palette_4C, rng),
        path=_draw_object_path(config, rng),
        class_id=class_id,
    )


def _draw_object_path(config: SceneConfig, rng: np.random.Generator) -> Path:
    shift_x, shift_y = rng.uniform(-0.15, 0.15, size=2)
    return Path(
        **_draw_shift(config, config.max_speed_px, (shift_x, shift_y), rng),
        log_scale_x=_draw_scale(config.max_scale_rate, rng),
        log_scale_y=_draw_scale(config.max_scale_rate, rng),
        angle=rng.uniform(0, 2 * np.pi),
        turn=np.radians(config.max_rotation_degrees) * rng.uniform(-1, 1),
    )


def _draw_background_path(config: SceneConfig, rng: np.random.Generator) -> Path:
    scale = _draw_scale(config.max_scale_rate * _BACKGROUND_SHARE, rng)
    return Path(
        **_draw_shift(config, config.max_background_speed_px, (0.0, 0.0), rng),
        log_scale_x=scale,
        log_scale_y=scale,
        angle=rng.uniform(0, 2 * np.pi),
        turn=np.radians(config.max_rotation_degrees) * _BACKGROUND_SHARE * rng.uniform(-1, 1),
    )


def _draw_shift(
    config: SceneConfig, max_speed: float, shift_xy: tuple[float, float], rng: np.random.Generator
) -> dict[str, Swing]:
    """Return swings around a place near the raster's middle whose joint speed never exceeds a share of the limit."""
    speed, heading = max_speed * rng.uniform(0.5, 1), rng.uniform(0, 2 * np.pi)
    peaks = abs(speed * np.cos(heading)), abs(speed * np.sin(heading))
    return {
        axis: draw_swing(rng, middle=size * (0.5 + shift), amplitude=size * rng.uniform(0.2, 0.38), peak_speed=peak)
        for axis, size, shift, peak in zip("xy", (config.width, config.height), shift_xy, peaks, strict=True)
    }


def _draw_scale(max_rate: float, rng: np.random.Generator) -> Swing:
    return draw_swing(rng, middle=0.0, amplitude=rng.uniform(0.08, 0.22), peak_speed=max_rate * rng.uniform(0.3, 1))


def _span(low: float, high: float, size: int) -> slice:
    start = min(max(int(np.floor(low)), 0), size)
    return slice(start, min(max(int(np.ceil(high)), start), size))
