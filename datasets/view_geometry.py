"""The geometry of a view: a box of the clip (fractions of pixels allowed), an optional mirror and a size."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from densewalk.datasets.geometry import crop_affine, flip_affine

__all__ = ["Box", "ViewGeometry"]

Box = tuple[float, float, float, float]
"""x, y, width, height in raster pixels of the clip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewGeometry:
    """Which part of a clip a view shows, mirrored or not, at which size."""

    box_xywh: Box
    """Box of the clip that fills the view, raster pixels."""
    flip: bool = False
    """Whether the view is mirrored left to right."""
    size_hw: tuple[int, int]
    """Rows and columns of the view."""

    @property
    def clip_from_view(self) -> Float[Tensor, "3 3"]:
        """Affine map from the view's raster to the clip's."""
        crop = crop_affine(self.box_xywh, self.size_hw)
        return crop @ flip_affine(self.size_hw[1]) if self.flip else crop
