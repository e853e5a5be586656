"""The windows in which TransNetV2 looks at a video, which decide how much context a part of a video needs.

A window begins at every fiftieth frame of the source, 25 frames before the first one it judges; it is 100 frames wide
and judges its middle 50.
"""

__all__ = ["MARGIN", "STEP", "WINDOW"]

WINDOW = 100
"""Frames of a window."""
MARGIN = 25
"""Frames at either end of a window that it does not judge."""
STEP = WINDOW - 2 * MARGIN
"""Frames from one window to the next."""
