"""Palindromes of any length: chains of transitions there and back, and the loss of every sub-palindrome (CRW).

A clip of T frames has transitions A_0 .. A_{T-2} from each frame to the next and B_0 .. B_{T-2} from the next back, so

    P = A_0 A_1 .. A_{T-2} B_{T-2} .. B_1 B_0,        loss = mean over labelled start nodes of -log P[i, home(i)].

Only the entries at home are needed. Rows from the start, A_0 .. A_s, and columns into home, B_s .. B_0 home, both grow
by one factor a frame and meet in the middle as the inner product of a row and a column: 2 (T - 2) products of matrices
instead of 2 T - 3, which is none for two frames and two for three, and with them come all shorter palindromes.

-log is exact down to the smallest normal float32 number, 87.3; beyond it is cut there and has no gradient (CRW adds
1e-20 to the probability instead). Transitions are held, so this is for small grids; `walk.loss` and `walk.thin` are for
large ones.

Shapes: B batch, C palindromes of a clip, N start nodes, K nodes of the frame where both meet.
"""

from collections.abc import Sequence
from functools import reduce

import torch
from jaxtyping import Float
from torch import Tensor

from densewalk.datasets.errors import ConfigError
from densewalk.ssl.walk.labels import WalkLabels, label_columns
from densewalk.ssl.walk.transition import full_precision

__all__ = [
    "chain_transitions",
    "check_palindrome",
    "negative_log",
    "palindrome_loss",
    "return_probs",
    "sub_cycle_losses",
]

_SMALLEST = torch.finfo(torch.float32).tiny


def palindrome_loss(
    there: Sequence[Float[Tensor, "b n n"]], back: Sequence[Float[Tensor, "b n n"]], labels: WalkLabels
) -> Float[Tensor, ""]:
    """Return the loss of the whole palindrome; 0 when no start node has a label.

    `there[s]` goes from frame s to frame s + 1 and `back[s]` from s + 1 to s. Raises `ConfigError` when their numbers
    differ or are zero.
    """
    return _mean_cost(return_probs(there, back, labels)[-1], labels)


def sub_cycle_losses(
    there: Sequence[Float[Tensor, "b n n"]],
    back: Sequence[Float[Tensor, "b n n"]],
    labels: WalkLabels,
    *,
    shortest: int = 3,
) -> Float[Tensor, "c"]:
    """Return the losses of the palindromes over the first `shortest`, `shortest` + 1 .. T frames of a clip.

    CRW's loss is their mean. The released one begins with three frames; `shortest=2` also asks the walk to the next
    frame and back to come home. Raises `ConfigError` when the clip is shorter than that.
    """
    if not 2 <= shortest <= len(there) + 1:
        raise ConfigError(
            f"the shortest palindrome is over {shortest} frames and the clip has {len(there) + 1}; it must be at least "
            "2 and at most the length of the clip (plan.num_frames)"
        )
    cycles = return_probs(there, back, labels)[shortest - 2 :]
    return torch.stack([_mean_cost(home_BN, labels) for home_BN in cycles])


def return_probs(
    there: Sequence[Float[Tensor, "b n n"]], back: Sequence[Float[Tensor, "b n n"]], labels: WalkLabels
) -> list[Float[Tensor, "b n"]]:
    """Return the probability of coming home from every start node, for the palindromes over 2, 3 .. T frames.

    Raises `ConfigError` when there are not as many steps back as there, or none.
    """
    check_palindrome(there, back)
    row_BNK, column_BKN = there[0], label_columns(back[0], labels)
    probs = [_meet(row_BNK, column_BKN)]
    with full_precision(row_BNK.device):
        for step_there, step_back in zip(there[1:], back[1:], strict=True):
            row_BNK, column_BKN = row_BNK @ step_there, step_back @ column_BKN
            probs.append(_meet(row_BNK, column_BKN))
    return probs


def chain_transitions(transitions: Sequence[Float[Tensor, "b n n"]]) -> Float[Tensor, "b n n"]:
    """Return the transition of a walk that takes all steps in order: their product."""
    with full_precision(transitions[0].device):
        return reduce(torch.matmul, transitions)


def check_palindrome(there: Sequence[object], back: Sequence[object]) -> None:
    """Raise `ConfigError` when there are not as many steps back as there, or none."""
    if len(there) != len(back) or not there:
        raise ConfigError(
            f"a palindrome has {len(there)} steps there and {len(back)} back; it needs as many, at least 1"
        )


def negative_log(prob_BN: Float[Tensor, "b n"]) -> Float[Tensor, "b n"]:
    """Return -log of probabilities, cut at 87.3 (see the top of this file)."""
    return -prob_BN.clamp_min(_SMALLEST).log()


def _mean_cost(prob_BN: Tensor, labels: WalkLabels) -> Tensor:
    cost_BN = torch.where(labels.mask_BN, negative_log(prob_BN), torch.zeros_like(prob_BN))
    return cost_BN.sum() / labels.mask_BN.sum().clamp_min(1)


def _meet(row_BNK: Tensor, column_BKN: Tensor) -> Tensor:
    return (row_BNK * column_BKN.transpose(-1, -2)).sum(-1)
