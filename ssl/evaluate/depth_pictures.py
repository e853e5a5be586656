"""The images with the worst depth, drawn, each with how far it is off on average.

Shapes: H W rows and columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32

from densewalk.datasets.readers.nyu import DepthImage
from densewalk.ssl.evaluate.notebook import Notebook
from densewalk.ssl.show.depth import depth_picture
from densewalk.ssl.show.still import jpeg_bytes

__all__ = ["NUM_WORST", "MeasuredDepth", "keep_worst_depths"]

NUM_WORST = 5
"""Images that are drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredDepth:
    """An image with the depth predicted for it and its error."""

    image: DepthImage
    predicted_HW: Float32[np.ndarray, "h w"]
    scored_HW: Bool[np.ndarray, "h w"]
    rmse_m: float


def keep_worst_depths(notebook: Notebook, worst: Sequence[MeasuredDepth]) -> None:
    """Draw images, the worst first: predicted and true depth, where it is off."""
    for place, measured in enumerate(worst, start=1):
        image, scored_HW = measured.image, measured.scored_HW
        off = float((measured.predicted_HW - image.depth_HW)[scored_HW].mean())
        average = f"on average {abs(off):.2f} m too {'far' if off > 0 else 'near'}"
        caption = f"{image.name}: RMSE {measured.rmse_m:.2f} m, {average}"
        picture = depth_picture(image.image_HWC, measured.predicted_HW, image.depth_HW, valid_HW=scored_HW)
        notebook.picture(caption, f"worst-{place}.jpg", jpeg_bytes(picture))
