"""What every back end of the walk loss is given: the rows of a palindrome whose return is asked for.

A row is a start node with its features and its taps; the middle and end features belong to the sample. Dropping the
nodes that have no label, or asking for every tap by itself, are choices of rows, so no back end knows of either.

Shapes: B batch, I rows of a sample, K middle nodes, J end nodes, R taps, M rows that are kept, D feature width.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from densewalk.ssl.walk.labels import WalkLabels
from densewalk.ssl.walk.pair_features import PairFeatures

__all__ = ["WalkRows", "rows_of_walk"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkRows:
    """Walks that start in I nodes, pass any of K nodes and should end on taps among J nodes."""

    start_BID: Float[Tensor, "b i d"]
    there_BKD: Float[Tensor, "b k d"]
    """Middle nodes as the way there sees them."""
    back_BKD: Float[Tensor, "b k d"]
    """Middle nodes as the way back sees them; another partner, other features."""
    end_BJD: Float[Tensor, "b j d"]
    tap_BIR: Int[Tensor, "b i r"]
    weight_BIR: Float[Tensor, "b i r"]
    there_scale: float
    """Factor of start . there: one over the temperature."""
    back_scale: float
    """Factor of back . end."""

    def kept(self, mask_BI: Bool[Tensor, "b i"]) -> "tuple[Int[Tensor, 'b m'], WalkRows]":
        """Return the indices of the rows of the mask and those rows.

        Samples are filled up to one common number, at least 1, with other rows; no index occurs twice.
        """
        num_rows = max(1, int(mask_BI.sum(1).max()))
        index_BM = mask_BI.int().argsort(dim=1, descending=True, stable=True)[:, :num_rows]
        return index_BM, replace(
            self,
            start_BID=_rows(self.start_BID, index_BM),
            tap_BIR=_rows(self.tap_BIR, index_BM),
            weight_BIR=_rows(self.weight_BIR, index_BM),
        )

    def one_tap_each(self) -> "WalkRows":
        """Return I * R rows that ask for every tap by itself."""
        tap_BI1 = self.tap_BIR.flatten(1)[..., None]
        start_BID = self.start_BID.repeat_interleave(self.tap_BIR.shape[-1], dim=1)
        weight_BI1 = torch.ones_like(tap_BI1, dtype=self.weight_BIR.dtype)
        return replace(self, start_BID=start_BID, tap_BIR=tap_BI1, weight_BIR=weight_BI1)

    def widened(self) -> "WalkRows":
        """Return the same rows in float32 or better with both scales multiplied into the features."""
        dtype = torch.promote_types(self.start_BID.dtype, torch.float32)
        return WalkRows(
            start_BID=self.start_BID.to(dtype) * self.there_scale,
            there_BKD=self.there_BKD.to(dtype),
            back_BKD=self.back_BKD.to(dtype) * self.back_scale,
            end_BJD=self.end_BJD.to(dtype),
            tap_BIR=self.tap_BIR,
            weight_BIR=self.weight_BIR.to(dtype),
            there_scale=1.0,
            back_scale=1.0,
        )


def rows_of_walk(there: PairFeatures, back: PairFeatures, labels: WalkLabels) -> WalkRows:
    """Return a row for every start node."""
    return WalkRows(
        start_BID=there.source_BND,
        there_BKD=there.target_BND,
        back_BKD=back.source_BND,
        end_BJD=back.target_BND,
        tap_BIR=labels.tap_BNR,
        weight_BIR=labels.weight_BNR,
        there_scale=1 / there.temperature,
        back_scale=1 / back.temperature,
    )


def _rows(tensor: Tensor, index_BM: Tensor) -> Tensor:
    return tensor.gather(1, index_BM[..., None].expand(-1, -1, tensor.shape[-1]))
