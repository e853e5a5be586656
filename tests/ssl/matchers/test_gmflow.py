"""The pair network has the published size, is symmetric under exchange, and honours its windows."""

import pytest
import torch

from densewalk.datasets.errors import ConfigError
from densewalk.ssl.matchers.gmflow import GMFlow, GMFlowConfig

SMALL = GMFlowConfig(stem_dim=8, middle_dim=12, dim=16, num_blocks=2)


def _images(size: int = 32, batch: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(batch, 3, size, size, generator=generator), torch.rand(batch, 3, size, size, generator=generator)


def _count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_the_default_has_the_published_number_of_parameters() -> None:
    matcher = GMFlow(GMFlowConfig())
    assert _count(matcher.cnn) == 1_196_576
    assert _count(matcher.blocks) == 3_150_336


def test_exchanging_the_images_exchanges_the_features_exactly() -> None:
    matcher, (first, second) = GMFlow(SMALL), _images()
    there, back = matcher(first, second), matcher(second, first)
    assert torch.equal(there.source_BND, back.target_BND)
    assert torch.equal(there.target_BND, back.source_BND)


def test_features_depend_on_the_partner() -> None:
    matcher, (first, second) = GMFlow(SMALL), _images()
    assert not torch.allclose(matcher(first, second).source_BND, matcher(first, first).source_BND)


def test_a_pair_does_not_depend_on_its_batch() -> None:
    matcher, (first, second) = GMFlow(SMALL).double(), (image.double() for image in _images())
    alone = matcher(first[:1], second[:1]).source_BND
    assert torch.allclose(matcher(first, second).source_BND[:1], alone, atol=1e-10)


def test_the_grid_is_a_quarter_of_the_image() -> None:
    pair = GMFlow(SMALL)(*_images(48))
    assert pair.grid_hw == (12, 12)
    assert pair.source_BND.shape == (2, 144, 16)
    assert pair.temperature == 4.0


def test_every_parameter_receives_a_gradient() -> None:
    matcher = GMFlow(SMALL)
    pair = matcher(*_images())
    (pair.source_BND.square().sum() + (pair.target_BND**3).sum()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in matcher.parameters())


@pytest.mark.parametrize(("field", "value"), [("dim", 18), ("num_splits", 0), ("num_blocks", -1)])
def test_impossible_sizes_are_refused_by_name(field: str, value: int) -> None:
    with pytest.raises(ConfigError, match=f"objective.matcher.{field}={value}"):
        GMFlowConfig(**{field: value})
