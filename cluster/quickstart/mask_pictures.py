"""A picture of mask propagation: what a network makes of the first frame's objects, below the truth."""

import numpy as np
from jaxtyping import UInt8

from densewalk.ssl.evaluate.scenes import BENCHMARK_SCENE, held_out_scenes
from densewalk.ssl.evaluate.scenes_propagation import ScenesPropagationConfig
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.propagate.propagate import propagate_labels
from densewalk.ssl.show.evenly import evenly
from densewalk.ssl.show.masks import overlay_masks
from densewalk.ssl.show.still import resized

__all__ = ["mask_picture"]

_TILE_HW = (216, 216)
_NUM_FRAMES = 4


def mask_picture(matcher: Matcher) -> UInt8[np.ndarray, "h w 3"]:
    """Return frames of the first held-out scene: above with their true masks, below with the carried ones."""
    scene = next(held_out_scenes(BENCHMARK_SCENE, count=1))
    video_THWC = scene.video()
    carried_THW = propagate_labels(matcher, video_THWC, scene.instances(0), ScenesPropagationConfig().propagation)
    shown = evenly(len(video_THWC), _NUM_FRAMES)
    true = [overlay_masks(video_THWC[t], scene.instances(t)) for t in shown]
    carried = [overlay_masks(video_THWC[t], carried_THW[t]) for t in shown]
    rows = (np.concatenate([resized(tile, _TILE_HW) for tile in row], axis=1) for row in (true, carried))
    return np.concatenate(list(rows))
