"""What a training step sees: views of clips, the motion between their frames, and batches of both.

A `View` is pixels plus where they came from: an affine map from its own raster to the clip's and the clip time of every
frame. Two views of one clip may differ in crop, flip, size and order of time; a palindrome is a second view whose time
runs backwards with a geometry of its own. `geometry.correspond` turns any two views into point correspondences.

Shapes: B batch, T frames of a view, P frame pairs, C channels (RGB), H W rows and columns, 2 = (x, y).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import TypeVar

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from densewalk.datasets.errors import DataError

__all__ = ["ClipBatch", "Motion", "View", "joined_motion", "sent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Frames of a clip as seen through one crop, flip and resize."""

    video_BTCHW: UInt8[Tensor, "b t c h w"]
    """RGB, 0-255."""
    clip_from_view_B33: Float[Tensor, "b 3 3"]
    """Affine map from this view's raster to the clip's raster, pixels."""
    frame_BT: Int[Tensor, "b t"]
    """Clip frame index shown by each frame of the view."""

    @property
    def size_hw(self) -> tuple[int, int]:
        """Rows and columns of the view's raster."""
        return self.video_BTCHW.shape[-2], self.video_BTCHW.shape[-1]

    def image_BCHW(self, position: int) -> Float[Tensor, "b c h w"]:  # noqa: N802
        """Return the frame at `position` (negative counts from the end) as float RGB in 0-1."""
        return self.video_BTCHW[:, position].float() / 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """Dense displacement between chosen pairs of clip frames, in the clip's raster."""

    source_frame_BP: Int[Tensor, "b p"]
    """Clip frame index at which each field starts."""
    target_frame_BP: Int[Tensor, "b p"]
    """Clip frame index at which each field ends."""
    flow_BP2HW: Float[Tensor, "b p 2 h w"]
    """Displacement (x, y) in pixels of every source pixel centre."""
    visible_BPHW: Bool[Tensor, "b p h w"]
    """Whether the source pixel's point is inside and unoccluded in the target frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipBatch:
    """A batch of clips: the views an objective asked for, in the order its plan names them."""

    keys: tuple[str, ...]
    """Sample keys, for messages and records."""
    views: tuple[View, ...]
    motion: Motion | None = None
    """Motion between clip frames, when the plan asked for it and the data has it."""

    def __len__(self) -> int:
        return len(self.keys)

    def tensors(self) -> Iterator[Tensor]:
        """Yield every tensor of the batch."""
        for part in (*self.views, *(() if self.motion is None else (self.motion,))):
            yield from (getattr(part, field.name) for field in fields(part))

    def to(self, device: torch.device | str) -> "ClipBatch":
        """Return the batch with every tensor on `device`."""
        views = tuple(_moved(view, device) for view in self.views)
        return replace(self, views=views, motion=None if self.motion is None else _moved(self.motion, device))


def joined_motion(motions: Sequence[Motion | None]) -> Motion | None:
    """Return the motion of several clips as one batch, or nothing when some have none.

    Raises `DataError` when their rasters or numbers of frame pairs differ.
    """
    known = [motion for motion in motions if motion is not None]
    if not known or len(known) < len(motions):
        return None
    shapes = {tuple(motion.flow_BP2HW.shape[1:]) for motion in known}
    if len(shapes) > 1:
        raise DataError(
            f"samples of one batch have motion of different (pairs, 2, rows, columns): {sorted(shapes)}; only clips of "
            "one size can share a batch with objective.plan.motion=true"
        )
    return Motion(**{f.name: torch.cat([getattr(motion, f.name) for motion in known]) for f in fields(Motion)})


def sent(tensor: Tensor, device: torch.device | str) -> Tensor:
    """Return a tensor on `device`; from here to a CUDA device the copy is queued on the current stream."""
    if torch.device(device).type == "cuda" and tensor.device.type == "cpu":
        # Torch keeps pinned memory and gives it out again once the copies that read it are over.
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


_Part = TypeVar("_Part", View, Motion)


def _moved(part: _Part, device: torch.device | str) -> _Part:
    return replace(part, **{f.name: sent(getattr(part, f.name), device) for f in fields(part)})
