"""The log tells how far from home walkers end."""

import pytest
import torch

from densewalk.datasets.geometry import grid_points, node_from_point
from densewalk.ssl.walk import diagnostics
from densewalk.ssl.walk.diagnostics import chance_accuracy, return_accuracy, return_statistics
from densewalk.ssl.walk.labels import WalkLabels, bilinear_labels, identity_labels
from densewalk.ssl.walk.pair_features import PairFeatures
from densewalk.ssl.walk.transition import transition


def _statistics(shift_px: float) -> dict[str, torch.Tensor]:
    stands_BN2 = grid_points(8, 8, stride=4)[None]
    home = node_from_point(stands_BN2 + torch.tensor([shift_px, 0.0]), stride=4)
    labels = bilinear_labels(home, torch.ones(1, 64, dtype=torch.bool), grid_hw=(8, 8))
    return return_statistics(stands_BN2, labels, grid_hw=(8, 8), stride=4)


def test_standing_still_is_home_when_home_has_not_moved() -> None:
    found = _statistics(0.0)
    assert found["return_error_px"] < 1e-4
    assert found["returned"] == 1
    assert found["labelled"] == 1


def test_standing_still_misses_by_the_shift_of_home() -> None:
    found = _statistics(10.0)
    assert torch.isclose(found["return_error_px"], torch.tensor(10.0), atol=1e-3)
    assert found["returned"] == 0
    assert torch.isclose(found["labelled"], torch.tensor(5 / 8))


def _accuracy_by_hand(there, back, labels: WalkLabels) -> float:
    end = (transition(there) @ transition(back)).argmax(-1)
    home = labels.tap_BNR.gather(-1, labels.weight_BNR.argmax(-1, keepdim=True))[..., 0]
    return (end == home)[labels.mask_BN].float().mean().item()


@pytest.mark.parametrize("tile", [7, 1024])
def test_the_accuracy_is_that_of_the_largest_entries_of_the_product(
    make_pair, monkeypatch: pytest.MonkeyPatch, tile: int
) -> None:
    monkeypatch.setattr(diagnostics, "_TILE", tile)
    there, back = make_pair(seed=1, scale=2), make_pair(seed=1, scale=2).swapped()
    node = node_from_point(grid_points(4, 5)[None], stride=1) + torch.rand(
        1, 20, 2, generator=torch.Generator().manual_seed(0)
    )
    for labels in (identity_labels(2, 20), bilinear_labels(node.repeat(2, 1, 1), _everywhere(2), grid_hw=(4, 5))):
        expected = _accuracy_by_hand(there, back, labels)
        assert 0 < expected < 1
        assert return_accuracy(there, back, labels).item() == pytest.approx(expected)


def test_few_starts_are_spread_over_the_labelled_nodes(make_pair) -> None:
    """Walkers of the upper half come home and those of the lower half do not: any even choice says one half."""
    one_hot = torch.eye(20)[None]
    lower_moved = torch.cat((one_hot[:, :10], one_hot[:, 10:].roll(1, dims=1)), dim=1)
    there = PairFeatures(source_BND=one_hot, target_BND=one_hot, grid_hw=(4, 5), temperature=0.01)
    back = PairFeatures(source_BND=one_hot, target_BND=lower_moved, grid_hw=(4, 5), temperature=0.01)
    for num_starts in (2, 4, 10, 20, 99):
        assert return_accuracy(there, back, identity_labels(1, 20), num_starts=num_starts) == 0.5
    lower = torch.arange(20)[None] >= 10
    only_lower = WalkLabels(tap_BNR=torch.arange(20)[None, :, None], weight_BNR=torch.ones(1, 20, 1), mask_BN=lower)
    for num_starts in (1, 3, 15, 20):
        assert return_accuracy(there, back, only_lower, num_starts=num_starts) == 0


def test_unrelated_frames_send_walkers_home_no_more_often_than_chance(make_pair) -> None:
    pairs = [make_pair(grid_hw=(16, 16), seed=seed, batch=4, scale=2) for seed in (1, 2)]
    labels = identity_labels(4, 256)
    assert chance_accuracy(labels) == 1 / 256
    assert return_accuracy(*pairs, labels) < 0.03


def test_without_any_label_the_accuracy_is_zero(make_pair) -> None:
    labels = bilinear_labels(torch.full((2, 20, 2), 99.0), _everywhere(2), grid_hw=(4, 5))
    assert return_accuracy(make_pair(), make_pair(), labels) == 0


def _everywhere(batch: int) -> torch.Tensor:
    return torch.ones(batch, 20, dtype=torch.bool)
