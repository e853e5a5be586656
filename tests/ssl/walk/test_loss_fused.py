"""The Triton kernels equal sums of logarithms in float64: on a GPU, or on a CPU in Triton's interpreter.

The interpreter must be chosen before Triton is imported, so one test runs this file again in a process of its own.
"""

import os
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from densewalk.datasets.errors import ConfigError
from densewalk.ssl.walk import loss_fused
from densewalk.ssl.walk.labels import WalkLabels
from densewalk.ssl.walk.loss import return_log_prob, walk_loss
from densewalk.ssl.walk.pair_features import PairFeatures

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
DEVICE = "cpu" if INTERPRETED else "cuda"
HALVES = [torch.float16] if INTERPRETED else [torch.float16, torch.bfloat16]
"""The interpreter cannot multiply bfloat16."""

needs_triton = pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed")
in_kernels = needs_triton if INTERPRETED else pytest.mark.gpu


@pytest.fixture
def walk(make_pair, random_labels):
    if DEVICE == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device is visible to torch")

    def draw(
        grid_hw: tuple[int, int], dim: int, *, dtype: torch.dtype = torch.float32, scale: float = 1.0
    ) -> tuple[PairFeatures, PairFeatures, WalkLabels]:
        pairs = [make_pair(grid_hw=grid_hw, dim=dim, seed=seed, scale=scale) for seed in (1, 2)]
        on_device = (
            replace(
                pair,
                source_BND=pair.source_BND.detach().to(DEVICE, dtype).requires_grad_(),
                target_BND=pair.target_BND.detach().to(DEVICE, dtype).requires_grad_(),
            )
            for pair in pairs
        )
        labels = random_labels(grid_hw=grid_hw)
        tensors = (labels.tap_BNR, labels.weight_BNR, labels.mask_BN)
        tap_BNR, weight_BNR, mask_BN = (tensor.to(DEVICE) for tensor in tensors)
        return *on_device, WalkLabels(tap_BNR=tap_BNR, weight_BNR=weight_BNR, mask_BN=mask_BN)

    return draw


def _agree(there, back, labels, reference, *, exactness: float) -> None:
    """Hold values and gradients, under gradients of both signs that reach every row, against the reference."""
    leaves = (there.source_BND, there.target_BND, back.source_BND, back.target_BND)
    ours, theirs = return_log_prob(there, back, labels, backend="fused"), reference(there, back, labels)
    assert ours.dtype == torch.float32
    assert torch.allclose(ours.double(), theirs, atol=0, rtol=exactness)
    arriving = torch.randn(theirs.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(DEVICE)
    gradients = zip(
        *(torch.autograd.grad(value, leaves, arriving.to(value.dtype)) for value in (ours, theirs)), strict=True
    )
    for mine, other in gradients:
        assert (mine.double() - other.double()).norm() <= 5 * exactness * other.double().norm()


@in_kernels
@pytest.mark.parametrize(("grid_hw", "dim", "num_taps"), [((7, 10), 20, 4), ((4, 5), 6, 1), ((6, 6), 16, 3)])
def test_kernels_equal_sums_of_logarithms(walk, log_space_return, grid_hw, dim: int, num_taps: int) -> None:
    there, back, labels = walk(grid_hw, dim)
    labels = replace(labels, tap_BNR=labels.tap_BNR[..., :num_taps], weight_BNR=labels.weight_BNR[..., :num_taps] + 0.1)
    _agree(there, back, labels, log_space_return, exactness=2e-6)


@in_kernels
@pytest.mark.parametrize("dtype", HALVES)
def test_half_precision_stays_within_the_stated_tolerance(walk, log_space_return, dtype: torch.dtype) -> None:
    _agree(*walk((6, 7), 32, dtype=dtype), log_space_return, exactness=4e-4 if dtype == torch.float16 else 2e-3)


@in_kernels
def test_logits_of_ten_thousand_equal_sums_of_logarithms(walk, log_space_return) -> None:
    _agree(*walk((4, 5), 6, scale=85), log_space_return, exactness=2e-3)


@in_kernels
@pytest.mark.parametrize("target", ["mixture", "soft_cross_entropy"])
def test_the_loss_equals_the_dense_one_and_unlabelled_samples_have_no_gradient(walk, target: str) -> None:
    there, back, labels = walk((4, 5), 6)
    labels.mask_BN[1], labels.weight_BNR[1] = False, 0
    fused, dense = (walk_loss(there, back, labels, backend=backend, target=target) for backend in ("fused", "dense"))
    assert torch.isclose(fused, dense, rtol=2e-6, atol=0)
    leaves = (there.source_BND, there.target_BND, back.source_BND, back.target_BND)
    for mine, other in zip(*(torch.autograd.grad(loss, leaves) for loss in (fused, dense)), strict=True):
        assert torch.allclose(mine, other, rtol=1e-4, atol=1e-7)
        assert torch.equal(mine[1], torch.zeros_like(mine[1]))


@pytest.mark.slow
@pytest.mark.skipif(INTERPRETED, reason="this is the run in the interpreter")
@needs_triton
def test_kernels_are_right_in_the_interpreter() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]
    root = Path(__file__).parents[3]
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    run = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.skipif(INTERPRETED, reason="the interpreter takes features on a CPU")
@needs_triton
def test_features_it_cannot_take_are_refused(make_pair, random_labels) -> None:
    with pytest.raises(ConfigError, match="float64 features on cpu"):
        walk_loss(make_pair(), make_pair(), random_labels(), backend="fused")


def test_a_missing_triton_is_named_with_its_extra(make_pair, random_labels, monkeypatch) -> None:
    monkeypatch.setattr(loss_fused, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="densewalk\\[fused\\]"):
        walk_loss(make_pair(), make_pair(), random_labels(), backend="fused")
