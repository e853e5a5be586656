"""Heat maps over pictures, and the walk panel: where walkers from one point go, and where they come home.

A walker starts at the query point of frame 1, steps to the middle frame by the matcher's transition and steps back by
the transition of the transposed logits (GMRW, palindrome of two frames). The panel shows query, distribution in the
middle and distribution after the return, with its expected point.

Shapes: H W rows and columns, C RGB, N nodes of the grid.
"""

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from densewalk.datasets.errors import DataError
from densewalk.datasets.geometry import grid_points
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.show.colours import DIM, INK, SLATE, heat_colours
from densewalk.ssl.show.lettering import text_width_px, written
from densewalk.ssl.show.still import resized
from densewalk.ssl.track.frames import EncodedFrames
from densewalk.ssl.walk.pair_features import PairFeatures

__all__ = ["heat_overlay", "walk_panel", "walk_distributions"]

_GAP_PX = 14
_CAPTION_PX = 66
_CHUNK_NODES = 1024
_MARK = (92, 225, 255)


def heat_overlay(
    image_HWC: UInt8[np.ndarray, "h w 3"], weight_HW: Float[np.ndarray, "gh gw"]
) -> UInt8[np.ndarray, "h w 3"]:
    """Return a darkened grey picture glowing where the weights are; the hottest colour is their maximum.

    The weights are not negative and live on a grid that covers the picture.
    """
    relative_HW = weight_HW.astype(np.float32) / max(float(weight_HW.max()), 1e-12)
    relative_HW = cv2.resize(relative_HW, image_HWC.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    grey_HW1 = cv2.cvtColor(image_HWC, cv2.COLOR_RGB2GRAY)[..., None] * 0.6
    strength_HW1 = np.clip(relative_HW * 3, 0, 0.92)[..., None]
    colour_HWC = heat_colours(0.25 + 0.75 * relative_HW)
    return np.rint(grey_HW1 * (1 - strength_HW1) + colour_HWC * strength_HW1).astype(np.uint8)


def walk_panel(
    matcher: Matcher,
    first_HWC: UInt8[np.ndarray, "h w 3"],
    middle_HWC: UInt8[np.ndarray, "h w 3"],
    query_xy: tuple[float, float],
    *,
    tile_width_px: int = 360,
) -> UInt8[np.ndarray, "ph pw 3"]:
    """Return three captioned tiles: the query in frame 1, the walkers in the middle frame, the walkers back home.

    `query_xy` is in raster pixels of the frames; raises `DataError` when it lies outside.
    """
    height, width = first_HWC.shape[:2]
    if not (0 <= query_xy[0] <= width and 0 <= query_xy[1] <= height):
        raise DataError(f"the query point {query_xy} lies outside the frame of {width}x{height} pixels (x, y)")
    middle_HW, home_HW, home_xy = walk_distributions(matcher, first_HWC, middle_HWC, query_xy)
    scale = tile_width_px / width
    tile_hw = round(height * scale), tile_width_px
    first, middle = resized(first_HWC, tile_hw), resized(middle_HWC, tile_hw)
    query_place = query_xy[0] * scale, query_xy[1] * scale
    home_place = home_xy[0] * scale, home_xy[1] * scale
    distance_px = float(np.hypot(home_xy[0] - query_xy[0], home_xy[1] - query_xy[1]))
    middle_heat, home_heat = (
        heat_overlay(tile, _at_pixels(weight_HW, (height, width), matcher.stride))
        for tile, weight_HW in ((middle, middle_HW), (first, home_HW))
    )
    home = _marked(_marked(home_heat, query_place, is_ring=True), home_place, is_ring=False)
    tiles = [
        (
            _marked(first, query_place, is_ring=True),
            "1  Start",
            f"the query, at {query_xy[0]:.0f}, {query_xy[1]:.0f} px",
            None,
        ),
        (
            middle_heat,
            "2  Step to the middle frame",
            "where the walkers went",
            float(middle_HW.max()),
        ),
        (home, "3  Step back to frame 1", f"expected return: {distance_px:.1f} px off", float(home_HW.max())),
    ]
    return _side_by_side([_captioned(*tile) for tile in tiles])


@torch.no_grad()
def walk_distributions(
    matcher: Matcher,
    first_HWC: UInt8[np.ndarray, "h w 3"],
    middle_HWC: UInt8[np.ndarray, "h w 3"],
    query_xy: tuple[float, float],
) -> tuple[Float[np.ndarray, "gh gw"], Float[np.ndarray, "gh gw"], tuple[float, float]]:
    """Return the walkers' distribution in the middle frame, after the return, and the expected point of return.

    Walkers start on the four nodes around the query by bilinear weight; points are in pixels of `first_HWC`. The maps
    hold the nodes whose cells show something of the frames.
    """
    frames = EncodedFrames(matcher, np.stack((first_HWC, middle_HWC)))
    pair = matcher.relate(frames.encode(0), frames.encode(1))
    start_N = _bilinear_start(pair.grid_hw, query_xy, matcher.stride)
    middle_N = _step(pair, start_N.to(frames.device))
    home_N = _step(pair.swapped(), middle_N).cpu()
    home_x, home_y = (home_N @ grid_points(*pair.grid_hw, stride=matcher.stride)).tolist()
    maps = [frames.shown(p.cpu().reshape(1, 1, *pair.grid_hw))[0, 0].numpy() for p in (middle_N, home_N)]
    return maps[0], maps[1], (home_x, home_y)


def _at_pixels(weight_HW: np.ndarray, size_hw: tuple[int, int], stride: int) -> np.ndarray:
    """Return the weights of nodes at the pixels of a picture; cells that reach beyond it are cut there."""
    rows, columns = weight_HW.shape
    large_HW = cv2.resize(weight_HW, (columns * stride, rows * stride), interpolation=cv2.INTER_LINEAR)
    return large_HW[: size_hw[0], : size_hw[1]]


def _bilinear_start(grid_hw: tuple[int, int], point_xy: tuple[float, float], stride: int) -> Float[Tensor, "n"]:
    """Return a distribution over nodes whose mean is the point, as far as the grid reaches."""
    across, down = (
        torch.relu(1 - (torch.arange(count) - min(max(place / stride - 0.5, 0), count - 1)).abs())
        for count, place in zip(grid_hw[::-1], point_xy, strict=True)
    )
    return (down[:, None] * across).flatten()


def _step(pair: PairFeatures, walker_N: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
    """Move a distribution from source to target nodes, never holding the whole transition."""
    arrived_N = torch.zeros_like(walker_N)
    occupied = torch.nonzero(walker_N).flatten()
    for nodes in occupied.split(_CHUNK_NODES):
        logit_KN = pair.source_BND[0, nodes].float() @ pair.target_BND[0].float().T / pair.temperature
        arrived_N += walker_N[nodes] @ logit_KN.softmax(-1)
    return arrived_N


def _marked(image_HWC: np.ndarray, place_xy: tuple[float, float], *, is_ring: bool) -> np.ndarray:
    """Paint a white ring (where it started) or a blue cross hair (where it is expected), open in the middle."""
    canvas = image_HWC.copy()
    x, y = (round((value - 0.5) * 16) for value in place_xy)
    near, far = 5 * 16, 11 * 16
    for colour, thickness in ((SLATE, 4), ((255, 255, 255) if is_ring else _MARK, 2)):
        if is_ring:
            cv2.circle(canvas, (x, y), far + 3 * 16, colour, thickness, cv2.LINE_AA, 4)
            continue
        for across, down in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            start_xy, end_xy = ((x + across * reach, y + down * reach) for reach in (near, far))
            cv2.line(canvas, start_xy, end_xy, colour, thickness, cv2.LINE_AA, 4)
    return canvas


def _captioned(tile_HWC: np.ndarray, title: str, text: str, peak: float | None) -> np.ndarray:
    """Put two lines under a tile, and the scale of its heat behind the second."""
    height, width = tile_HWC.shape[:2]
    card = np.full((height + _CAPTION_PX, width, 3), SLATE, np.uint8)
    card[:height] = tile_HWC
    words = [((2, height + 12), title, INK, "lt"), ((2, height + 36), text, DIM, "lt")]
    if peak is not None:
        label = f"{100 * peak:.0f} %" if peak >= 0.1 else f"{100 * peak:.1f} %"
        right = width - 2 - int(text_width_px(label, size_px=15)) - 8
        bar_N3 = heat_colours(0.25 + 0.75 * np.linspace(0, 1, 64))
        card[height + 38 : height + 48, right - 64 : right] = bar_N3
        words += [((right - 72, height + 36), "0", DIM, "rt"), ((width - 2, height + 36), label, DIM, "rt")]
    return written(card, words, size_px=15)


def _side_by_side(cards: list[np.ndarray]) -> np.ndarray:
    gap = np.full((len(cards[0]), _GAP_PX, 3), SLATE, np.uint8)
    row = np.concatenate([gap] + [part for card in cards for part in (card, gap)], axis=1)
    return np.concatenate((np.full((_GAP_PX, row.shape[1], 3), SLATE, np.uint8), row))
