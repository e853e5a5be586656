"""Optical flow beside its truth, its endpoint error, and what the second frame looks like carried back by it.

The warp error (`warp_difference` of `ssl/metrics/flow.py`) needs no truth, and tells little where the picture is flat.

Shapes: H W rows and columns, C RGB, 2 = (x, y) displacement in pixels.
"""

import numpy as np
from jaxtyping import Bool, Float, UInt8

from densewalk.ssl.metrics.flow import endpoint_error, speed_of, warp_difference
from densewalk.ssl.show.colours import DIM, SLATE
from densewalk.ssl.show.flow_wheel import flow_colours, flow_wheel
from densewalk.ssl.show.lettering import text_width_px, written
from densewalk.ssl.show.scales import heat_bar, heat_map, robust_top
from densewalk.ssl.show.tiles import GAP_PX, Tile, stacked, tiles

__all__ = ["flow_error_picture"]

_WHEEL_PX = 56


def flow_error_picture(
    source_HWC: UInt8[np.ndarray, "h w 3"],
    target_HWC: UInt8[np.ndarray, "h w 3"],
    flow_2HW: Float[np.ndarray, "2 h w"],
    *,
    truth_2HW: Float[np.ndarray, "2 h w"] | None = None,
    valid_HW: Bool[np.ndarray, "h w"] | None = None,
) -> UInt8[np.ndarray, "gh gw 3"]:
    """Return both frames and the warp error above; flow, truth and endpoint error below; and their scales.

    Both flows share the scale of the truth. Where `valid_HW` is false the truth is unknown.
    """
    every_HW = np.ones(flow_2HW.shape[1:], bool)
    known_HW = every_HW if valid_HW is None else valid_HW
    scale_2HW, scale_known_HW = (flow_2HW, every_HW) if truth_2HW is None else (truth_2HW, known_HW)
    max_px = robust_top(speed_of(scale_2HW), scale_known_HW)
    warp_HW = warp_difference(source_HWC, target_HWC, flow_2HW)
    warp_top = robust_top(warp_HW, every_HW)
    frames = [Tile(image_HWC=source_HWC, title="first frame"), Tile(image_HWC=target_HWC, title="second frame")]
    frames.append(Tile(image_HWC=heat_map(warp_HW, top=warp_top), title="warp error"))
    flows = [Tile(image_HWC=flow_colours(flow_2HW, max_px=max_px), title="predicted flow")]
    keys = [_wheel(max_px), heat_bar("warp error", top=f"{warp_top:.0f} of 255")]
    if truth_2HW is not None:
        error_HW = endpoint_error(flow_2HW, truth_2HW)
        top = robust_top(error_HW, known_HW)
        mean = f"mean {error_HW[known_HW].mean():.2f} px" if known_HW.any() else "no true pixel"
        flows.append(Tile(image_HWC=flow_colours(truth_2HW, max_px=max_px, valid_HW=known_HW), title="true flow"))
        error = heat_map(error_HW, top=top, known_HW=known_HW)
        flows.append(Tile(image_HWC=error, title=f"endpoint error, {mean}"))
        keys.append(heat_bar("endpoint error", top=f"{top:.1f} px"))
    sheet = tiles([frames, flows])
    return stacked([sheet[GAP_PX:-GAP_PX, GAP_PX:-GAP_PX], *keys])


def _wheel(max_px: float) -> np.ndarray:
    text = f"colour is direction; the rim of the wheel is {max_px:.1f} px"
    band = np.full((_WHEEL_PX, round(_WHEEL_PX + 12 + text_width_px(text)), 3), SLATE, np.uint8)
    band[:, :_WHEEL_PX] = flow_wheel(_WHEEL_PX)
    return written(band, [((_WHEEL_PX + 10, _WHEEL_PX / 2), text, DIM, "lm")])
