"""Transitions: the probability that a node of one frame goes to each node of another.

    A = softmax over target nodes of (source . target) / temperature          (CRW, section 3.1)

`attend` applies a transition to values without ever holding it, as attention does: O(N D) memory. Inner products are
always taken in float32 or better, also of half-precision features and under autocast: copies of the features are small
beside what a network keeps, whereas a kernel that answers in bfloat16 cannot say where a walker is to better than 0.06
nodes of a 64 x 64 grid, whatever it is given (float32: 4e-5). Edge dropout (CRW, section 3.3) forbids steps at random
before the softmax, so a walker must find other ways home.

Shapes: B batch, N M source and target nodes, D feature width, C value channels.
"""

from contextlib import AbstractContextManager

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from densewalk.datasets.errors import ConfigError
from densewalk.ssl.walk.pair_features import PairFeatures

__all__ = ["attend", "drop_edges", "full_precision", "logits_between", "match_logits", "transition"]

_ALIGNMENT = 8
"""Widths that attention kernels take are multiples of this."""


def match_logits(features: PairFeatures) -> Float[Tensor, "b n m"]:
    """Return the logits of every node pair in float32 or better."""
    return logits_between(features.source_BND, features.target_BND, temperature=features.temperature)


def logits_between(
    source_BND: Float[Tensor, "b n d"], target_BMD: Float[Tensor, "b m d"], *, temperature: float
) -> Float[Tensor, "b n m"]:
    """Return the logits of some source nodes with some target nodes: a tile of `match_logits`."""
    source, target = _at_least_float32(source_BND), _at_least_float32(target_BMD)
    with full_precision(source.device):
        return source @ target.transpose(-1, -2) / temperature


def transition(
    features: PairFeatures, *, edge_dropout: float = 0.0, generator: torch.Generator | None = None
) -> Float[Tensor, "b n m"]:
    """Return the row-stochastic matrix of a pair, each edge forbidden with probability `edge_dropout`."""
    logit_BNM = match_logits(features)
    if edge_dropout:
        logit_BNM = drop_edges(logit_BNM, edge_dropout, generator=generator)
    return logit_BNM.softmax(-1)


def drop_edges(
    logit_BNM: Float[Tensor, "b n m"], prob: float, *, generator: torch.Generator | None = None
) -> Float[Tensor, "b n m"]:
    """Return logits of which each is minus infinity with probability `prob`, independently.

    A row that would lose all its edges keeps them all, since a walker has to go somewhere. `generator` lives on the
    device of the logits. Raises `ConfigError` when `prob` is not in 0 to 1, 1 excluded.
    """
    if not 0 <= prob < 1:
        raise ConfigError(f"edge dropout is {prob}; it must be at least 0 and below 1")
    dropped_BNM = torch.rand(logit_BNM.shape, generator=generator, device=logit_BNM.device) < prob
    dropped_BNM &= ~dropped_BNM.all(-1, keepdim=True)
    return logit_BNM.masked_fill(dropped_BNM, -torch.inf)


def attend(features: PairFeatures, value_BMC: Float[Tensor, "b m c"]) -> Float[Tensor, "b n c"]:
    """Return `transition(features) @ value` without forming the transition.

    A column of ones rides along and is divided out, so that probabilities which a kernel rounded still sum to 1. Values
    are not centred here, because small probabilities are values too; whoever averages coordinates centres them.
    """
    source, target = (_at_least_float32(f) for f in (features.source_BND, features.target_BND))
    num_values = value_BMC.shape[-1]
    value = F.pad(value_BMC.to(source.dtype), (0, 1), value=1.0)
    width, value_width = (_aligned(t.shape[-1]) for t in (source, value))
    if source.device.type == "cpu":  # its kernel wants one width for all; with two the N x M matrix would be formed
        width = value_width = max(width, value_width)
    with full_precision(source.device):
        found_B1NC = F.scaled_dot_product_attention(
            _widened(source, width),
            _widened(target, width),
            _widened(value, value_width),
            scale=1 / features.temperature,
        )
    return found_B1NC[:, 0, :, :num_values] / found_B1NC[:, 0, :, num_values, None]


def full_precision(device: torch.device) -> AbstractContextManager[None]:
    """Return a context in which products of matrices keep the precision of their factors, whatever autocast says."""
    return torch.autocast(device.type, enabled=False)


def _at_least_float32(feature: Tensor) -> Tensor:
    return feature.to(torch.promote_types(feature.dtype, torch.float32))


def _aligned(width: int) -> int:
    return -(-width // _ALIGNMENT) * _ALIGNMENT


def _widened(tensor_BNC: Tensor, width: int) -> Tensor:
    """Return a tensor with a head axis, as kernels want it, and zeros up to `width`, which change no inner product.

    Its last axis is contiguous, without which the kernel that holds no matrix is not taken.
    """
    return F.pad(tensor_BNC, (0, width - tensor_BNC.shape[-1])).contiguous()[:, None]
