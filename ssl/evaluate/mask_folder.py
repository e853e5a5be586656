"""Finished masks as a subject: a folder of PNGs that somebody made elsewhere, scored like masks made here.

The folder holds `<sequence>/<frame>.png` in the names of the data set's own files. Only frames that are scored must be
there, as the official tool of DAVIS has it; the others count as empty. A mask may be of any kind that `read_mask`
reads, and a pixel larger or smaller than its frame.

Shapes: T frames, H W rows and columns.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from torch import nn

from densewalk.datasets.errors import BenchmarkError, DataError
from densewalk.datasets.readers.video_masks.mask_files import fitted_mask, read_mask
from densewalk.datasets.readers.video_masks.masked_video import MaskedVideo
from densewalk.datasets.readers.video_masks.presence import named_few
from densewalk.ssl.matchers.offer import Offer

__all__ = ["MaskFolder"]

_VOID = 255


class MaskFolder(nn.Module):
    """Masks of videos by the videos' names; it has no features and matches nothing.

    Raises `DataError` when there is no such folder.
    """

    offers: frozenset[Offer] = frozenset(("masks",))

    def __init__(self, folder: Path) -> None:
        super().__init__()
        if not folder.is_dir():
            raise DataError(f"no folder of masks at {folder}; expected <sequence>/<frame>.png in it")
        self.folder = folder

    def files(self, video: MaskedVideo) -> dict[int, Path]:
        """Return the masks of a video that are there, by frame."""
        named = ((frame, self.folder / video.name / f"{name}.png") for frame, name in enumerate(video.frame_names))
        return {frame: path for frame, path in named if path.is_file()}

    def masks(self, video: MaskedVideo, *, scored: Sequence[int], num_labels: int) -> UInt8[np.ndarray, "t h w"]:
        """Return a mask for every frame of a video, empty for those that are neither there nor scored.

        Labels are 0 to `num_labels`. Raises `BenchmarkError` when a scored mask is absent or holds another label, or
        when they are all of 0 and 255 where objects have numbers, and `DataError` when a file is damaged or of another
        size.
        """
        files = self.files(video)
        self._require(video, [frame for frame in scored if frame not in files])
        masks_THW = np.zeros(video.frames.shape[:3], np.uint8)
        for frame, path in files.items():
            mask_HW = read_mask(path, is_binary=video.is_binary)
            masks_THW[frame] = fitted_mask(mask_HW, video.size_hw, what=f"mask {path}")
        _require_labels(masks_THW[list(scored)], num_labels, self.folder / video.name)
        return masks_THW

    def _require(self, video: MaskedVideo, absent: Sequence[int]) -> None:
        if not (self.folder / video.name).is_dir():
            raise BenchmarkError(f"{self.folder} has no folder {video.name}; expected PNG masks of every sequence")
        if absent:
            names = named_few([f"{video.frame_names[frame]}.png" for frame in absent])
            raise BenchmarkError(
                f"{self.folder / video.name} lacks {names}, which are scored; expected a PNG mask named as its frame"
            )


def _require_labels(masks_THW: np.ndarray, num_labels: int, where: Path) -> None:
    labels = set(np.unique(masks_THW).tolist()) - {0}
    if labels == {_VOID}:
        raise BenchmarkError(
            f"the masks in {where} are binary (0 and 255); expected labels 1 to {num_labels}, "
            "or a benchmark of single objects (davis2016)"
        )
    if labels and max(labels - {_VOID}) > num_labels:
        raise BenchmarkError(f"the masks in {where} hold label {max(labels - {_VOID})}; expected 0 to {num_labels}")
