"""Maps of a positive quantity in heat colours, with the bar that says what the colours mean."""

import numpy as np
from jaxtyping import Bool, Float, UInt8

from densewalk.ssl.show.colours import DIM, SLATE, heat_colours
from densewalk.ssl.show.lettering import text_width_px, written

__all__ = ["heat_bar", "heat_map", "robust_top"]

_UNKNOWN = np.array((58, 61, 67), np.uint8)
_BAR_PX = 120
_HEIGHT_PX = 22


def heat_map(
    value_HW: Float[np.ndarray, "h w"], *, low: float = 0.0, top: float, known_HW: Bool[np.ndarray, "h w"] | None = None
) -> UInt8[np.ndarray, "h w 3"]:
    """Return colours of `low` (black) to `top` (pale yellow); what is not finite or not known is grey."""
    sound_HW = np.isfinite(value_HW) & (True if known_HW is None else known_HW)
    share_HW = (np.where(sound_HW, value_HW, low) - low) / max(top - low, 1e-12)
    return np.where(sound_HW[..., None], heat_colours(share_HW), _UNKNOWN)


def heat_bar(title: str, *, low: str = "0", top: str) -> UInt8[np.ndarray, "h w 3"]:
    """Return a bar of the colours between the values at its ends, after what it is about."""
    starts = np.cumsum([0, text_width_px(title) + 10, text_width_px(low) + 6, _BAR_PX + 6]).round().astype(int)
    band = np.full((_HEIGHT_PX, int(starts[-1] + text_width_px(top)) + 2, 3), SLATE, np.uint8)
    band[4:16, starts[2] : starts[2] + _BAR_PX] = heat_colours(np.linspace(0, 1, _BAR_PX))
    places = zip((starts[0], starts[1], starts[3]), (title, low, top), strict=True)
    return written(band, [((int(x), 15), text, DIM, "ls") for x, text in places])


def robust_top(value: Float[np.ndarray, "*s"], known: Bool[np.ndarray, "*s"]) -> float:
    """Return the 99th percentile of the known finite values, and 1 when there is none above zero."""
    sound = value[known & np.isfinite(value)]
    top = float(np.percentile(sound, 99)) if sound.size else 0.0
    return top if top > 0 else 1.0
