"""Propagation on scenes with a matcher that adapts to each of them."""

from dataclasses import replace

import torch

from densewalk.datasets.scenes.config import SceneConfig
from densewalk.ssl.evaluate.baselines import baseline
from densewalk.ssl.evaluate.benchmark import comparable
from densewalk.ssl.evaluate.scenes_propagation import ScenesPropagation, ScenesPropagationConfig
from densewalk.ssl.matchers.gmflow import GMFlow, GMFlowConfig
from densewalk.ssl.propagate.adaptation import AdaptationConfig
from densewalk.ssl.propagate.config import PropagationConfig

PLAIN = ScenesPropagationConfig(
    num_videos=2, scene=SceneConfig(height=40, width=44, num_frames=3), propagation=PropagationConfig(context=1)
)
ADAPTED = replace(
    PLAIN, propagation=PropagationConfig(context=1, adaptation=AdaptationConfig(steps=3, lr=1e-2, batch_size=1))
)


def test_adaptation_moves_scores_is_recorded_in_the_protocol_and_starts_anew_for_every_video() -> None:
    torch.manual_seed(0)
    matcher = GMFlow(GMFlowConfig(stem_dim=8, middle_dim=8, dim=16, num_blocks=1, num_splits=1)).eval()
    before = {name: tensor.clone() for name, tensor in matcher.state_dict().items()}
    plain, once, again = (ScenesPropagation(c)(matcher, subject="a") for c in (PLAIN, ADAPTED, ADAPTED))
    assert all(torch.equal(tensor, before[name]) for name, tensor in matcher.state_dict().items())
    assert dict(once.scalars) == dict(again.scalars)
    assert dict(once.scalars) != dict(plain.scalars)
    assert comparable(once, again)
    assert not comparable(once, plain)
    assert once.protocol["propagation"]["adaptation"]["steps"] == 3


def test_a_baseline_without_parameters_is_measured_under_the_adapted_protocol() -> None:
    adapted = ScenesPropagation(ADAPTED)(baseline("zero-motion"), subject="zero-motion")
    plain = ScenesPropagation(PLAIN)(baseline("zero-motion"), subject="zero-motion")
    assert adapted.scalars == plain.scalars
    assert not comparable(adapted, plain)
