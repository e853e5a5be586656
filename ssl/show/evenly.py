"""A few of many, spread evenly, where a picture cannot show all."""

import numpy as np

__all__ = ["evenly"]


def evenly(count: int, wanted: int) -> list[int]:
    """Return the numbers of at most `wanted` of `count` items, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, wanted).round().astype(int)).tolist() if count else []
