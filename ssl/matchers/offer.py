"""What a subject can be measured by."""

from typing import Literal

__all__ = ["EVERYTHING", "Offer"]

Offer = Literal["features", "matches", "displacement", "masks"]
"""A map of one image; which node of one image goes where in another; the mean of that; finished masks of a video."""

EVERYTHING: frozenset[Offer] = frozenset(("features", "matches", "displacement"))
"""What a matcher offers unless it says otherwise."""
