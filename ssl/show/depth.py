"""Predicted depth beside the true one on one scale, and how far they are apart.

Shapes: H W rows and columns, C RGB.
"""

import numpy as np
from jaxtyping import Bool, Float, UInt8

from densewalk.ssl.show.scales import heat_bar, heat_map, robust_top
from densewalk.ssl.show.tiles import GAP_PX, Tile, stacked, tiles

__all__ = ["depth_picture"]


def depth_picture(
    image_HWC: UInt8[np.ndarray, "h w 3"],
    predicted_HW: Float[np.ndarray, "h w"],
    truth_HW: Float[np.ndarray, "h w"],
    *,
    valid_HW: Bool[np.ndarray, "h w"] | None = None,
) -> UInt8[np.ndarray, "gh gw 3"]:
    """Return image, predicted and true depth in metres (bright is far) and the absolute error, with their scales.

    Pixels that are not valid have no truth; a truth of zero or below is never valid.
    """
    known_HW = (truth_HW > 0) & (True if valid_HW is None else valid_HW)
    far, error_HW = robust_top(truth_HW, known_HW), np.abs(predicted_HW - truth_HW)
    worst = robust_top(error_HW, known_HW)
    mean = f"mean {error_HW[known_HW].mean():.2f} m" if known_HW.any() else "no true pixel"
    row = [
        Tile(image_HWC=image_HWC, title="image"),
        Tile(image_HWC=heat_map(predicted_HW, top=far), title="predicted depth"),
        Tile(image_HWC=heat_map(truth_HW, top=far, known_HW=known_HW), title="true depth"),
        Tile(image_HWC=heat_map(error_HW, top=worst, known_HW=known_HW), title=f"error, {mean}"),
    ]
    keys = [heat_bar("depth", top=f"{far:.1f} m"), heat_bar("error", top=f"{worst:.2f} m")]
    return stacked([tiles([row])[GAP_PX:-GAP_PX, GAP_PX:-GAP_PX], *keys])
