"""The walk loss in O(N D) memory: tiles of rows, nothing of size N x N kept, every term of the gradient written out.

With A = softmax(start . there) of a tile of rows, E[u, k] = exp(end_u . back_k - lb_k) of the end nodes u that occur
among its taps (neighbours share taps, so there are few), lb the log-normalisers of the way back, and y_i the gradient
that arrives at log P_i:

    c_ik = sum_r w_ir E[t_ir, k]          P_i = sum_k A_ik c_ik
    D_ik = y_i A_ik (c_ik / P_i - 1)      d start_i = sum_k D_ik there_k    d there_k = sum_i D_ik start_i
    S_uk = E_uk sum_(i,r: t_ir = u) y_i w_ir A_ik / P_i
                                          d end_u = sum_k S_uk back_k       d back_k = sum_u S_uk end_u

The normalisers send minus sum_u S_uk into row k of the way back, which is one more tiled softmax. Where P_i is so small
that terms lost to underflow would show in it, the row is done with logarithms over all (tap, middle node) instead.

Shapes: B batch, I rows, T rows of a tile, K middle nodes, J end nodes, U end nodes in use, R taps, H rows done with
logarithms, D feature width.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from densewalk.ssl.walk.loss_rows import WalkRows

__all__ = ["smallest_exact", "tiled_log_prob"]


def tiled_log_prob(rows: WalkRows, *, tile_elements: int = 1 << 21) -> Float[Tensor, "b i"]:
    """Return the log-probability that the walk of each row ends on its taps, in float32 or better.

    A tile holds about `tile_elements` numbers of a transition, 4 times as many on a GPU; the result does not depend on
    it.
    """
    rows = rows.widened()
    tile_elements *= 4 if rows.start_BID.is_cuda else 1
    features = (rows.start_BID, rows.there_BKD, rows.back_BKD, rows.end_BJD)
    return _TiledLogProb.apply(*features, rows.tap_BIR, rows.weight_BIR, tile_elements)


def smallest_exact(dtype: torch.dtype, *, num_terms: int) -> float:
    """Return the least sum of products of probabilities in which terms lost to underflow do not show."""
    limits = torch.finfo(dtype)
    return num_terms * limits.tiny / limits.eps


class _TiledLogProb(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        *tensors, ctx.tile_elements = inputs
        samples = (_Sample(parts, ctx.tile_elements) for parts in zip(*tensors, strict=True))
        solved = [torch.stack(parts) for parts in zip(*(sample.solve() for sample in samples), strict=True)]
        ctx.save_for_backward(*tensors, *solved)
        return solved[0]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_BI: Any) -> tuple[Tensor | None, ...]:
        tensors, solved = ctx.saved_tensors[:6], ctx.saved_tensors[6:]
        grads = [torch.zeros_like(feature) for feature in tensors[:4]]
        for number, grad_I in enumerate(grad_BI):
            sample = _Sample([tensor[number] for tensor in tensors], ctx.tile_elements)
            sample.add_gradient(grad_I, [part[number] for part in solved], [grad[number] for grad in grads])
        return *grads, None, None, None


class _Sample:
    """One sample of a batch, with the buffers its tiles are computed in."""

    def __init__(self, tensors: Sequence[Tensor], tile_elements: int) -> None:
        self.start_ID, self.there_KD, self.back_KD, self.end_JD, self.tap_IR, self.weight_IR = tensors
        num_starts, num_middle, num_ends = len(self.start_ID), len(self.there_KD), len(self.end_JD)
        num_rows = max(1, tile_elements // max(num_middle, num_ends))
        self.tiles, self.back_tiles = _slices(num_starts, num_rows), _slices(num_middle, num_rows)
        self.tile_buffer = self.start_ID.new_empty(num_rows, max(num_middle, num_ends))
        self.home_buffer = self.start_ID.new_empty(min(num_rows * self.tap_IR.shape[1], num_ends), num_middle)
        self.smallest = smallest_exact(self.start_ID.dtype, num_terms=num_middle)

    def solve(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return log P of every row and the log-normalisers of the way there (I) and of the way back (K)."""
        log_prob_I, log_there_I = self.start_ID.new_empty(2, len(self.start_ID))
        log_back_K = self.back_KD.new_empty(len(self.back_KD))
        for tile in self.back_tiles:
            peak_T, total_T = _exponentials_(self._logits(self.back_KD[tile], self.end_JD))
            log_back_K[tile] = peak_T + total_T.log()
        for tile in self.tiles:
            out_TK = self._logits(self.start_ID[tile], self.there_KD)
            peak_T, total_T = _exponentials_(out_TK)
            log_there_I[tile] = peak_T + total_T.log()
            _, tap_TR, home_UK = self._home(tile, log_back_K)
            prob_T = _bags(home_UK, tap_TR, self.weight_IR[tile]).mul_(out_TK).sum(1) / total_T
            log_prob_I[tile] = prob_T.log()
            if len(tiny_H := (prob_T < self.smallest).nonzero()[:, 0]):
                row_H = tiny_H + tile.start
                log_prob_I[row_H] = self._joint_logits(row_H, log_there_I, log_back_K).flatten(1).logsumexp(1)
        return log_prob_I, log_there_I, log_back_K

    def add_gradient(self, grad_I: Tensor, solved: Sequence[Tensor], grads: Sequence[Tensor]) -> None:
        """Add the gradients of the start, there, back and end features to `grads`."""
        log_prob_I, log_there_I, log_back_K = solved
        d_start_ID, d_there_KD, d_back_KD, d_end_JD = grads
        through_K = torch.zeros_like(log_back_K)
        for tile in self.tiles:
            grad_T, prob_T = grad_I[tile], log_prob_I[tile].exp()
            share_TR = self.weight_IR[tile] * torch.where(prob_T < self.smallest, 0, grad_T / prob_T)[:, None]
            out_TK = self._logits(self.start_ID[tile], self.there_KD).sub_(log_there_I[tile, None]).exp_()
            used_U, tap_TR, home_UK = self._home(tile, log_back_K)
            gain_TK = _bags(home_UK, tap_TR, share_TR).sub_(grad_T[:, None])
            home_UK.mul_(_transposed_bags(out_TK, tap_TR, share_TR, num_bags=len(used_U)))
            out_TK.mul_(gain_TK)
            if len(tiny_H := (prob_T < self.smallest).nonzero()[:, 0]):
                row_H = tiny_H + tile.start
                joint_HRK = self._joint_logits(row_H, log_there_I, log_back_K)
                # A row without any weight has log P = -inf; the clamp makes its posterior zero and not nan.
                log_prob_H = log_prob_I[row_H].clamp_min(torch.finfo(log_prob_I.dtype).min)
                joint_HRK.sub_(log_prob_H[:, None, None]).exp_().mul_(grad_I[row_H, None, None])
                out_TK.index_add_(0, tiny_H, joint_HRK.sum(1))
                home_UK.index_add_(0, tap_TR[tiny_H].flatten(), joint_HRK.flatten(0, 1))
            torch.mm(out_TK, self.there_KD, out=d_start_ID[tile])
            d_there_KD.addmm_(out_TK.T, self.start_ID[tile])
            d_end_JD.index_add_(0, used_U, home_UK @ self.back_KD)
            d_back_KD.addmm_(home_UK.T, self.end_JD[used_U])
            through_K += home_UK.sum(0)
        for tile in self.back_tiles:
            back_TJ = self._logits(self.back_KD[tile], self.end_JD).sub_(log_back_K[tile, None]).exp_()
            back_TJ.mul_(-through_K[tile, None])
            d_back_KD[tile].addmm_(back_TJ, self.end_JD)
            d_end_JD.addmm_(back_TJ.T, self.back_KD[tile])

    def _logits(self, source_TD: Tensor, target_KD: Tensor) -> Tensor:
        """Return all inner products in the one buffer of tiles: freshly allocated ones fragment the heap to N^2."""
        logits_TK = self.tile_buffer.view(-1)[: len(source_TD) * len(target_KD)].view(len(source_TD), -1)
        return torch.mm(source_TD, target_KD.T, out=logits_TK)

    def _home(self, tile: slice, log_back_K: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the end nodes in use, the taps as indices of them, and the way back to them from every middle node."""
        used_U, tap_TR = self.tap_IR[tile].unique(return_inverse=True)
        home_UK = torch.mm(self.end_JD[used_U], self.back_KD.T, out=self.home_buffer[: len(used_U)])
        return used_U, tap_TR, home_UK.sub_(log_back_K).exp_()

    def _joint_logits(self, row_H: Tensor, log_there_I: Tensor, log_back_K: Tensor) -> Tensor:
        """Return log(w A_ik E[t_ir, k]) over taps and middle nodes."""
        out_HK = self.start_ID[row_H] @ self.there_KD.T - log_there_I[row_H, None]
        home_HRK = self.end_JD[self.tap_IR[row_H]] @ self.back_KD.T - log_back_K
        return home_HRK.add_(out_HK[:, None]).add_(self.weight_IR[row_H, :, None].log())


def _slices(length: int, step: int) -> list[slice]:
    return [slice(first, first + step) for first in range(0, length, step)]


def _exponentials_(logits_TK: Tensor) -> tuple[Tensor, Tensor]:
    """Replace logits by exp(logits - peak of the row); return the peaks and the sums."""
    peak_T = logits_TK.amax(1)
    return peak_T, logits_TK.sub_(peak_T[:, None]).exp_().sum(1)


def _bags(value_UK: Tensor, index_TR: Tensor, weight_TR: Tensor) -> Tensor:
    """Return sum_r weight[t, r] value[index[t, r]]."""
    return F.embedding_bag(index_TR, value_UK, per_sample_weights=weight_TR, mode="sum")


def _transposed_bags(value_TK: Tensor, index_TR: Tensor, weight_TR: Tensor, *, num_bags: int) -> Tensor:
    """Return the sum of weight[t, r] value[t] over all (t, r) whose index is u, for every u below `num_bags`."""
    index = index_TR.flatten()
    order = index.argsort()
    offset = F.pad(torch.bincount(index, minlength=num_bags).cumsum(0), (1, 0))
    return F.embedding_bag(
        order // index_TR.shape[1],
        value_TK,
        offset,
        per_sample_weights=weight_TR.flatten()[order],
        mode="sum",
        include_last_offset=True,
    )
