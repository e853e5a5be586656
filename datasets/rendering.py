"""Samples become batches: every view is read and recoloured on the device of the training, the whole batch at once.

The parts of the clips that a batch shows are laid into one block of bytes, row by row under each other, which goes to
the device in one piece. What is computed there is the same sum in the same order on every device and in every batch, so
a sample's pixels depend on the sample alone.

Shapes: B samples, T frames of a view, F = B T, R rows of all clips, W columns of the widest, C channels.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from densewalk.datasets.errors import DataError
from densewalk.datasets.photometric import ColourChange, recolour_frames
from densewalk.datasets.resampling import axes_of, resample, taps_of
from densewalk.datasets.samples import ClipSample, ViewDraw
from densewalk.datasets.views import ClipBatch, View, joined_motion, sent

__all__ = ["render"]

_BYTES_AT_ONCE = {"cpu": 1 << 20, "cuda": 1 << 28}
"""Frames between rows and columns: what stays in a processor's cache; what fills a GPU and bounds its memory."""


def render(samples: Sequence[ClipSample], device: torch.device | str = "cpu") -> ClipBatch:
    """Return samples as one batch on `device`, its views in the plan's order.

    On a CUDA device the work is queued on the current stream. Motion comes along when every sample has it. Raises
    `DataError` when samples show other numbers of views, of frames or of pixels, or motion of other rasters.
    """
    device = torch.device(device)
    _check(samples)
    block_RWC, first_B = _block(samples, pinned=device.type == "cuda")
    block_RWC = block_RWC.to(device, non_blocking=True)
    drawn_VB = zip(*(sample.views for sample in samples), strict=True)
    return ClipBatch(
        keys=tuple(sample.key for sample in samples),
        views=tuple(_view(samples, drawn_B, block_RWC, first_B) for drawn_B in drawn_VB),
        motion=joined_motion([sample.motion for sample in samples]),
    ).to(device)


def _check(samples: Sequence[ClipSample]) -> None:
    shown = [tuple((len(view.frames), *view.geometry.size_hw) for view in sample.views) for sample in samples]
    if len(set(shown)) > 1:
        listed = "; ".join(f"{sample.key}: {views}" for sample, views in zip(samples, shown, strict=True))
        raise DataError(
            f"samples of one batch show different views (frames, rows, columns): {listed}; all sources of a batch "
            "must draw their views by one plan"
        )


def _block(samples: Sequence[ClipSample], *, pinned: bool) -> tuple[UInt8[Tensor, "r w 3"], list[int]]:
    """Return the rows of all frames, and each sample's first; what lies beside a narrower clip is never shown."""
    rows_B = [len(s.video_THWC) * s.video_THWC.shape[1] for s in samples]
    first_B = np.cumsum([0, *rows_B]).tolist()
    width = max(s.video_THWC.shape[2] for s in samples)
    block_RWC = torch.empty((first_B[-1], width, 3), dtype=torch.uint8, pin_memory=pinned)
    for sample, first, rows in zip(samples, first_B, rows_B, strict=False):
        part = sample.video_THWC.reshape(rows, -1, 3)
        block_RWC.numpy()[first : first + rows, : part.shape[1]] = part
    return block_RWC, first_B[:-1]


def _view(
    samples: Sequence[ClipSample], drawn_B: Sequence[ViewDraw], block_RWC: Tensor, first_B: Sequence[int]
) -> View:
    """Return one view of every sample."""
    device, (high, wide) = block_RWC.device, drawn_B[0].geometry.size_hw
    down, across = zip(*(axes_of(drawn.geometry) for drawn in drawn_B), strict=True)
    (x_B, y_B), (height_B, width_B) = (
        zip(*(sample.corner_xy for sample in samples), strict=True),
        zip(*(sample.video_THWC.shape[1:3] for sample in samples), strict=True),
    )
    rows = taps_of(down, y_B, height_B, device=device)
    columns = taps_of(across, x_B, width_B, device=device)
    frame_BT = torch.tensor([drawn.frames for drawn in drawn_B])
    clip_F = torch.arange(len(samples), device=device).repeat_interleave(frame_BT.shape[1])
    row_F = sent(torch.tensor(list(_first_rows(samples, drawn_B, first_B))), device)
    changes_F = _changes(drawn_B)
    shown_FCHW = torch.empty((len(clip_F), 3, high, wide), dtype=torch.uint8, device=device)
    for part in _parts(len(clip_F), high * block_RWC[0].numel() * 4, device):
        clip = clip_F[part]
        shown_FCHW[part] = resample(block_RWC, rows.of(clip, first_F=row_F[part]), columns.of(clip))
        if changes_F:
            shown_FCHW[part] = recolour_frames(shown_FCHW[part], changes_F[part])
    return View(
        video_BTCHW=shown_FCHW.unflatten(0, frame_BT.shape),
        clip_from_view_B33=torch.stack([drawn.geometry.clip_from_view for drawn in drawn_B]),
        frame_BT=frame_BT,
    )


def _first_rows(samples: Sequence[ClipSample], drawn_B: Sequence[ViewDraw], first_B: Sequence[int]) -> Iterator[int]:
    """Yield where in the block each frame of a view begins, sample by sample."""
    for sample, drawn, first in zip(samples, drawn_B, first_B, strict=True):
        for frame in drawn.frames:
            yield first + sample.frames.index(frame) * sample.video_THWC.shape[1]


def _changes(drawn_B: Sequence[ViewDraw]) -> list[ColourChange]:
    """Return the changes of colour of all frames, or none when no view of the batch has any."""
    if not any(drawn.colours for drawn in drawn_B):
        return []
    kept = ColourChange()
    return [change for drawn in drawn_B for change in drawn.colours or (kept,) * len(drawn.frames)]


def _parts(num_frames: int, bytes_a_frame: int, device: torch.device) -> Iterator[slice]:
    at_once = max(1, _BYTES_AT_ONCE.get(device.type, _BYTES_AT_ONCE["cpu"]) // bytes_a_frame)
    for start in range(0, num_frames, at_once):
        yield slice(start, start + at_once)
