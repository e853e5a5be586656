"""A run of every objective here can be taken out of its folder and measured."""

from pathlib import Path

import pytest

from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.ssl.evaluate.scenes_flow import ScenesFlow, ScenesFlowConfig
from densewalk.ssl.evaluate.scenes_propagation import ScenesPropagation, ScenesPropagationConfig
from densewalk.ssl.evaluate.scenes_tracking import ScenesTracking, ScenesTrackingConfig
from densewalk.ssl.matchers.gmflow import GMFlow, GMFlowConfig
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.matchers.pyramid import PyramidConfig, PyramidMatcher
from densewalk.ssl.objectives.multiscale import MultiScaleConfig
from densewalk.ssl.objectives.objective import ObjectiveConfig
from densewalk.ssl.objectives.oracle import OracleConfig
from densewalk.ssl.train.config import DataConfig, TrainConfig
from densewalk.ssl.train.loop import pretrain
from densewalk.ssl.train.subject import load_matcher

MULTISCALE = MultiScaleConfig(
    matcher=PyramidConfig(stem_dim=8, middle_dim=8, dim=16, num_levels=2, radius=1, temperature=0.07),
    plan=PalindromePlan(size=32),
    level_weights=(1.0, 0.5),
)
ORACLE = OracleConfig(
    matcher=GMFlowConfig(stem_dim=8, middle_dim=8, dim=16, num_blocks=1, num_splits=1),
    plan=PalindromePlan(size=32, motion=True),
)
SCENE = SceneConfig(height=48, width=48, num_frames=3, num_layers=(1, 2))


@pytest.mark.parametrize(("objective", "kind"), [(MULTISCALE, PyramidMatcher), (ORACLE, GMFlow)])
def test_a_run_is_loaded_and_measured(objective: ObjectiveConfig, kind: type[Matcher], tmp_path: Path) -> None:
    data = DataConfig(scene_weight=1.0, scenes=SCENE)
    config = TrainConfig(objective=objective, data=data, steps=2, batch_size=2, threads=1, device="cpu")
    matcher, provenance = load_matcher(pretrain(config, tmp_path / "run"))
    assert isinstance(matcher, kind)
    assert matcher.config == objective.matcher
    assert provenance["step"] == 2
    benchmarks = (
        ScenesFlow(ScenesFlowConfig(num_pairs=1, frame_gap=1, window=32, scene=SCENE)),
        ScenesTracking(ScenesTrackingConfig(num_videos=1, num_points=4, scene=SCENE)),
        ScenesPropagation(ScenesPropagationConfig(num_videos=1, scene=SCENE)),
    )
    for benchmark in benchmarks:
        scores = benchmark(matcher, subject="run")
        assert scores.headline in scores.scalars
