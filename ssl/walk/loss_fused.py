"""The walk loss in Triton kernels: logits live in registers, memory grows with N D.

Forward: the normalisers of both ways, then those of every row's joint logits. Backward: three sweeps, each of which
owns its output and needs no atomic additions; torch adds up what taps contribute at their end nodes. Formulas and
kernels are in `fused_kernels.py`. Needs Triton and a CUDA device; TRITON_INTERPRET=1 runs the kernels on a CPU, slowly.

Shapes: B batch, I rows, K middle nodes, J end nodes, R taps, D feature width.
"""

import os
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from densewalk.datasets.errors import ConfigError
from densewalk.ssl.walk.loss_rows import WalkRows

__all__ = ["fused_fits", "fused_log_prob"]

_TILE_BYTES = 1 << 14
"""Size of a block of features: the operands of a kernel's products must fit into shared memory together."""
_LAUNCH = {"num_warps": 8, "num_stages": 2}
"""With 8 warps the accumulators of the sweeps fit into registers; 2 stages fit into the 99 KiB of consumer GPUs."""


def fused_log_prob(rows: WalkRows) -> Float[Tensor, "b i"]:
    """Return the log-probability, float32, that the walk of each row ends on its taps.

    Raises `ConfigError` when Triton is missing, or for features in float64 or off the GPU.
    """
    if not fused_fits(rows.start_BID):
        _refuse(rows.start_BID)
    features = (rows.start_BID, rows.there_BKD, rows.back_BKD, rows.end_BJD)
    num_taps = rows.tap_BIR.shape[-1]
    spare = (0, _power_of_two(num_taps) - num_taps)
    log_weight_BIR = F.pad(rows.weight_BIR.float(), spare).log()
    return _FusedLogProb.apply(*features, F.pad(rows.tap_BIR, spare), log_weight_BIR, rows.there_scale, rows.back_scale)


def fused_fits(feature: Tensor) -> bool:
    """Return whether the kernels can run on such features here."""
    where = feature.is_cuda or os.environ.get("TRITON_INTERPRET") == "1"
    return where and feature.dtype != torch.float64 and find_spec("triton") is not None


def _refuse(feature: Tensor) -> None:
    found = f"found {feature.dtype} features on {feature.device}"
    if find_spec("triton") is None:
        found = "Triton is not installed (pip install 'densewalk[fused]')"
    raise ConfigError(
        f"the walk loss cannot use its fused back end: {found}; it needs Triton and float32, bfloat16 or float16 "
        "features on a CUDA device; set backend to 'auto' or 'tiled'"
    )


class _FusedLogProb(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        *tensors, there_scale, back_scale = inputs
        ctx.scales = there_scale, back_scale
        walk = _Walk([tensor.contiguous() for tensor in tensors], ctx.scales)
        log_there_BI, log_back_BK, log_joint_BI = walk.solve()
        ctx.save_for_backward(*walk.tensors, log_there_BI, log_back_BK, log_joint_BI)
        return log_joint_BI - log_there_BI

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_BI: Any) -> tuple[Tensor | None, ...]:
        tensors, solved = ctx.saved_tensors[:6], ctx.saved_tensors[6:]
        grads = _Walk(tensors, ctx.scales).gradient(grad_BI, *solved)
        typed = (grad.to(tensor.dtype) for grad, tensor in zip(grads, tensors[:4], strict=True))
        return *typed, None, None, None, None


class _Walk:
    """The contiguous tensors of a batch and how kernels are launched on them."""

    def __init__(self, tensors: Sequence[Tensor], scales: tuple[float, float]) -> None:
        self.tensors, self.scales = tensors, scales
        self.start_BID, self.there_BKD, self.back_BKD, self.end_BJD, self.tap_BIR, _ = tensors
        (_, num_rows, dim), num_taps = self.start_BID.shape, self.tap_BIR.shape[-1]
        self.sizes = num_rows, self.there_BKD.shape[1], self.end_BJD.shape[1], dim
        self.block_d = max(16, _power_of_two(dim))
        self.block = min(64, max(16, _TILE_BYTES // (self.block_d * self.start_BID.element_size())))
        self.block_i = max(16, self.block // num_taps)
        self.blocks = num_taps, self.block_i, self.block, self.block_d

    def solve(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return log-normalisers: of the way there (B I), of the way back (B K), of every row's joint logits (B I)."""
        from densewalk.ssl.walk.fused_kernels import joint_normalisers

        log_there_BI = self._normalisers(self.start_BID, self.there_BKD, self.scales[0])
        log_back_BK = self._normalisers(self.back_BKD, self.end_BJD, self.scales[1])
        log_joint_BI = torch.empty_like(log_there_BI)
        with torch.cuda.device_of(log_joint_BI):
            joint_normalisers[_grid(log_joint_BI, self.block_i)](
                *self.tensors, log_back_BK, log_joint_BI, *self.scales, *self.sizes, *self.blocks, **_LAUNCH
            )
        return log_there_BI, log_back_BK, log_joint_BI

    def gradient(
        self, grad_BI: Tensor, log_there_BI: Tensor, log_back_BK: Tensor, log_joint_BI: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the gradients of start, there, back and end features, float32."""
        from densewalk.ssl.walk.fused_kernels import end_sweep, middle_sweep, start_sweep

        grad_BI, grad_unit = _normalised(grad_BI.contiguous())
        log_joint_BI = log_joint_BI.clamp_min(torch.finfo(torch.float32).min)
        inputs = (*self.tensors, log_there_BI, log_back_BK, log_joint_BI, grad_BI)
        settings = (*self.scales, *self.sizes, *self.blocks)
        features = (self.start_BID, self.there_BKD, self.back_BKD, self.end_BJD)
        d_start, d_there, d_back, d_end = (torch.empty_like(f, dtype=torch.float32) for f in features)
        d_tap = d_start.new_empty(len(d_end), self.tap_BIR[0].numel(), d_end.shape[-1])
        through_BK = torch.empty_like(log_back_BK)
        with torch.cuda.device_of(grad_BI):
            start_sweep[_grid(d_start, self.block_i)](*inputs, d_start, d_tap, *settings, **_LAUNCH)
            middle_sweep[_grid(d_there, self.block)](*inputs, d_there, d_back, through_BK, *settings, **_LAUNCH)
            through_BK, through_unit = _normalised(through_BK)
            end_sweep[_grid(d_end, self.block)](
                self.back_BKD, self.end_BJD, log_back_BK, through_BK, d_end, self.scales[1], *self.sizes[1:],
                self.block, self.block_d, **_LAUNCH,
            )  # fmt: skip
        d_end *= through_unit
        first_B11 = torch.arange(len(d_end), device=d_end.device)[:, None, None] * d_end.shape[1]
        d_end.flatten(0, 1).index_add_(0, (self.tap_BIR + first_B11).flatten(), d_tap.flatten(0, 1))
        return d_start * grad_unit, d_there * grad_unit, d_back * grad_unit, d_end * grad_unit

    def _normalisers(self, query_BID: Tensor, key_BKD: Tensor, scale: float) -> Tensor:
        from densewalk.ssl.walk.fused_kernels import row_normalisers

        (_, num_queries, dim), num_keys = query_BID.shape, key_BKD.shape[1]
        result_BI = query_BID.new_empty(query_BID.shape[:2], dtype=torch.float32)
        with torch.cuda.device_of(result_BI):
            row_normalisers[_grid(result_BI, self.block)](
                query_BID, key_BKD, result_BI, scale, num_queries, num_keys, dim, self.block, self.block_d, **_LAUNCH
            )
        return result_BI


def _grid(result: Tensor, block: int) -> tuple[int, int]:
    """Return a program for every block of rows of every sample."""
    return -(-result.shape[1] // block), result.shape[0]


def _normalised(value: Tensor) -> tuple[Tensor, Tensor]:
    """Return the value over its largest magnitude, and that: half precision products need numbers near 1."""
    unit = value.abs().amax().clamp_min(torch.finfo(value.dtype).tiny)
    return value / unit, unit


def _power_of_two(number: int) -> int:
    """Return the least power of two that is not below `number`."""
    return 1 << (number - 1).bit_length()
