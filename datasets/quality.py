"""What is measured of a clip's pictures: columns of the index by which a corpus can be chosen from later.

Everything is measured on the frames as they are stored, bars that were cropped away not included. Shares are of 1.
"""

from dataclasses import dataclass, fields

__all__ = ["ClipQuality", "describe_quality"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipQuality:
    """Scores of one clip; None where a score was not asked for or cannot be had."""

    black: float | None = None
    """Share of its frames that are black: 98 % of the picture below a tenth of full brightness. 0 to 1."""
    frozen_seconds: float | None = None
    """Longest time for which nothing in the picture changes."""
    repeated: float | None = None
    """Share of its frames that show the frame before once more: 0.2 after conversion from 24 to 30 frames a second,
    0.5 for frames shown twice, nearly 1 for slides. 0 to 1."""
    changing: float | None = None
    """Share of the picture, in cells of a 48 x 27 grid, in which anything changes during the clip. 0 to 1."""
    motion: float | None = None
    """Mean length of motion, per cent of the shorter side per second; 100 crosses the picture in a second. From 0."""
    motion_by_vectors: float | None = None
    """1 when `motion` was read from the codec's motion vectors, 0 when it was estimated by optical flow."""
    sharpness: float | None = None
    """Steepest step of a contour over its contrast, at most 256 rows: 1 for contours one pixel wide, about 0.22 after a
    Gaussian of 2 px, 0.17 after one of 3 px; None without contours. 0 to 1."""
    brightness: float | None = None
    """Mean luma. 0 for black, 1 for white."""
    contrast: float | None = None
    """Luma at the 95th percentile of a frame minus that at the 5th, middle of the frames looked at. 0 to 1."""
    dark: float | None = None
    """Share of pixels below 3 % of full brightness. 0 to 1."""
    bright: float | None = None
    """Share of pixels above 97 % of full brightness. 0 to 1."""
    bars: float | None = None
    """Share of the picture that was constant bars, cropped away or not. 0 to 1."""
    combing: float | None = None
    """Differences of neighbouring rows over those of rows two apart, where there is motion: about 0.6 for progressive
    pictures, above 0.9 when two fields are woven; None without motion. From 0."""
    text: float | None = None
    """Share of the picture covered by lines of text. 0 to 1."""


_UNITS = {"frozen_seconds": " s", "motion": " %/s"}


def describe_quality(quality: ClipQuality) -> str:
    """Return the scores that are known in one line, such as `black 0, motion 12.5 %/s`."""
    values = {field.name: getattr(quality, field.name) for field in fields(ClipQuality)}
    known = {name: value for name, value in values.items() if value is not None and name != "motion_by_vectors"}
    parts = [f"{name.removesuffix('_seconds')} {value:g}{_UNITS.get(name, '')}" for name, value in known.items()]
    return ", ".join(parts) or "nothing measured"
