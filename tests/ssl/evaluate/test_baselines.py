"""Baselines are made like what they stand beside, and the same every time."""

import pytest
import torch

from densewalk.datasets.errors import BenchmarkError, ConfigError
from densewalk.ssl.encoders.named import ARCHITECTURES, build_encoder
from densewalk.ssl.evaluate.baselines import BASELINES, baseline
from densewalk.ssl.matchers.cosine import CosineMatcher
from densewalk.ssl.matchers.gmflow import GMFlow, GMFlowConfig

TINY = GMFlowConfig(stem_dim=8, middle_dim=8, dim=8, num_blocks=1, num_splits=1)


def test_the_untrained_baseline_is_the_same_architecture_with_other_weights_every_time_the_same() -> None:
    trained = GMFlow(TINY)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    once, again = baseline("untrained", trained), baseline("untrained", trained)
    assert torch.equal(torch.get_rng_state(), before)
    shapes = {name: tensor.shape for name, tensor in trained.state_dict().items()}
    assert {name: tensor.shape for name, tensor in once.state_dict().items()} == shapes
    assert all(torch.equal(tensor, again.state_dict()[name]) for name, tensor in once.state_dict().items())
    assert any(not torch.equal(tensor, trained.state_dict()[name]) for name, tensor in once.state_dict().items())


def test_every_baseline_has_the_stride_of_its_model_and_is_ready_to_measure() -> None:
    trained = GMFlow(TINY)
    for name in BASELINES:
        matcher = baseline(name, trained)
        assert matcher.stride == (1 if name == "dis-flow" else trained.stride)
        assert not matcher.training
    assert baseline("rgb").stride == 4


def test_baselines_that_cannot_be_made_say_why() -> None:
    with pytest.raises(BenchmarkError, match="no network was given"):
        baseline("untrained")
    with pytest.raises(BenchmarkError, match="PositionMatcher has no configuration"):
        baseline("untrained", baseline("zero-motion"))
    with pytest.raises(ConfigError, match="did you mean 'untrained'"):
        baseline("untraind")


def test_an_encoder_untrained_is_the_same_architecture() -> None:
    trained = CosineMatcher(build_encoder(ARCHITECTURES["resnet18"]), temperature=0.07)
    fresh = baseline("untrained", trained)
    assert fresh.temperature == 0.07
    assert fresh.stride == 8
    assert not torch.equal(fresh.encoder.conv1.weight, trained.encoder.conv1.weight)
