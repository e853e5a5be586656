"""Tiles change nothing but memory, also where probabilities underflow."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from densewalk.ssl.walk.loss_rows import rows_of_walk
from densewalk.ssl.walk.loss_tiled import smallest_exact, tiled_log_prob


@pytest.mark.parametrize("tile_rows", [1, 3, 7, 20, 64])
@pytest.mark.parametrize("scale", [1.0, 50.0])
def test_the_tile_does_not_matter(make_pair, random_labels, log_space_return, tile_rows: int, scale: float) -> None:
    there, back, labels = make_pair(seed=1, scale=scale), make_pair(seed=2, scale=scale), random_labels()
    leaves = (there.source_BND, there.target_BND, back.source_BND, back.target_BND)
    arriving = torch.randn(2, 20, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    ours = tiled_log_prob(rows_of_walk(there, back, labels), tile_elements=20 * tile_rows)
    theirs = log_space_return(there, back, labels)
    assert torch.allclose(ours, theirs, atol=1e-10, rtol=1e-12)
    gradients = zip(*(torch.autograd.grad(value, leaves, arriving) for value in (ours, theirs)), strict=True)
    for mine, other in gradients:
        assert torch.allclose(mine, other, atol=1e-10, rtol=1e-10)


def test_rows_that_underflow_mix_with_rows_that_do_not(make_pair, random_labels, log_space_return) -> None:
    there, back, labels = make_pair(seed=1, scale=6), make_pair(seed=2, scale=6), random_labels()
    single = [
        replace(pair, source_BND=pair.source_BND.float(), target_BND=pair.target_BND.float()) for pair in (there, back)
    ]
    theirs = log_space_return(there, back, labels)
    tiny = theirs.exp() < smallest_exact(torch.float32, num_terms=20)
    assert tiny.any()
    assert not tiny.all()
    ours = tiled_log_prob(rows_of_walk(*single, labels), tile_elements=140)
    assert torch.allclose(ours.double(), theirs, atol=0, rtol=1e-5)
    leaves = (there.source_BND, there.target_BND, back.source_BND, back.target_BND)
    gradients = zip(*(torch.autograd.grad(value.sum(), leaves) for value in (ours, theirs)), strict=True)
    for mine, other in gradients:
        assert (mine - other).norm() < 1e-4 * other.norm()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_memory_does_not_grow_with_the_square_of_the_nodes() -> None:
    """At 9,216 nodes one transition alone takes 340 MB; a process of its own reports what it ever held."""
    program = """
import re, torch
from pathlib import Path
from densewalk.ssl.walk.labels import identity_labels
from densewalk.ssl.walk.loss import walk_loss
from densewalk.ssl.walk.pair_features import PairFeatures

def peak_after(side):
    feature = torch.randn(1, side * side, 32, requires_grad=True)
    pair = PairFeatures(source_BND=feature, target_BND=feature, grid_hw=(side, side), temperature=6.0)
    walk_loss(pair, pair, identity_labels(1, side * side), backend="tiled").backward()
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text()).group(1)) / 1024

print(-peak_after(32) + peak_after(96))
"""
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert float(answer.stdout) < 100
