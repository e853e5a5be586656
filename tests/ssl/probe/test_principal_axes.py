"""Axes from sums are those of the whole matrix, whatever the blocks."""

import pytest
import torch

from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.probe.principal_axes import VectorSums


def _vectors() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    mixed = torch.randn(400, 6, generator=generator) @ torch.randn(6, 6, generator=generator)
    return 100 + mixed * torch.tensor([1.0, 10.0, 0.1, 1.0, 1.0, 0.0])  # the last channel is constant


@pytest.mark.parametrize("block", [1, 37, 400])
def test_reduced_vectors_are_the_leading_components_of_standardised_ones(block: int) -> None:
    vector = _vectors()
    sums = VectorSums(axes_vectors=10**6)
    for part in vector.split(block):
        sums.add(part)
    reduced = sums.axes(3).reduce(vector.T[:, :, None])[..., 0].T
    unit = (vector.double() - vector.double().mean(0)) / vector.double().std(0, correction=0).clamp_min(1e-6)
    expected = torch.linalg.svd(unit, full_matrices=False)
    assert torch.allclose(reduced.double().abs(), (expected.U * expected.S)[:, :3].abs(), atol=1e-3)


def test_axes_are_fitted_to_the_first_vectors_and_means_to_all() -> None:
    vector = _vectors()
    few, all_of_them = VectorSums(axes_vectors=100), VectorSums(axes_vectors=400)
    for part in vector.split(30):
        few.add(part)
        all_of_them.add(part)
    fitted = [sums.axes(2).reduce(vector.T[:, :, None])[..., 0] for sums in (few, all_of_them)]
    assert fitted[0].mean(1).abs().max() < 1e-4
    assert not torch.allclose(fitted[0], fitted[1], atol=1e-2)


def test_narrow_features_keep_all_their_axes_and_unsound_ones_are_refused() -> None:
    sums = VectorSums(axes_vectors=100)
    sums.add(torch.randn(50, 2))
    assert sums.axes(50).reduce(torch.randn(2, 3, 4)).shape == (2, 3, 4)
    sums.add(torch.full((1, 2), float("nan")))
    with pytest.raises(BenchmarkError, match="not finite"):
        sums.axes(2)
