"""The minimiser on problems whose minimum is known."""

import pytest
import torch
from torch import Tensor

from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.probe.minimise import minimise_convex


def _quadratic(dim: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    basis = torch.linalg.qr(torch.randn((dim, dim), generator=generator, dtype=torch.float64)).Q
    hessian = basis @ torch.diag(torch.logspace(-3, 2, dim, dtype=torch.float64)) @ basis.T
    return hessian, torch.randn(dim, generator=generator, dtype=torch.float64)


def test_an_ill_conditioned_quadratic_is_solved_and_a_better_metric_gets_there_sooner() -> None:
    hessian, target = _quadratic(12)
    counts = []
    for metric in (lambda x: x, lambda x: torch.linalg.solve(hessian + 0.01 * torch.eye(12), x)):
        calls = 0

        def gradient(x: Tensor) -> Tensor:
            nonlocal calls
            calls += 1
            return hessian @ (x - target)

        start = torch.zeros(12, dtype=torch.float64)
        found = minimise_convex(gradient, start, metric=metric, tolerance=1e-10, iterations=200)
        assert torch.allclose(found, target, atol=1e-4)
        counts.append(calls)
    assert counts[1] < counts[0]


def test_steps_that_are_far_too_short_or_too_long_are_mended() -> None:
    """log cosh is flat far out and steep near its minimum."""
    for scale in (1e-4, 1e4):
        start = torch.full((3,), 30.0, dtype=torch.float64)
        found = minimise_convex(
            lambda x: torch.tanh(x - 2), start, metric=lambda x, s=scale: x * s, tolerance=1e-9, iterations=60
        )
        assert torch.allclose(found, torch.full((3,), 2.0, dtype=torch.float64), atol=1e-6)


def test_a_start_at_the_minimum_stays_and_too_few_iterations_are_an_error() -> None:
    zero = torch.zeros(2, dtype=torch.float64)
    assert torch.equal(minimise_convex(lambda x: x, zero, metric=lambda x: x, tolerance=1e-6, iterations=1), zero)
    hessian, target = _quadratic(12)
    with pytest.raises(BenchmarkError, match=r"after 2 iterations .* raise fit.iterations"):
        minimise_convex(lambda x: hessian @ (x - target), target * 0, metric=lambda x: x, tolerance=1e-9, iterations=2)
