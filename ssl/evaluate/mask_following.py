"""Masks of a video by any subject: propagated from those that are given, or finished ones.

Shapes: T frames, H W rows and columns.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.video_masks.masked_video import ImageFiles, MaskedVideo
from densewalk.ssl.evaluate.mask_folder import MaskFolder
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.propagate.config import PropagationConfig
from densewalk.ssl.propagate.propagate import propagate_labels

__all__ = ["follow_masks", "given_masks"]


def follow_masks(
    matcher: Matcher | MaskFolder,
    video: MaskedVideo,
    config: PropagationConfig,
    *,
    scored: Sequence[int],
    num_labels: int,
) -> UInt8[np.ndarray, "t h w"]:
    """Return a mask for every frame of a video; frames before the first given mask are empty.

    `scored` frames and labels up to `num_labels` are what finished masks must have. Raises `DataError` when a given
    mask lacks its object, and what `propagate_labels` and `MaskFolder.masks` raise.
    """
    if isinstance(matcher, MaskFolder):
        return matcher.masks(video, scored=scored, num_labels=num_labels)
    given = given_masks(video)
    start = min(given)
    later = {frame - start: mask_HW for frame, mask_HW in given.items() if frame > start}
    frames = ImageFiles(video.frames.paths[start:])
    masks_THW = propagate_labels(matcher, frames, given[start], config, arrivals=later)
    return np.pad(masks_THW, ((start, 0), (0, 0), (0, 0)))


def given_masks(video: MaskedVideo) -> dict[int, UInt8[np.ndarray, "h w"]]:
    """Return the masks that a subject is shown, by frame: every object where it comes in, 0 elsewhere."""
    if not video.entries:
        return {0: video.mask(0)}
    given: dict[int, np.ndarray] = {}
    for number, frame in video.entries.items():
        mask_HW = video.mask(frame)
        if not (mask_HW == number).any():
            raise DataError(f"mask {video.mask_files[frame]} lacks object {number}, which comes in with it")
        given.setdefault(frame, np.zeros_like(mask_HW))[mask_HW == number] = number
    return given
