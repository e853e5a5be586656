"""The benchmarks on generated scenes: the oracle reaches the top, the floor stays below, the protocol tells all."""

import json
from dataclasses import replace
from typing import Any

import pytest

from densewalk.datasets.errors import ConfigError
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.source import SceneSource
from densewalk.ssl.evaluate.baselines import baseline
from densewalk.ssl.evaluate.benchmark import Scores, comparable
from densewalk.ssl.evaluate.scenes import held_out_scenes
from densewalk.ssl.evaluate.scenes_propagation import ScenesPropagation, ScenesPropagationConfig
from densewalk.ssl.evaluate.scenes_segmentation import ScenesSegmentation, ScenesSegmentationConfig
from densewalk.ssl.evaluate.scenes_tracking import ScenesTracking, ScenesTrackingConfig
from densewalk.ssl.track.tracker import TrackerConfig

SCENE = SceneConfig(height=64, width=80, num_frames=6)
STILL = SceneConfig(
    height=64,
    width=64,
    num_frames=4,
    max_speed_px=0,
    max_background_speed_px=0,
    max_rotation_degrees=0,
    max_scale_rate=0,
)
TRACKING = ScenesTrackingConfig(num_videos=3, num_points=24, scene=SCENE)
PROPAGATION = ScenesPropagationConfig(num_videos=3, scene=SCENE)
SEGMENTATION = ScenesSegmentationConfig(num_train=12, num_test=6, scene=replace(SCENE, num_frames=1))


@pytest.mark.parametrize(("mode", "tracker"), [("first", "chained"), ("strided", "chained"), ("first", "direct")])
def test_an_oracle_tracks_well_and_far_above_zero_motion(mode: Any, tracker: Any, scene_oracle: Any) -> None:
    """What the oracle lacks is lost by reading flow between nodes that lie on two layers."""
    scene = SceneConfig(height=128, width=128, num_frames=6)
    config = ScenesTrackingConfig(
        num_videos=2, num_points=24, scene=scene, query_mode=mode, tracker=TrackerConfig(mode=tracker)
    )
    benchmark = ScenesTracking(config)
    oracle = benchmark(scene_oracle(held_out_scenes(scene, count=2)), subject="oracle").scalars
    floor = benchmark(baseline("zero-motion"), subject="zero-motion").scalars
    assert oracle["AJ"] > max(60, floor["AJ"] + 40)
    assert oracle["delta_avg"] > max(70, floor["delta_avg"] + 40)
    assert oracle["endpoint_error_px"] < floor["endpoint_error_px"] / 4
    assert oracle["OA"] > 75


def test_standing_still_is_right_where_nothing_moves() -> None:
    config = ScenesTrackingConfig(num_videos=2, num_points=16, scene=STILL)
    scores = ScenesTracking(config)(baseline("zero-motion"), subject="zero-motion").scalars
    assert scores["AJ"] == scores["delta_avg"] == scores["OA"] == 100
    assert scores["endpoint_error_px"] < 0.01
    masks = ScenesPropagation(ScenesPropagationConfig(num_videos=2, scene=STILL))
    assert masks(baseline("zero-motion"), subject="zero-motion").scalars["J&F"] > 90


def test_an_oracle_carries_masks_far_better_than_zero_motion(scene_oracle: Any) -> None:
    benchmark = ScenesPropagation(PROPAGATION)
    oracle = benchmark(scene_oracle(held_out_scenes(SCENE, count=3)), subject="oracle").scalars
    floor = benchmark(baseline("zero-motion"), subject="zero-motion").scalars
    assert oracle["J&F"] > 75
    assert floor["J&F"] < oracle["J&F"] - 20


def test_a_probe_reads_classes_out_of_features_that_hold_them_and_not_out_of_positions(scene_oracle: Any) -> None:
    benchmark = ScenesSegmentation(SEGMENTATION)
    oracle = benchmark(scene_oracle(held_out_scenes(SEGMENTATION.scene, count=18)), subject="oracle").scalars
    floor = benchmark(baseline("zero-motion"), subject="zero-motion").scalars
    assert oracle["mIoU"] > 60
    assert oracle["pixel_accuracy"] > 95
    assert floor["mIoU"] < 20


def _all(subject: str) -> list[Scores]:
    matcher = baseline("rgb")
    benchmarks = ScenesTracking(TRACKING), ScenesPropagation(PROPAGATION), ScenesSegmentation(SEGMENTATION)
    return [benchmark(matcher, subject=subject) for benchmark in benchmarks]


def test_the_same_subject_scores_the_same_twice_under_comparable_protocols() -> None:
    for first, second in zip(_all("one"), _all("two"), strict=True):
        assert dict(first.scalars) == dict(second.scalars)
        assert list(first.rows) == list(second.rows)
        assert comparable(first, second)


def test_scores_name_their_headline_list_their_items_and_are_plain_json() -> None:
    tracking, propagation, segmentation = _all("rgb")
    for scores in (tracking, propagation, segmentation):
        assert scores.headline in scores.scalars
        assert all(
            0 <= value <= 100 for name, value in scores.scalars.items() if "decay" not in name and "px" not in name
        )
        json.dumps([scores.scalars, scores.protocol, list(scores.rows)], allow_nan=False)
    assert [row["video"] for row in tracking.rows] == [0, 1, 2]
    assert {row["video"] for row in propagation.rows} == {0, 1, 2}
    assert segmentation.rows[0]["class"] == "background"


def test_the_mean_over_rows_is_the_scalar() -> None:
    tracking, propagation, segmentation = _all("rgb")
    for scores, column, scalar in (
        (tracking, "AJ", "AJ"),
        (propagation, "J_mean", "J_mean"),
        (segmentation, "iou", "mIoU"),
    ):
        values = [row[column] for row in scores.rows]
        assert scores.scalars[scalar] == pytest.approx(sum(values) / len(values))


def test_every_setting_that_moves_a_number_separates_protocols() -> None:
    one = ScenesTracking(TRACKING)(baseline("zero-motion"), subject="a")
    other_config = ScenesTrackingConfig(num_videos=3, num_points=24, scene=SCENE, tracker=TrackerConfig(cycle_px=2.0))
    other = ScenesTracking(other_config)(baseline("zero-motion"), subject="a")
    assert not comparable(one, other)
    assert one.protocol["tracker"]["cycle_px"] == 3.0
    assert one.protocol["query_mode"] == "first"
    assert one.protocol["scene"]["width"] == 80


def test_held_out_scenes_are_beyond_every_seed_of_training() -> None:
    seeds = [scene.seed for scene in held_out_scenes(SCENE, count=3, first=5)]
    assert seeds == [seeds[0], seeds[0] + 1, seeds[0] + 2]
    source = SceneSource(SCENE, PalindromePlan(size=32, gap_seconds=(0.08, 0.17)), seed=2**21)
    last_trained = int(source.samples([10**9])[0].key.removeprefix("scene-"))
    assert last_trained < seeds[0]
    first_seed = ScenesTracking(TRACKING)(baseline("zero-motion"), subject="a").protocol["first_seed"]
    assert first_seed == next(held_out_scenes(SCENE, count=1)).seed == seeds[0] - 5


def test_settings_that_cannot_work_are_refused() -> None:
    short = SceneConfig(num_frames=1)
    with pytest.raises(ConfigError, match=r"(?s)num_videos.*num_points.*num_frames"):
        ScenesTrackingConfig(num_videos=0, num_points=0, scene=short)
    with pytest.raises(ConfigError, match=r"(?s)num_videos.*num_frames.*num_layers"):
        ScenesPropagationConfig(num_videos=0, scene=SceneConfig(num_frames=2, num_layers=(0, 2)))
    with pytest.raises(ConfigError, match=r"(?s)num_train.*num_test"):
        ScenesSegmentationConfig(num_train=0, num_test=0)
