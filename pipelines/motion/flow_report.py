"""What each encoding of flow costs and loses: bytes a field, error against the field as estimated.

Errors are endpoint errors in pixels over all fields' pixels; quantiles come from a histogram of steps of 1/512 px, so
memory does not grow with the number of fields. `share_changed` tells what storing the residual does: the share of
pixels whose verdict, visible or occluded, is not that of the residual as measured at each (alpha = 0.01, beta = 0.5).

Shapes: H W rows and columns, E bins of error, 2 = (x, y) in pixels.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float32, Int64

from densewalk.datasets.motion.consistency import occlusion, pixel_residual
from densewalk.datasets.motion.flow_code import FlowCode, decode_field, encode_field, field_range
from densewalk.datasets.motion.residual_code import ResidualCode, decode_residual, encode_residual
from densewalk.pipelines.motion.estimators import Flows

__all__ = ["EncodingRow", "FlowEncoding", "ResidualEncoding", "ResidualRow", "flow_report", "residual_report"]

_BINS_PER_PIXEL, _BINNED_PIXELS = 512, 64
_LARGE_PX = 0.5
_CENTRAL = 0.99


@dataclass(frozen=True, slots=True)
class FlowEncoding:
    """A choice of `flow.encoding` and `flow.quality`."""

    encoding: FlowCode
    quality: int = 95


@dataclass(frozen=True, slots=True)
class EncodingRow:
    """What a field takes and loses on average."""

    fields: int
    bytes_per_field: float
    bits_per_pixel: float
    epe_mean: float
    epe_p99: float
    """Capped at 64 px."""
    share_above_half_px: float
    greatest_epe: float


@dataclass(frozen=True, slots=True)
class ResidualEncoding:
    """A choice of `flow.residual` and `flow.residual_stride`."""

    residual: ResidualCode
    stride: int = 1


@dataclass(frozen=True, slots=True)
class ResidualRow:
    """What the residual of a field takes, and what storing it changes."""

    fields: int
    bytes_per_field: float
    share_changed: float


def flow_report(fields: Iterable[Float32[np.ndarray, "2 _ _"]], encodings: Sequence[FlowEncoding]) -> list[EncodingRow]:
    """Return a row for every encoding; fields may differ in size and are gone through once, at least one."""
    tallies = [_Tally() for _ in encodings]
    for flow_2HW in fields:
        for tally, choice in zip(tallies, encodings, strict=True):
            stored = encode_field(flow_2HW, choice.encoding, quality=choice.quality)
            read_2HW = decode_field(stored, choice.encoding, flow_2HW.shape[1:], field_range(flow_2HW))
            tally.add(stored.nbytes, read_2HW - flow_2HW)
    return [tally.row() for tally in tallies]


def residual_report(pairs: Iterable[Flows], encodings: Sequence[ResidualEncoding]) -> list[ResidualRow]:
    """Return a row for every encoding over both directions of the pairs, at least one."""
    num_fields, num_pixels = 0, 0
    total_bytes, changed = [0] * len(encodings), [0] * len(encodings)
    for forth, back in pairs:
        for flow_2HW, return_2HW in ((forth, back), (back, forth)):
            hidden_HW = occlusion(pixel_residual(flow_2HW, return_2HW))
            num_fields, num_pixels = num_fields + 1, num_pixels + hidden_HW.size
            for place, choice in enumerate(encodings):
                residual = pixel_residual(flow_2HW, return_2HW, stride=choice.stride)
                stored = encode_residual(residual, choice.residual)
                read_IJ = occlusion(decode_residual(stored, choice.residual, residual.a.shape))
                read_HW = read_IJ.repeat(choice.stride, 0).repeat(choice.stride, 1)
                height, width = hidden_HW.shape
                total_bytes[place] += stored.nbytes
                changed[place] += int(np.count_nonzero(read_HW[:height, :width] != hidden_HW))
    return [
        ResidualRow(fields=num_fields, bytes_per_field=size / num_fields, share_changed=count / num_pixels)
        for size, count in zip(total_bytes, changed, strict=True)
    ]


@dataclass(slots=True)
class _Tally:
    fields: int = 0
    num_bytes: int = 0
    pixels: int = 0
    total: float = 0.0
    large: int = 0
    greatest: float = 0.0
    count_E: Int64[np.ndarray, " e"] = field(
        default_factory=lambda: np.zeros(_BINS_PER_PIXEL * _BINNED_PIXELS + 1, np.int64)
    )

    def add(self, num_bytes: int, error_2HW: Float32[np.ndarray, "2 h w"]) -> None:
        epe_N = np.hypot(*error_2HW.reshape(2, -1))
        self.fields += 1
        self.num_bytes += num_bytes
        self.pixels += epe_N.size
        self.total += float(epe_N.sum(dtype=np.float64))
        self.large += int(np.count_nonzero(epe_N > _LARGE_PX))
        self.greatest = max(self.greatest, float(epe_N.max()))
        bin_N = np.minimum(epe_N * _BINS_PER_PIXEL, len(self.count_E) - 1).astype(np.int64)
        self.count_E += np.bincount(bin_N, minlength=len(self.count_E))

    def row(self) -> EncodingRow:
        reached = np.searchsorted(np.cumsum(self.count_E), _CENTRAL * self.pixels)
        return EncodingRow(
            fields=self.fields,
            bytes_per_field=self.num_bytes / self.fields,
            bits_per_pixel=8 * self.num_bytes / self.pixels,
            epe_mean=self.total / self.pixels,
            epe_p99=float(reached + 1) / _BINS_PER_PIXEL,
            share_above_half_px=self.large / self.pixels,
            greatest_epe=self.greatest,
        )
