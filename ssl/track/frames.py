"""Frames of a video as a matcher takes them: floats on its device, resized, padded to sides it can divide.

The network's raster is the video's, resized (antialiased where it shrinks, unless told otherwise); what is missing to
a multiple of `matcher.multiple` is filled on the right and at the bottom by the edge's own pixels. Both rasters have
their upper left corner in common, so a point is taken from one to the other by two factors alone, and a frame of any
size keeps its coordinates exactly. What is filled in takes part in matching: nodes that show nothing else exist where
`multiple` exceeds the stride.

Shapes: T frames, H W rows and columns, C channels, D feature width, N pixels.
"""

from itertools import chain
from typing import Protocol, runtime_checkable

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from densewalk.datasets.errors import DataError
from densewalk.datasets.geometry import grid_points, sample_at
from densewalk.ssl.matchers.matcher import Matcher

__all__ = ["EncodedFrames", "FrameSequence", "module_device"]


@runtime_checkable
class FrameSequence(Protocol):
    """A video as a sequence of frames: an array, a memory map, or anything that makes a frame when it is asked."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Frames, rows, columns, 3."""
        ...

    def __len__(self) -> int:
        """Return the number of frames."""
        ...

    def __getitem__(self, frame: int, /) -> np.ndarray:
        """Return a frame of shape (H, W, 3), RGB in 0-255, uint8."""
        ...


class EncodedFrames:
    """Encodes frames of a video one at a time; nothing is kept between calls.

    Raises `DataError` when the video or a frame of it is not uint8 RGB of the shape (T, H, W, 3).
    """

    video_hw: tuple[int, int]
    """Rows and columns of the video."""
    size_hw: tuple[int, int]
    """Rows and columns of the resized video: the part of the network's raster that shows something."""
    padded_hw: tuple[int, int]
    """Rows and columns of the raster the network sees, multiples of `matcher.multiple`."""
    grid_hw: tuple[int, int]
    """Rows and columns of the nodes whose cells show something."""
    stride: int
    """Pixels of the network's raster per node."""
    network_from_video_xy: tuple[float, float]
    """Factors that take a point (x, y) of the video's raster to the network's."""

    def __init__(
        self,
        matcher: Matcher,
        video_THWC: FrameSequence,
        *,
        upsample: int = 1,
        size_hw: tuple[int, int] | None = None,
        antialias: bool = True,
    ) -> None:
        """Show the video at `size_hw` rows and columns, or enlarged by a whole factor when that is None."""
        self._matcher, self._video_THWC, self._antialias = matcher, video_THWC, antialias
        self.video_hw = _checked_size(video_THWC.shape)
        self.device, self.stride = module_device(matcher), matcher.stride
        height, width = size_hw or tuple(side * upsample for side in self.video_hw)
        self.size_hw = (height, width)
        self.padded_hw = (_reach(height, matcher.multiple), _reach(width, matcher.multiple))
        self.grid_hw = (-(-height // self.stride), -(-width // self.stride))
        self.network_from_video_xy = (width / self.video_hw[1], height / self.video_hw[0])
        self._read(0)  # a video of another kind is refused before anything is made of it

    def __len__(self) -> int:
        return len(self._video_THWC)

    def encode(self, frame: int) -> Float[Tensor, "1 d gh gw"]:
        """Return the matcher's map of one frame, of the padded raster."""
        image_HWC = torch.from_numpy(self._read(frame)).to(self.device)
        image_BCHW = image_HWC.permute(2, 0, 1)[None].float() / 255
        if image_BCHW.shape[-2:] != self.size_hw:
            image_BCHW = F.interpolate(
                image_BCHW, self.size_hw, mode="bilinear", align_corners=False, antialias=self._antialias
            )
        return self._matcher.encode(self.pad(image_BCHW))

    def pad(self, image_BCHW: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c ph pw"]:
        """Return an image of `size_hw` as one of `padded_hw`, its last column and row repeated."""
        missing = [padded - side for padded, side in zip(self.padded_hw, self.size_hw, strict=True)]
        return F.pad(image_BCHW, (0, missing[1], 0, missing[0]), mode="replicate") if any(missing) else image_BCHW

    def shown(self, map_BDHW: Float[Tensor, "b d gh gw"]) -> Float[Tensor, "b d sh sw"]:
        """Return the nodes of a padded map whose cells show something, `grid_hw`."""
        return map_BDHW[..., : self.grid_hw[0], : self.grid_hw[1]]

    def at_video_pixels(self, map_BDHW: Float[Tensor, "b d gh gw"]) -> Float[Tensor, "b d h w"]:
        """Return a padded map read bilinearly at every pixel centre of the video; values are left as they are."""
        scale_2 = torch.tensor(self.network_from_video_xy, device=map_BDHW.device)
        place_N2 = grid_points(*self.video_hw, device=map_BDHW.device) * scale_2
        place_BN2 = (place_N2 / self.stride).expand(len(map_BDHW), -1, -1)
        return sample_at(map_BDHW.float(), place_BN2).transpose(1, 2).unflatten(-1, self.video_hw)

    def _read(self, frame: int) -> UInt8[np.ndarray, "h w 3"]:
        frame_HWC = np.asarray(self._video_THWC[frame])
        if frame_HWC.dtype != np.uint8 or frame_HWC.shape != (*self.video_hw, 3):
            unsound = frame_HWC.dtype.kind == "f" and not np.isfinite(frame_HWC).all()
            raise DataError(
                f"frame {frame} of the video is {frame_HWC.dtype} of shape {frame_HWC.shape}"
                f"{' with values that are not finite' if unsound else ''}; "
                f"expected RGB in 0-255 as uint8 of shape {(*self.video_hw, 3)}"
            )
        return np.array(frame_HWC, order="C")


def module_device(module: torch.nn.Module) -> torch.device:
    """Return where a module's tensors are; a module without any works on the CPU."""
    tensor = next(chain(module.parameters(), module.buffers()), None)
    return torch.device("cpu") if tensor is None else tensor.device


def _checked_size(shape: tuple[int, ...]) -> tuple[int, int]:
    if len(shape) != 4 or shape[3] != 3 or min(shape) < 1:
        raise DataError(f"the video has shape {tuple(shape)}; expected RGB frames as uint8 of shape (T, H, W, 3)")
    return shape[1], shape[2]


def _reach(side: int, multiple: int) -> int:
    """Return the least multiple that is not below `side`."""
    return -(-side // multiple) * multiple
