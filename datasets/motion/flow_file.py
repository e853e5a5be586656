"""The file of a clip's optical flow, `<key>.flow.npz`: fields between pairs of frames, there and back.

    about                   what the file says of itself, JSON
    flow_SSSSS_TTTTT        field from frame S to frame T, encoded (flow_code.py)
    residual_SSSSS_TTTTT    its forward-backward residual, measured before encoding (residual_code.py)
    pairs                   int32 (P, 2), frames S and T of every field
    ranges                  float32 (P, 2, 2), least and greatest value of each component

Frames are those of the clip. Alpha and beta of the occlusion test are chosen when the file is read; a residual may be
stored for one pixel of each cell of `residual_stride`, and then speaks for the whole cell. Fields are decoded one at a
time, when asked for.

Shapes: P fields, H W rows and columns of a field, 2 = (x, y) in pixels of the field's raster.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float32

from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.motion.array_archive import ArrayReader, ArrayWriter
from densewalk.datasets.motion.clip_motion import MotionAbout
from densewalk.datasets.motion.consistency import (
    PAPER_ALPHA,
    PAPER_BETA,
    Residual,
    cell_pixels,
    occlusion,
    pixel_residual,
)
from densewalk.datasets.motion.flow_code import FlowCode, decode_field, encode_field, field_range, greatest_component
from densewalk.datasets.motion.residual_code import ResidualCode, decode_residual, encode_residual
from densewalk.datasets.views import Motion

__all__ = ["FlowAbout", "FlowFields", "FlowPair", "read_flow", "write_flow"]

_FORMAT, _VERSION = "densewalk.flow", 1
_MOST_PIXELS = 2**25
"""Of one field; a file that claims more is not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowAbout(MotionAbout):
    """What a file of flow says of itself."""

    encoding: FlowCode
    quality: int
    """Of the JPEG."""
    residual: ResidualCode
    residual_stride: int
    """Side of the cell, in pixels, that one stored residual speaks for."""

    def __post_init__(self) -> None:
        MotionAbout.__post_init__(self)
        self._require(self.residual_stride >= 1 and self.size_hw[0] * self.size_hw[1] <= _MOST_PIXELS)

    @property
    def residual_hw(self) -> tuple[int, int]:
        """Rows and columns of a stored residual."""
        return -(-self.size_hw[0] // self.residual_stride), -(-self.size_hw[1] // self.residual_stride)


@dataclass(frozen=True, slots=True)
class FlowPair:
    """The flow between two frames of a clip, both ways."""

    source: int
    target: int
    forth_2HW: Float32[np.ndarray, "2 h w"]
    back_2HW: Float32[np.ndarray, "2 h w"]


def write_flow(path: Path, about: FlowAbout, pairs: Iterable[FlowPair]) -> None:
    """Write both fields of every pair; one pair is held at a time.

    Pixels whose flow is beyond what the encoding holds are marked as never visible.
    """
    frames: list[tuple[int, int]] = []
    ranges: list[np.ndarray] = []
    with ArrayWriter(path, about, format_name=_FORMAT, version=_VERSION) as archive:
        for pair in pairs:
            forth = pair.source, pair.target, pair.forth_2HW, pair.back_2HW
            back = pair.target, pair.source, pair.back_2HW, pair.forth_2HW
            for source, target, flow_2HW, return_2HW in (forth, back):
                residual = _stored_residual(flow_2HW, return_2HW, about)
                archive.add(
                    _name("flow", source, target), encode_field(flow_2HW, about.encoding, quality=about.quality)
                )
                archive.add(_name("residual", source, target), encode_residual(residual, about.residual))
                frames.append((source, target))
                ranges.append(field_range(flow_2HW))
        archive.add("pairs", np.array(frames, "<i4").reshape(-1, 2))
        archive.add("ranges", np.array(ranges, "<f4").reshape(-1, 2, 2))


class FlowFields:
    """The fields of a clip; `read_flow` makes one. Raises `DataError` when a field turns out to be damaged."""

    about: FlowAbout
    pairs: tuple[tuple[int, int], ...]
    """Source and target frame of every field, in the order they were written."""

    def __init__(self, archive: ArrayReader) -> None:
        self._archive = archive
        self.about = archive.about(FlowAbout)
        pair_P2, self._range_P22 = archive.array("pairs", "<i4", 2), archive.array("ranges", "<f4", 3)
        self.pairs = tuple((int(source), int(target)) for source, target in pair_P2.reshape(-1, 2))
        self._place = {pair: place for place, pair in enumerate(self.pairs)}
        sound = pair_P2.shape[1:] == (2,) and self._range_P22.shape == (len(pair_P2), 2, 2)
        if not (sound and len(self._place) == len(pair_P2) and np.isfinite(self._range_P22).all()):
            raise DataError(f"the flow of clip {self.about.key} lists its fields wrongly: {pair_P2.shape[0]} pairs")

    def flow(self, source: int, target: int) -> Float32[np.ndarray, "2 h w"]:
        """Return where every pixel of frame `source` goes in frame `target`, in pixels of the field's raster."""
        place = self._at(source, target)
        stored = self._stored("flow", source, target, self.about.encoding)
        return decode_field(stored, self.about.encoding, self.about.size_hw, self._range_P22[place])

    def residual(self, source: int, target: int) -> Residual:
        """Return the forward-backward residual of each cell of `about.residual_stride`, px² of the field's raster."""
        self._at(source, target)
        stored = self._stored("residual", source, target, self.about.residual)
        return decode_residual(stored, self.about.residual, self.about.residual_hw)

    def visible(
        self, source: int, target: int, *, alpha: float = PAPER_ALPHA, beta: float = PAPER_BETA
    ) -> Bool[np.ndarray, "h w"]:
        """Return which pixels of frame `source` are seen in frame `target`; `beta` in px² of the field's raster."""
        seen_HW = ~occlusion(self.residual(source, target), alpha=alpha, beta=beta)
        stride = self.about.residual_stride
        if stride > 1:
            seen_HW = seen_HW.repeat(stride, 0).repeat(stride, 1)
        return seen_HW[: self.about.size_hw[0], : self.about.size_hw[1]]

    def motion(
        self, pairs: Sequence[tuple[int, int]], *, alpha: float = PAPER_ALPHA, beta: float = PAPER_BETA
    ) -> Motion:
        """Return fields as a batch of one for views of this clip: in the clip's raster, scaled to its pixels."""
        flow_P2HW = torch.from_numpy(np.stack([self.flow(*pair) for pair in pairs]))
        visible_PHW = torch.from_numpy(np.stack([self.visible(*pair, alpha=alpha, beta=beta) for pair in pairs]))
        clip_hw, size_hw = self.about.clip_size_hw, self.about.size_hw
        if clip_hw != size_hw:
            flow_P2HW = F.interpolate(flow_P2HW, clip_hw, mode="bilinear", align_corners=False)
            flow_P2HW *= torch.tensor([clip_hw[1] / size_hw[1], clip_hw[0] / size_hw[0]])[:, None, None]
            visible_PHW = F.interpolate(visible_PHW[None].float(), clip_hw, mode="nearest-exact")[0] > 0.5
        frame_P2 = torch.tensor(list(pairs))
        return Motion(
            source_frame_BP=frame_P2[None, :, 0],
            target_frame_BP=frame_P2[None, :, 1],
            flow_BP2HW=flow_P2HW[None],
            visible_BPHW=visible_PHW[None],
        )

    def _at(self, source: int, target: int) -> int:
        place = self._place.get((source, target))
        if place is None:
            strides = sorted({target - source for source, target in self.pairs})
            raise ConfigError(
                f"clip {self.about.key} has no flow from frame {source} to {target}; {len(self.pairs)} fields are "
                f"stored, with strides {strides} (flow.strides, flow.every)"
            )
        return place

    def _stored(self, kind: str, source: int, target: int, code: str) -> np.ndarray:
        dtype, ndim = ("<f2", 3) if code == "fp16" else ("|u1", 1)
        return self._archive.array(_name(kind, source, target), dtype, ndim)


def read_flow(content: bytes | Path) -> FlowFields:
    """Return the fields of a `<key>.flow.npz`, or of its bytes; raises `DataError` when they are damaged."""
    return FlowFields(ArrayReader(content, format_name=_FORMAT, version=_VERSION))


def _stored_residual(flow_2HW: np.ndarray, back_2HW: np.ndarray, about: FlowAbout) -> Residual:
    """Return the residual, infinite where the flow is clipped when it is encoded."""
    residual = pixel_residual(flow_2HW, back_2HW, stride=about.residual_stride)
    limit = greatest_component(about.encoding)
    if np.abs(field_range(flow_2HW)).max() <= limit:
        return residual
    beyond_IJ = (np.abs(cell_pixels(flow_2HW, about.residual_stride)) > limit).any(0)
    return Residual(a=np.where(beyond_IJ, np.float32(np.inf), residual.a), b=residual.b)


def _name(kind: str, source: int, target: int) -> str:
    return f"{kind}_{source:05d}_{target:05d}"
