"""How fast scenes are generated: frame pairs with both exact flows and visibility, on one core.

The alternative renders the same frames per pixel: every layer read over the whole frame by torch's `grid_sample` (as
kornia warps) or by numpy gathers, without regions of interest; its flow tests all pixels against all layers. Processor
time of one thread; scenes and frames are the same for all.
"""

import time
from collections.abc import Callable

import cv2
import numpy as np
import torch

from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.rendering import render
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.paths import invert, move
from densewalk.datasets.scenes.render import pixel_centres
from densewalk.datasets.scenes.scene import Scene
from densewalk.datasets.scenes.source import SceneSource

DEVICES = ("cpu",)

_SIDE = 128
_NUM_SCENES = 12
_ReadTile = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def run(device: str) -> list[tuple[str, float, str]]:
    """Measure at 128 x 128 with the default configuration; scenes are made on the CPU, the only `device`."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    config = SceneConfig(height=_SIDE, width=_SIDE)
    scenes = [Scene(config, seed) for seed in range(_NUM_SCENES)]
    fresh = iter(range(1000, 10**9))
    ours = _rate(lambda: [_pair(scene) for scene in scenes], _NUM_SCENES)
    new = _rate(lambda: [_pair(Scene(config, next(fresh))) for _ in scenes], _NUM_SCENES)
    torch_pairs = _rate(lambda: [_naive_pair(scene, _read_torch) for scene in scenes], _NUM_SCENES)
    numpy_pairs = _rate(lambda: [_naive_pair(scene, _read_numpy) for scene in scenes], _NUM_SCENES)
    source = SceneSource(config, PalindromePlan(size=_SIDE, motion=True))
    samples = _rate(lambda: [render(source.samples([next(fresh)])) for _ in range(_NUM_SCENES)], _NUM_SCENES)
    return [
        (f"frame pairs with both flows, {_SIDE} x {_SIDE}, scene at hand", ours, "pairs/s"),
        ("the same, a new scene for every pair", new, "pairs/s"),
        ("training samples of a new scene each (two views of two frames, motion)", samples, "samples/s"),
        ("per-pixel alternative, torch grid_sample", torch_pairs, "pairs/s"),
        ("per-pixel alternative, numpy", numpy_pairs, "pairs/s"),
        ("scene at hand against grid_sample", ours / torch_pairs, "x"),
        ("scene at hand against numpy", ours / numpy_pairs, "x"),
    ]


def _rate(work: Callable[[], object], count: int, *, repeats: int = 5) -> float:
    """Return items a second of processor time, the best of a few repeats."""
    work()
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return count / min(seconds)


def _pair(scene: Scene) -> tuple[object, ...]:
    """Two frames and the motion between them both ways."""
    return scene.frame(2), scene.frame(3), scene.flow(2, 3), scene.flow(3, 2)


def _naive_pair(scene: Scene, read: _ReadTile) -> tuple[object, ...]:
    """The same without regions of interest."""
    return (
        _naive_frame(scene, 2, read),
        _naive_frame(scene, 3, read),
        _naive_flow(scene, 2, 3),
        _naive_flow(scene, 3, 2),
    )


def _naive_frame(scene: Scene, t: int, read: _ReadTile) -> np.ndarray:
    """Every layer read at every pixel."""
    x, y = (np.ascontiguousarray(axis) for axis in np.broadcast_arrays(*pixel_centres(scene.size_hw)))
    frame = np.zeros((*scene.size_hw, 3), dtype=np.float32)
    for layer in scene.layers:
        u, v = move(invert(layer.path.raster_from_layer(t)), x, y)
        side = layer.tile_HWC.shape[0]
        cover = np.clip(0.5 - layer.distance(t, x, y), 0, 1)[..., None]
        frame += (read(layer.tile_HWC, (u + side / 2) % side, (v + side / 2) % side) - frame) * cover
    return np.clip(frame * scene.light.at(t, scene.size_hw) + 0.5, 0, 255).astype(np.uint8)


def _naive_flow(scene: Scene, source: int, target: int) -> tuple[np.ndarray, np.ndarray]:
    """Every pixel moved with every layer and tested against every layer."""
    x, y = (np.ascontiguousarray(axis) for axis in np.broadcast_arrays(*pixel_centres(scene.size_hw)))
    layer_HW = np.zeros(scene.size_hw, dtype=np.uint8)
    for index, layer in enumerate(scene.layers):
        layer_HW[layer.distance(source, x, y) < 0] = index
    moved = [np.stack(move(layer.step(source, target), x, y)) for layer in scene.layers]
    arrived = np.take_along_axis(np.stack(moved), layer_HW[None, None], axis=0)[0]
    visible = (arrived >= 0).all(0) & (arrived <= np.array(scene.size_hw[::-1])[:, None, None]).all(0)
    for index, layer in enumerate(scene.layers[1:], start=1):
        visible &= (layer_HW >= index) | (layer.distance(target, *arrived) >= 0)
    return arrived - np.stack((x, y)), visible


def _read_torch(tile_HWC: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Bilinear reading by `grid_sample`."""
    side = tile_HWC.shape[0]
    grid = torch.from_numpy(np.stack((u, v), axis=-1)) * (2 / side) - 1
    image = torch.from_numpy(tile_HWC).permute(2, 0, 1)[None].float()
    read = torch.nn.functional.grid_sample(image, grid[None], padding_mode="border", align_corners=False)
    return read[0].permute(1, 2, 0).numpy()


def _read_numpy(tile_HWC: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Bilinear reading by gathering four neighbours."""
    side = tile_HWC.shape[0]
    left, top = np.floor(u - 0.5).astype(int), np.floor(v - 0.5).astype(int)
    across, down = (u - 0.5 - left)[..., None], (v - 0.5 - top)[..., None]
    rows, columns = (top % side, (top + 1) % side), (left % side, (left + 1) % side)
    upper = tile_HWC[rows[0], columns[0]] * (1 - across) + tile_HWC[rows[0], columns[1]] * across
    lower = tile_HWC[rows[1], columns[0]] * (1 - across) + tile_HWC[rows[1], columns[1]] * across
    return upper * (1 - down) + lower * down
