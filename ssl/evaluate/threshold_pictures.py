"""Curves of one subject: the share of points or joints within a distance of the truth, as the distance grows."""

from collections.abc import Mapping

from densewalk.ssl.evaluate.notebook import Notebook
from densewalk.ssl.metrics.pck import pck_curve
from densewalk.ssl.metrics.track_errors import delta_curve
from densewalk.ssl.show.curves import threshold_curves

__all__ = ["keep_delta_curve", "keep_pck_curve"]


def keep_delta_curve(notebook: Notebook, subject: str, scalars: Mapping[str, float]) -> None:
    """Keep the curve of tracked positions over pixels; nothing is drawn where nothing is kept."""
    if notebook.keeps:
        curves = {subject: delta_curve(scalars)}
        curve = threshold_curves(curves, x_label="pixels of the 256 raster", y_label="positions within, %")
        notebook.picture("positions within a distance", "within.svg", curve.encode())


def keep_pck_curve(notebook: Notebook, subject: str, scalars: Mapping[str, float]) -> None:
    """Keep the curve of joints over shares of the body's size; nothing is drawn where nothing is kept."""
    if notebook.keeps:
        curve = threshold_curves({subject: pck_curve(scalars)}, x_label="alpha", y_label="joints within, %")
        notebook.picture("joints within a distance", "pck.svg", curve.encode())
