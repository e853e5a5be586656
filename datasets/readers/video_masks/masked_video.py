"""A video whose objects or classes have masks, read from image files when they are asked for.

Shapes: T frames, H W rows and columns, C channels (RGB).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.image_files import decoded, stored_size
from densewalk.datasets.readers.video_masks.mask_files import fitted_mask, read_mask

__all__ = ["ImageFiles", "MaskedVideo", "MaskedVideos"]


class ImageFiles:
    """Frames of a video that are image files; nothing is kept between calls.

    Raises `DataError` when a file is absent, damaged, or not of the first one's size.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = tuple(paths)
        self.shape = (len(self.paths), *stored_size(self.paths[0]), 3)
        """Frames, rows, columns, 3."""

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
        return (self[frame] for frame in range(len(self)))

    def __getitem__(self, frame: int, /) -> UInt8[np.ndarray, "h w 3"]:
        """Return a frame, RGB in 0-255."""
        path = self.paths[frame]
        image_HWC = np.asarray(decoded(path).convert("RGB"))
        if image_HWC.shape != self.shape[1:]:
            raise DataError(
                f"frame {path} has {image_HWC.shape[:2]} rows and columns, the video's first frame has "
                f"{self.shape[1:3]}; expected frames of one size"
            )
        return image_HWC


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedVideo:
    """One video with the masks that were annotated."""

    name: str
    frames: ImageFiles
    frame_names: tuple[str, ...]
    """File names of the frames without their ending."""
    mask_files: Mapping[int, Path]
    """Annotated frames."""
    entries: Mapping[int, int]
    """Frame in which each object is first annotated, by the object's number; empty when all are in the first frame."""
    is_binary: bool = False
    """Whether every label but 0 means the one object of the video."""

    @property
    def size_hw(self) -> tuple[int, int]:
        """Rows and columns of the frames."""
        return self.frames.shape[1], self.frames.shape[2]

    def mask(self, frame: int) -> UInt8[np.ndarray, "h w"]:
        """Return the labels of an annotated frame, of the frame's size.

        Raises `DataError` when the file is damaged or its size is off by more than a pixel.
        """
        path = self.mask_files[frame]
        return fitted_mask(read_mask(path, is_binary=self.is_binary), self.size_hw, what=f"mask {path}")

    def misfits(self, mask_files: Mapping[int, Path]) -> list[dict[str, str]]:
        """Return a row for every mask of this video, true or predicted, whose size is not the frame's."""
        sizes = ((frame, path, stored_size(path)) for frame, path in mask_files.items())
        return [
            {
                "sequence": self.name,
                "frame": self.frame_names[frame],
                "mask": str(path),
                "mask_size": "{1} x {0}".format(*size_hw),
                "frame_size": "{1} x {0}".format(*self.size_hw),
            }
            for frame, path, size_hw in sizes
            if size_hw != self.size_hw
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedVideos:
    """A split of a data set."""

    videos: tuple[MaskedVideo, ...]
    """In the order of the split's list."""
    left_out: tuple[str, ...] = ()
    """Videos of the split whose files are not all there, which somebody agreed to do without."""
    has_truth: bool = True
    """Whether anything but the masks that start a video is annotated: without it nothing can be scored."""
