"""The coarse-to-fine matcher: its grids, its windows, its symmetry, and that it finds a shift."""

from dataclasses import replace

import pytest
import torch

from densewalk.datasets.errors import ConfigError
from densewalk.ssl.matchers.pyramid import PyramidConfig, PyramidMatcher
from densewalk.ssl.walk.coordinates import expected_flow

SMALL = PyramidConfig(stem_dim=8, middle_dim=12, dim=16, num_levels=3, radius=1)


def _maps(height: int = 8, width: int = 12, batch: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    shape = (batch, 16, height, width)
    return torch.randn(shape, generator=generator), torch.randn(shape, generator=generator)


def test_levels_halve_the_grid_and_end_with_the_encoders_map() -> None:
    matcher = PyramidMatcher(SMALL)
    found = matcher.encode(torch.rand(2, 3, 32, 48))
    levels = matcher.levels(found)
    assert [tuple(level.shape) for level in levels] == [(2, 16, 2, 3), (2, 16, 4, 6), (2, 16, 8, 12)]
    assert levels[-1] is found
    assert matcher.strides == (16, 8, 4)
    assert (matcher.stride, matcher.multiple) == (4, 16)


def test_displacement_of_both_directions_is_that_of_each_alone() -> None:
    matcher, (source, target) = PyramidMatcher(SMALL), _maps()
    with torch.no_grad():
        forth, back = matcher.displacement(source, target)
        assert torch.allclose(forth, matcher.match(source, target).flows[-1], atol=1e-5)
        assert torch.allclose(back, matcher.match(target, source).flows[-1], atol=1e-5)
    assert forth.shape == (2, 2, 8, 12)
    assert not torch.allclose(forth, back)


def test_windows_over_the_whole_grid_give_the_global_match_of_the_finest_level() -> None:
    matcher, (source, target) = PyramidMatcher(replace(SMALL, radius=12)), _maps()
    with torch.no_grad():
        forth, _ = matcher.displacement(source, target)
        assert torch.allclose(forth, expected_flow(matcher.relate(source, target), stride=4), atol=1e-3)


def test_a_shift_by_whole_nodes_of_every_level_is_found() -> None:
    matcher = PyramidMatcher(replace(SMALL, num_levels=2, temperature=0.01))
    canvas = torch.randn(1, 16, 16, 22, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        inner = matcher.match(canvas[..., 4:20], canvas[..., :16]).flows[-1][0, :, 2:-2, 2:-6]
    assert torch.allclose(inner[0], torch.tensor(16.0), atol=0.5)
    assert torch.allclose(inner[1], torch.tensor(0.0), atol=0.5)


def test_a_pair_does_not_depend_on_its_batch() -> None:
    matcher, (source, target) = PyramidMatcher(SMALL), _maps()
    with torch.no_grad():
        whole = matcher.match(source, target).split(1)
        alone = matcher.match(source[1:], target[1:])
    assert torch.allclose(whole[1].flows[-1], alone.flows[-1], atol=1e-5)
    assert torch.equal(whole[1].fine[0].first_BN, alone.fine[0].first_BN)


def test_every_parameter_receives_a_gradient() -> None:
    torch.manual_seed(0)
    matcher = PyramidMatcher(SMALL)
    first, second = matcher.encode(torch.rand(2, 3, 64, 64)).chunk(2)
    sum(flow.square().sum() for flow in matcher.match(first, second).flows).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in matcher.parameters())


def test_an_image_of_one_coarse_node_is_matched() -> None:
    matcher = PyramidMatcher(SMALL)
    with torch.no_grad():
        flow, _ = matcher.displacement(*(matcher.encode(torch.rand(1, 3, 16, 16)) for _ in range(2)))
    assert flow.isfinite().all()


@pytest.mark.parametrize(("field", "value"), [("num_levels", 0), ("radius", 0), ("temperature", 0.0)])
def test_impossible_settings_are_refused_by_name(field: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"objective.matcher.{field}={value}"):
        PyramidConfig(**{field: value})
