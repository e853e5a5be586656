"""The dense product hands rows that underflow to sums of logarithms and keeps all others."""

from dataclasses import replace

import torch

from densewalk.ssl.walk.loss_dense import dense_log_prob
from densewalk.ssl.walk.loss_rows import rows_of_walk
from densewalk.ssl.walk.loss_tiled import smallest_exact


def test_rows_that_underflow_are_exact_and_have_the_exact_gradient(make_pair, random_labels, log_space_return) -> None:
    there, back, labels = make_pair(seed=1, scale=6), make_pair(seed=2, scale=6), random_labels()
    single = [
        replace(pair, source_BND=pair.source_BND.float(), target_BND=pair.target_BND.float()) for pair in (there, back)
    ]
    theirs = log_space_return(there, back, labels)
    num_tiny = (theirs.exp() < smallest_exact(torch.float32, num_terms=20)).sum(1)
    assert num_tiny[0] != num_tiny[1]
    assert (num_tiny < 20).all()
    ours = dense_log_prob(rows_of_walk(*single, labels))
    assert torch.allclose(ours.double(), theirs, atol=0, rtol=1e-5)
    leaves = (there.source_BND, there.target_BND, back.source_BND, back.target_BND)
    gradients = zip(*(torch.autograd.grad(value.sum(), leaves) for value in (ours, theirs)), strict=True)
    for mine, other in gradients:
        assert (mine - other).norm() < 1e-4 * other.norm()
