"""Votes and the linear classifier of whole images."""

import pytest
import torch
import torch.nn.functional as F

from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.probe.image_classes import fit_linear_classes, ranked, votes
from densewalk.ssl.probe.neighbours import Neighbours
from densewalk.ssl.probe.optimum import OptimumConfig


def _clouds() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    label = torch.arange(90) % 3
    return torch.randn(3, 5, generator=generator)[label] + torch.randn(90, 5, generator=generator), label


def test_votes_are_those_of_a_loop() -> None:
    feature, label = _clouds()
    unit = F.normalize(feature, dim=1)
    near = Neighbours(unit[:60]).nearest(unit[60:], 20)
    found = votes(near, label[:60], count=7, num_classes=3, temperature=0.07)
    for query in range(30):
        expected = [0.0] * 3
        for index in (unit[60 + query] @ unit[:60].T).topk(7).indices.tolist():
            expected[int(label[index])] += float((unit[60 + query] @ unit[index] / 0.07).exp())
        assert found[query].tolist() == pytest.approx(expected, rel=1e-4)


def test_classes_of_equal_votes_rank_by_number() -> None:
    assert ranked(torch.tensor([[0.0, 2.0, 2.0, 0.0]])).tolist() == [[1, 2, 0, 3]]


def test_the_classifier_is_at_the_optimum_of_its_problem() -> None:
    feature, label = _clouds()
    config = OptimumConfig(weight_decay=0.05, tolerance=1e-9)
    classifier = fit_linear_classes(feature, label, num_classes=3, config=config)
    unit = (feature.double() - feature.double().mean(0)) / feature.double().std(0, correction=0)
    column = torch.cat((unit, torch.ones(90, 1)), dim=1)
    logit = classifier.logits(feature)
    weight = torch.linalg.lstsq(column, logit).solution
    slope = column.T @ (logit.softmax(1) - F.one_hot(label, 3)) / 90 + 0.05 * weight
    assert slope.abs().max() < 1e-8


def test_an_optimum_that_is_not_reached_is_told() -> None:
    feature, label = _clouds()
    with pytest.raises(BenchmarkError, match=r"raise fit\.iterations"):
        fit_linear_classes(feature, label, num_classes=3, config=OptimumConfig(iterations=1))
