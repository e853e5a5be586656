"""Optical flow as colours, with the wheel that explains them.

The hue is the direction (right red, down yellow, left cyan, up violet, as on the Middlebury wheel), the strength of the
colour is the speed: white stands still. Pixels without a valid flow are dark.

Shapes: 2 = (x, y) displacement in pixels, H W rows and columns, C RGB.
"""

import numpy as np
from jaxtyping import Bool, Float, UInt8

from densewalk.ssl.show.colours import INK, SLATE, oklch
from densewalk.ssl.show.lettering import written

__all__ = ["flow_colours", "flow_picture", "flow_wheel"]

_INVALID = np.array((58, 61, 67), np.uint8)


def flow_colours(
    flow_2HW: Float[np.ndarray, "2 h w"], *, max_px: float, valid_HW: Bool[np.ndarray, "h w"] | None = None
) -> UInt8[np.ndarray, "h w 3"]:
    """Return the flow's colours; `max_px` is the speed of the fullest colour, faster pixels share it."""
    known_HW = np.isfinite(flow_2HW).all(0) & (True if valid_HW is None else valid_HW)
    x_HW, y_HW = np.nan_to_num(flow_2HW, posinf=0.0, neginf=0.0)
    speed_HW = np.clip(np.hypot(x_HW, y_HW) / max(max_px, 1e-6), 0, 1)
    colour_HWC = oklch(1 - 0.3 * speed_HW, 0.19 * speed_HW, 27 + np.degrees(np.arctan2(y_HW, x_HW)))
    return np.where(known_HW[..., None], colour_HWC, _INVALID)


def flow_wheel(diameter_px: int) -> UInt8[np.ndarray, "d d 3"]:
    """Return the legend: the colour of every displacement, drawn where it would take the centre."""
    axis = (np.arange(diameter_px) + 0.5) / diameter_px * 2 - 1
    x_HW, y_HW = np.meshgrid(axis, axis)
    wheel_HWC = flow_colours(np.stack((x_HW, y_HW)), max_px=1.0)
    edge_HW1 = np.clip((1 - np.hypot(x_HW, y_HW)) * diameter_px / 2 + 0.5, 0, 1)[..., None]
    return np.rint(wheel_HWC * edge_HW1 + np.array(SLATE) * (1 - edge_HW1)).astype(np.uint8)


def flow_picture(
    flow_2HW: Float[np.ndarray, "2 h w"],
    *,
    max_px: float | None = None,
    valid_HW: Bool[np.ndarray, "h w"] | None = None,
) -> UInt8[np.ndarray, "gh gw 3"]:
    """Return the flow's colours beside the wheel, whose rim is named; it is the 99th percentile unless given."""
    if max_px is None:
        speed = np.hypot(*flow_2HW)[np.isfinite(flow_2HW).all(0)]
        max_px = float(np.percentile(speed, 99)) if speed.size else 1.0
    colour_HWC = flow_colours(flow_2HW, max_px=max_px, valid_HW=valid_HW)
    diameter = 84
    height = max(len(colour_HWC), diameter + 56)
    picture = np.full((height, colour_HWC.shape[1] + diameter + 40, 3), SLATE, np.uint8)
    picture[: len(colour_HWC), : colour_HWC.shape[1]] = colour_HWC
    left, top = colour_HWC.shape[1] + 20, (height - diameter - 24) // 2
    picture[top : top + diameter, left : left + diameter] = flow_wheel(diameter)
    return written(picture, [((left + diameter / 2, top + diameter + 10), f"rim {max_px:.1f} px", INK, "mt")])
