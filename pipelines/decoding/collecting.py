"""When decoded frames give their memory back: at places of the video, not at moments of the process.

PyAV ties a frame whose side data was read into a cycle, so it lives until Python's collector runs, and the decoder is
handed its buffer again at a moment that depends on all that the process did before. Decoders that leave rows of a
damaged frame unwritten would show that in the pixels.
"""

import gc

__all__ = ["FRAMES_A_COLLECTION", "collect_at_set_places", "collect_frames"]

FRAMES_A_COLLECTION = 25


def collect_at_set_places() -> None:
    """Switch the collector of this process off; from now on `collect_frames` does its work."""
    gc.collect()
    gc.freeze()
    gc.disable()


def collect_frames() -> None:
    """Let frames go that nobody holds any more, unless the collector does it by itself."""
    if not gc.isenabled():
        gc.collect()
