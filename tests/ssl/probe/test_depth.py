"""Least squares of depth: the exact solution, whatever the portions, and the enlarging of what it predicts."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from densewalk.datasets.errors import BenchmarkError, ConfigError
from densewalk.ssl.probe.depth import LinearDepth, LinearDepthConfig, LinearDepthFit

EVERY_PIXEL = LinearDepthConfig(every_px=1, ridge=0.0)


def random_features(count: int = 3) -> torch.Tensor:
    return torch.randn(count, 5, 6, 8, generator=torch.Generator().manual_seed(0)) * 3 + 1


def fitted(features: torch.Tensor, depths: torch.Tensor, valid: torch.Tensor, config: LinearDepthConfig) -> LinearDepth:
    fit = LinearDepthFit(config)
    for feature, depth, where in zip(features, depths, valid, strict=True):
        fit.add(feature, depth, where)
    return fit.solve()


def test_a_depth_that_is_linear_in_the_features_is_found_exactly() -> None:
    features = random_features()
    true = LinearDepth(weight_D=torch.tensor([1.0, -2, 0.5, 0, 3], dtype=torch.float64), bias=4.0)
    depths = torch.stack([true.predict(feature, (24, 32)) for feature in features])
    found = fitted(features, depths, torch.ones_like(depths, dtype=torch.bool), EVERY_PIXEL)
    assert torch.allclose(found.weight_D, true.weight_D, atol=1e-5)
    assert found.bias == pytest.approx(true.bias, abs=1e-5)


def test_the_solution_is_that_of_least_squares_over_all_valid_pixels() -> None:
    features = random_features()
    depths = torch.rand(3, 12, 16, generator=torch.Generator().manual_seed(1)) * 9
    valid = depths > 2
    found = fitted(features, depths, valid, EVERY_PIXEL)
    enlarged = F.interpolate(features, (12, 16), mode="bilinear", align_corners=False)
    rows = torch.cat((enlarged, torch.ones(3, 1, 12, 16)), dim=1).permute(0, 2, 3, 1)[valid].double().numpy()
    expected = np.linalg.lstsq(rows, depths[valid].double().numpy(), rcond=None)[0]
    assert np.allclose(found.weight_D.numpy(), expected[:-1], atol=1e-6)
    assert found.bias == pytest.approx(expected[-1], abs=1e-6)


def test_a_ridge_weighs_standardised_weights() -> None:
    features = random_features(1)
    depths = torch.rand(1, 6, 8, generator=torch.Generator().manual_seed(1)) * 9
    config = LinearDepthConfig(every_px=1, ridge=0.3)
    valid = torch.ones_like(depths, dtype=torch.bool)
    found = fitted(features, depths, valid, config)
    column_ND = features[0].flatten(1).T.double()
    unit_ND = (column_ND - column_ND.mean(0)) / column_ND.std(0, correction=0)
    target_N = depths.flatten().double() - depths.double().mean()
    scaled = torch.linalg.solve(unit_ND.T @ unit_ND / 48 + 0.3 * torch.eye(5), unit_ND.T @ target_N / 48)
    assert torch.allclose(found.weight_D, scaled / column_ND.std(0, correction=0), atol=1e-9)
    rescaled = fitted(features * 100 + 7, depths, valid, config)
    assert torch.allclose(
        rescaled.predict(features[0] * 100 + 7, (6, 8)), found.predict(features[0], (6, 8)), atol=1e-3
    )


def test_a_channel_that_never_varies_and_one_that_is_another_twice_do_no_harm() -> None:
    features = random_features(1)
    odd = torch.cat((features, torch.full((1, 1, 6, 8), 5.0), features[:, :1]), dim=1)
    depths = torch.rand(1, 6, 8, generator=torch.Generator().manual_seed(1)) * 9
    valid = torch.ones_like(depths, dtype=torch.bool)
    plain, with_odd = fitted(features, depths, valid, EVERY_PIXEL), fitted(odd, depths, valid, EVERY_PIXEL)
    assert torch.allclose(plain.predict(features[0], (6, 8)), with_odd.predict(odd[0], (6, 8)), atol=1e-4)


def test_only_every_nth_pixel_is_read() -> None:
    features, depths = random_features(1), torch.zeros(1, 12, 16)
    depths[0, 2::4, 2::4] = 5.0
    found = fitted(features, depths, torch.ones_like(depths, dtype=torch.bool), LinearDepthConfig(every_px=4))
    assert torch.allclose(found.predict(features[0], (12, 16)), torch.full((12, 16), 5.0), atol=1e-5)


def test_nothing_to_fit_is_refused() -> None:
    for valid in ([], [torch.zeros(12, 16, dtype=torch.bool)]):
        fit = LinearDepthFit(EVERY_PIXEL)
        for where in valid:
            fit.add(random_features(1)[0], torch.ones(12, 16), where)
        with pytest.raises(BenchmarkError, match="no pixel of known depth"):
            fit.solve()
    with pytest.raises(ConfigError, match=r"(?s)every_px=0.*ridge=-1"):
        LinearDepthConfig(every_px=0, ridge=-1.0)
