"""Generated scenes with exact truth: textured objects that cross over a moving textured background.

A scene is a pure function of its configuration and seed, and every moment of it is in closed form: any frame, and the
motion between any two, can be asked for alone. A pixel belongs to the frontmost layer whose outline holds its centre;
its motion is that layer's affine step; it is visible in another frame when it arrives inside the raster and no layer in
front covers the very point it arrives at. Nothing is estimated from pixels. (MovingBlobs-Exact: systems.md 7.)

Shapes: T frames, H W rows and columns, N points, 2 = (x, y) raster pixels with centres at +0.5.
"""

import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.layers import draw_layers
from densewalk.datasets.scenes.paths import move
from densewalk.datasets.scenes.render import draw_light, pixel_centres, render

__all__ = ["Scene"]


class Scene:
    """One generated scene; the same configuration and seed give the same bytes in every process."""

    def __init__(self, config: SceneConfig, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.config = config
        self.seed = seed
        self.layers = draw_layers(config, rng)
        self.light = draw_light(config.brightness_drift, rng)

    @property
    def size_hw(self) -> tuple[int, int]:
        """Rows and columns of the raster."""
        return self.config.height, self.config.width

    def video(self) -> UInt8[np.ndarray, "t h w 3"]:
        """Return all `config.num_frames` frames."""
        return np.stack([self.frame(t) for t in range(self.config.num_frames)])

    def frame(self, t: int) -> UInt8[np.ndarray, "h w 3"]:
        """Return frame `t`; any whole number is a frame of the scene."""
        return render(self.layers, self.light, t, self.size_hw)

    def instances(self, t: int) -> UInt8[np.ndarray, "h w"]:
        """Return which layer every pixel centre of a frame shows: 0 is the background, greater is nearer."""
        x, y = pixel_centres(self.size_hw)
        layer_HW = np.zeros(self.size_hw, dtype=np.uint8)
        for index, layer in enumerate(self.layers[1:], start=1):
            rows, columns = region = layer.region(t, self.size_hw)
            layer_HW[region][layer.distance(t, x[:, columns], y[rows]) < 0] = index
        return layer_HW

    def semantics(self, t: int) -> UInt8[np.ndarray, "h w"]:
        """Return the class of every pixel centre, an index into `layers.CLASS_NAMES`."""
        return np.array([layer.class_id for layer in self.layers], dtype=np.uint8)[self.instances(t)]

    def flow(
        self, source_frame: int, target_frame: int
    ) -> tuple[Float32[np.ndarray, "2 h w"], Bool[np.ndarray, "h w"]]:
        """Return where every source pixel centre moves (x, y) and whether it is visible in the target frame."""
        x, y = np.broadcast_arrays(*pixel_centres(self.size_hw))
        layer_HW = self.instances(source_frame)
        arrived_2HW = np.stack(move(self.layers[0].step(source_frame, target_frame), x, y))
        for index, layer in enumerate(self.layers[1:], start=1):
            region = layer.region(source_frame, self.size_hw)
            moved_2HW = np.stack(move(layer.step(source_frame, target_frame), x[region], y[region]))
            np.copyto(arrived_2HW[:, *region], moved_2HW, where=layer_HW[region] == index)
        visible_HW = self._is_visible(target_frame, layer_HW, arrived_2HW[0], arrived_2HW[1])
        return arrived_2HW - np.stack((x, y)), visible_HW

    def tracks(
        self, num_points: int, rng: np.random.Generator
    ) -> tuple[Float32[np.ndarray, "n t 2"], Bool[np.ndarray, "n t"]]:
        """Return the paths of random surface points over all frames and where they are visible.

        Every point is seen in at least one frame: it is drawn from a random frame, there from a random one of the
        layers in sight, so that small objects get their share.
        """
        frames = range(self.config.num_frames)
        start_N = rng.integers(len(frames), size=num_points)
        layer_N = np.zeros(num_points, dtype=np.uint8)
        track_NT2 = np.empty((num_points, len(frames), 2), dtype=np.float32)
        for start in np.unique(start_N):
            chosen = np.flatnonzero(start_N == start)
            point_K2 = self._draw_points(int(start), len(chosen), rng)
            layer_N[chosen] = layer_K = self._layer_at(int(start), point_K2)
            for index in np.unique(layer_K):
                on_layer = layer_K == index
                x, y = point_K2[on_layer].T
                for t in frames:
                    moved = move(self.layers[index].step(int(start), t), x, y)
                    track_NT2[chosen[on_layer], t] = np.stack(moved, axis=1)
        visible = [self._is_visible(t, layer_N, track_NT2[:, t, 0], track_NT2[:, t, 1]) for t in frames]
        return track_NT2, np.stack(visible, axis=1)

    def _is_visible(
        self, t: int, layer: UInt8[np.ndarray, "..."], x: Float[np.ndarray, "..."], y: Float[np.ndarray, "..."]
    ) -> Bool[np.ndarray, "..."]:
        """Return which points on given layers are inside the raster and behind nothing."""
        height, width = self.size_hw
        visible = (x >= 0) & (x <= width) & (y >= 0) & (y <= height)
        for index, front in enumerate(self.layers[1:], start=1):
            rows, columns = front.region(t, self.size_hw)
            near = visible & (layer < index)
            near &= (x >= columns.start) & (x <= columns.stop) & (y >= rows.start) & (y <= rows.stop)
            visible[near] = front.distance(t, x[near], y[near]) >= 0
        return visible

    def _draw_points(self, t: int, num_points: int, rng: np.random.Generator) -> Float32[np.ndarray, "n 2"]:
        """Return raster points: a random layer in sight, then a random pixel of it, then a random place in that."""
        layer_HW = self.instances(t)
        present = np.unique(layer_HW)
        wanted = rng.choice(present, size=num_points)
        point_N2 = np.empty((num_points, 2), dtype=np.float32)
        for index in present:
            rows, columns = np.nonzero(layer_HW == index)
            chosen = rng.integers(len(rows), size=int((wanted == index).sum()))
            point_N2[wanted == index] = np.stack((columns[chosen], rows[chosen]), axis=1)
        return point_N2 + rng.random((num_points, 2), dtype=np.float32)

    def _layer_at(self, t: int, point_N2: Float[np.ndarray, "n 2"]) -> UInt8[np.ndarray, " n"]:
        """Return the frontmost layer at raster points."""
        x, y = point_N2.T
        layer_N = np.zeros(len(point_N2), dtype=np.uint8)
        for index, layer in enumerate(self.layers[1:], start=1):
            layer_N[layer.distance(t, x, y) < 0] = index
        return layer_N
