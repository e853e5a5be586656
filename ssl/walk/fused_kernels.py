"""Triton kernels of the fused walk loss: each program owns a block of one output and streams over the rest.

The joint logits of row i, tap r and middle node k, in logarithms throughout, are

    x_irk = start_i . there_k + end_(t_ir) . back_k - lb_k + log w_ir,      lx_i = LSE_(r,k) x_irk = log P_i + lf_i,

and q_irk = exp(x_irk - lx_i) is the posterior of (tap, middle node) of a walker that came home. With y_i the gradient
of log P_i, A and B the transitions there and back, and C_k = sum_ir y_i q_irk (method of flash attention):

    start_sweep    d start_i = y_i sum_k (sum_r q_irk - A_ik) there_k       d tap_ir = y_i sum_k q_irk back_k
    middle_sweep   d there_k = sum_i y_i (sum_r q_irk - A_ik) start_i       C_k
                   d back_k = sum_ir y_i q_irk end_(t_ir) - C_k sum_j B_kj end_j
    end_sweep      d end_j = -sum_k C_k B_kj back_k, to which the caller adds every d tap_ir at j = t_ir

Logits, sums and accumulators are float32; inner products of half precision features run on tensor cores. Names in
lower case without a suffix are pointers to contiguous tensors and sizes. Without `no_type_check` the annotation checker
of the tests would wrap what Triton must read.

Shapes: I rows of a block, Q = I * R taps, K middle nodes, J end nodes, D feature width; the second grid axis is the
sample.
"""
# ruff: noqa: PLR0917  (kernels take pointers and sizes by position)

from typing import no_type_check

import triton
import triton.language as tl

__all__ = ["end_sweep", "joint_normalisers", "middle_sweep", "row_normalisers", "start_sweep"]


@triton.jit
@no_type_check
def _load_rows(base, sample, row, num_rows, dim, BLOCK_D: tl.constexpr):
    """Return rows of a sample's matrix, zero beyond its borders."""
    column = tl.arange(0, BLOCK_D)
    inside = (row < num_rows)[:, None] & (column < dim)[None, :]
    return tl.load(base + (sample * num_rows + row)[:, None] * dim + column[None, :], mask=inside, other=0.0)


@triton.jit
@no_type_check
def _store_rows(base, sample, row, num_rows, dim, value, BLOCK_D: tl.constexpr):
    column = tl.arange(0, BLOCK_D)
    inside = (row < num_rows)[:, None] & (column < dim)[None, :]
    tl.store(base + (sample * num_rows + row)[:, None] * dim + column[None, :], value, mask=inside)


@triton.jit
@no_type_check
def _load(base, sample, row, num_rows, other):
    """Return entries of a sample's vector, `other` beyond its end."""
    return tl.load(base + sample * num_rows + row, mask=row < num_rows, other=other)


@triton.jit
@no_type_check
def _store(base, sample, row, num_rows, value):
    tl.store(base + sample * num_rows + row, value, mask=row < num_rows)


@triton.jit
@no_type_check
def _inner(left, right, scale):
    """Return the scaled inner products of all pairs of rows."""
    return tl.dot(left, tl.trans(right), input_precision="ieee") * scale


@triton.jit
@no_type_check
def _mix(weight, value, total):
    """Return `total` plus `weight` @ `value`, the weight rounded to the precision of the value."""
    return tl.dot(weight.to(value.dtype), value, total, input_precision="ieee")


@triton.jit
@no_type_check
def _joint_logits(
    out_IK, end_QD, back_KD, log_weight_Q, log_back_K, scale,
    BLOCK_I: tl.constexpr, TAPS: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """Return x_irk before the normaliser of the way there, [i, r, k]; -inf where a weight is zero or k is no node."""
    home_QK = _inner(end_QD, back_KD, scale) + (log_weight_Q[:, None] - log_back_K[None, :])
    return tl.reshape(home_QK, (BLOCK_I, TAPS, BLOCK_K)) + out_IK[:, None, :]


@triton.jit
@no_type_check
def row_normalisers(query, key, result, scale, num_queries, num_keys, dim, BLOCK: tl.constexpr, BLOCK_D: tl.constexpr):
    """Write LSE_k(scale * query . key_k) of every query."""
    sample = tl.program_id(1).to(tl.int64)
    row = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    query_ID = _load_rows(query, sample, row, num_queries, dim, BLOCK_D)
    peak_I = tl.full((BLOCK,), float("-inf"), tl.float32)
    total_I = tl.zeros((BLOCK,), tl.float32)
    for first in range(0, num_keys, BLOCK):
        column = first + tl.arange(0, BLOCK)
        logit_IK = _inner(query_ID, _load_rows(key, sample, column, num_keys, dim, BLOCK_D), scale)
        logit_IK = tl.where((column < num_keys)[None, :], logit_IK, float("-inf"))
        higher_I = tl.maximum(peak_I, tl.max(logit_IK, 1))
        total_I = total_I * tl.exp(peak_I - higher_I) + tl.sum(tl.exp(logit_IK - higher_I[:, None]), 1)
        peak_I = higher_I
    _store(result, sample, row, num_queries, peak_I + tl.log(total_I))


@triton.jit
@no_type_check
def joint_normalisers(
    start, there, back, end, tap, log_weight, log_back, result,
    there_scale, back_scale, num_rows, num_middle, num_ends, dim,
    TAPS: tl.constexpr, BLOCK_I: tl.constexpr, BLOCK_K: tl.constexpr, BLOCK_D: tl.constexpr,
):  # fmt: skip
    """Write lx, the log-sum-exp over taps and middle nodes, of every row."""
    sample = tl.program_id(1).to(tl.int64)
    row = tl.program_id(0) * BLOCK_I + tl.arange(0, BLOCK_I)
    slot = tl.program_id(0) * BLOCK_I * TAPS + tl.arange(0, BLOCK_I * TAPS)
    start_ID = _load_rows(start, sample, row, num_rows, dim, BLOCK_D)
    end_QD = _load_rows(end, sample, _load(tap, sample, slot, num_rows * TAPS, 0), num_ends, dim, BLOCK_D)
    log_weight_Q = _load(log_weight, sample, slot, num_rows * TAPS, float("-inf"))
    peak_I = tl.full((BLOCK_I,), float("-inf"), tl.float32)
    total_I = tl.zeros((BLOCK_I,), tl.float32)
    for first in range(0, num_middle, BLOCK_K):
        middle = first + tl.arange(0, BLOCK_K)
        out_IK = _inner(start_ID, _load_rows(there, sample, middle, num_middle, dim, BLOCK_D), there_scale)
        back_KD = _load_rows(back, sample, middle, num_middle, dim, BLOCK_D)
        log_back_K = _load(log_back, sample, middle, num_middle, float("inf"))
        joint_IRK = _joint_logits(out_IK, end_QD, back_KD, log_weight_Q, log_back_K, back_scale, BLOCK_I, TAPS, BLOCK_K)
        higher_I = tl.maximum(peak_I, tl.max(tl.max(joint_IRK, 2), 1))
        level_I = tl.where(higher_I == float("-inf"), 0.0, higher_I)
        arrived_I = tl.sum(tl.sum(tl.exp(joint_IRK - level_I[:, None, None]), 2), 1)
        total_I = total_I * tl.exp(peak_I - level_I) + arrived_I
        peak_I = higher_I
    _store(result, sample, row, num_rows, peak_I + tl.log(total_I))


@triton.jit
@no_type_check
def start_sweep(
    start, there, back, end, tap, log_weight, log_there, log_back, log_joint, grad, d_start, d_tap,
    there_scale, back_scale, num_rows, num_middle, num_ends, dim,
    TAPS: tl.constexpr, BLOCK_I: tl.constexpr, BLOCK_K: tl.constexpr, BLOCK_D: tl.constexpr,
):  # fmt: skip
    """Write the gradient of start features and what every tap adds to the gradient of its end node."""
    sample = tl.program_id(1).to(tl.int64)
    row = tl.program_id(0) * BLOCK_I + tl.arange(0, BLOCK_I)
    slot = tl.program_id(0) * BLOCK_I * TAPS + tl.arange(0, BLOCK_I * TAPS)
    start_ID = _load_rows(start, sample, row, num_rows, dim, BLOCK_D)
    end_QD = _load_rows(end, sample, _load(tap, sample, slot, num_rows * TAPS, 0), num_ends, dim, BLOCK_D)
    log_weight_Q = _load(log_weight, sample, slot, num_rows * TAPS, float("-inf"))
    log_there_I = _load(log_there, sample, row, num_rows, 0.0)
    log_joint_I = _load(log_joint, sample, row, num_rows, 0.0)
    d_start_ID = tl.zeros((BLOCK_I, BLOCK_D), tl.float32)
    d_tap_QD = tl.zeros((BLOCK_I * TAPS, BLOCK_D), tl.float32)
    for first in range(0, num_middle, BLOCK_K):
        middle = first + tl.arange(0, BLOCK_K)
        there_KD = _load_rows(there, sample, middle, num_middle, dim, BLOCK_D)
        back_KD = _load_rows(back, sample, middle, num_middle, dim, BLOCK_D)
        log_back_K = _load(log_back, sample, middle, num_middle, float("inf"))
        out_IK = _inner(start_ID, there_KD, there_scale)
        joint_IRK = _joint_logits(out_IK, end_QD, back_KD, log_weight_Q, log_back_K, back_scale, BLOCK_I, TAPS, BLOCK_K)
        posterior_IRK = tl.exp(joint_IRK - log_joint_I[:, None, None])
        surplus_IK = tl.sum(posterior_IRK, 1) - tl.exp(out_IK - log_there_I[:, None])
        d_start_ID = _mix(surplus_IK, there_KD, d_start_ID)
        d_tap_QD = _mix(tl.reshape(posterior_IRK, (BLOCK_I * TAPS, BLOCK_K)), back_KD, d_tap_QD)
    grad_I = _load(grad, sample, row, num_rows, 0.0)
    grad_Q = _load(grad, sample, slot // TAPS, num_rows, 0.0)
    _store_rows(d_start, sample, row, num_rows, dim, d_start_ID * (grad_I * there_scale)[:, None], BLOCK_D)
    _store_rows(d_tap, sample, slot, num_rows * TAPS, dim, d_tap_QD * (grad_Q * back_scale)[:, None], BLOCK_D)


@triton.jit
@no_type_check
def middle_sweep(
    start, there, back, end, tap, log_weight, log_there, log_back, log_joint, grad, d_there, d_back, through,
    there_scale, back_scale, num_rows, num_middle, num_ends, dim,
    TAPS: tl.constexpr, BLOCK_I: tl.constexpr, BLOCK_K: tl.constexpr, BLOCK_D: tl.constexpr,
):  # fmt: skip
    """Write the gradients of both features of the middle nodes and C, the weight of the walks through each."""
    sample = tl.program_id(1).to(tl.int64)
    middle = tl.program_id(0) * BLOCK_K + tl.arange(0, BLOCK_K)
    there_KD = _load_rows(there, sample, middle, num_middle, dim, BLOCK_D)
    back_KD = _load_rows(back, sample, middle, num_middle, dim, BLOCK_D)
    log_back_K = _load(log_back, sample, middle, num_middle, float("inf"))
    d_there_KD = tl.zeros((BLOCK_K, BLOCK_D), tl.float32)
    d_back_KD = tl.zeros((BLOCK_K, BLOCK_D), tl.float32)
    through_K = tl.zeros((BLOCK_K,), tl.float32)
    for first in range(0, num_rows, BLOCK_I):
        row = first + tl.arange(0, BLOCK_I)
        slot = first * TAPS + tl.arange(0, BLOCK_I * TAPS)
        start_ID = _load_rows(start, sample, row, num_rows, dim, BLOCK_D)
        end_QD = _load_rows(end, sample, _load(tap, sample, slot, num_rows * TAPS, 0), num_ends, dim, BLOCK_D)
        log_weight_Q = _load(log_weight, sample, slot, num_rows * TAPS, float("-inf"))
        log_there_I = _load(log_there, sample, row, num_rows, 0.0)
        log_joint_I = _load(log_joint, sample, row, num_rows, 0.0)
        grad_I = _load(grad, sample, row, num_rows, 0.0)
        out_KI = _inner(there_KD, start_ID, there_scale)
        home_KQ = _inner(back_KD, end_QD, back_scale) + (log_weight_Q[None, :] - log_back_K[:, None])
        joint_KIR = tl.reshape(home_KQ, (BLOCK_K, BLOCK_I, TAPS)) + out_KI[:, :, None]
        posterior_KIR = tl.exp(joint_KIR - log_joint_I[None, :, None]) * grad_I[None, :, None]
        home_KI = tl.sum(posterior_KIR, 2)
        surplus_KI = home_KI - tl.exp(out_KI - log_there_I[None, :]) * grad_I[None, :]
        d_there_KD = _mix(surplus_KI, start_ID, d_there_KD)
        d_back_KD = _mix(tl.reshape(posterior_KIR, (BLOCK_K, BLOCK_I * TAPS)), end_QD, d_back_KD)
        through_K += tl.sum(home_KI, 1)
    _store_rows(d_there, sample, middle, num_middle, dim, d_there_KD * there_scale, BLOCK_D)
    _store(through, sample, middle, num_middle, through_K)
    expected_KD = tl.zeros((BLOCK_K, BLOCK_D), tl.float32)
    for first in range(0, num_ends, BLOCK_K):
        end_JD = _load_rows(end, sample, first + tl.arange(0, BLOCK_K), num_ends, dim, BLOCK_D)
        way_back_KJ = tl.exp(_inner(back_KD, end_JD, back_scale) - log_back_K[:, None])
        expected_KD = _mix(way_back_KJ, end_JD, expected_KD)
    d_back_KD = (d_back_KD - through_K[:, None] * expected_KD) * back_scale
    _store_rows(d_back, sample, middle, num_middle, dim, d_back_KD, BLOCK_D)


@triton.jit
@no_type_check
def end_sweep(
    back, end, log_back, through, d_end, back_scale, num_middle, num_ends, dim,
    BLOCK: tl.constexpr, BLOCK_D: tl.constexpr,
):  # fmt: skip
    """Write what the normalisers of the way back add to the gradient of end features."""
    sample = tl.program_id(1).to(tl.int64)
    node = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    end_JD = _load_rows(end, sample, node, num_ends, dim, BLOCK_D)
    d_end_JD = tl.zeros((BLOCK, BLOCK_D), tl.float32)
    for first in range(0, num_middle, BLOCK):
        middle = first + tl.arange(0, BLOCK)
        back_KD = _load_rows(back, sample, middle, num_middle, dim, BLOCK_D)
        log_back_K = _load(log_back, sample, middle, num_middle, float("inf"))
        through_K = _load(through, sample, middle, num_middle, 0.0)
        way_back_JK = tl.exp(_inner(end_JD, back_KD, back_scale) - log_back_K[None, :]) * through_K[None, :]
        d_end_JD = _mix(way_back_JK, back_KD, d_end_JD)
    _store_rows(d_end, sample, node, num_ends, dim, d_end_JD * -back_scale, BLOCK_D)
