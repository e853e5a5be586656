"""Transitions: the probability that a node of one frame goes to each node of another.

A = softmax over target nodes of (source . target) / temperature (CRW, section 3.1). `attend` applies a transition to
values without ever holding it, as attention does; it is how expected positions are read out at O(N D) memory.

Shapes: B batch, N M source and target nodes, D feature width, C value channels.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from densewalk.ssl.walk.pair_features import PairFeatures

__all__ = ["attend", "match_logits", "transition"]


def match_logits(features: PairFeatures) -> Float[Tensor, "b n m"]:
    """Return the logits of every node pair in float32 or better."""
    source, target = (_at_least_float32(f) for f in (features.source_BND, features.target_BND))
    return source @ target.transpose(-1, -2) / features.temperature


def transition(features: PairFeatures) -> Float[Tensor, "b n m"]:
    """Return the row-stochastic matrix of a pair."""
    return match_logits(features).softmax(-1)


def attend(features: PairFeatures, value_BMC: Float[Tensor, "b m c"]) -> Float[Tensor, "b n c"]:
    """Return `transition(features) @ value` without forming the transition."""
    source, target = (_at_least_float32(f) for f in (features.source_BND, features.target_BND))
    return F.scaled_dot_product_attention(source, target, value_BMC.to(source.dtype), scale=1 / features.temperature)


def _at_least_float32(feature: Tensor) -> Tensor:
    return feature.to(torch.promote_types(feature.dtype, torch.float32))
