"""Displacement on held-out scenes: zero motion is off by the motion itself, an oracle hardly at all."""

from typing import Any

import pytest
import torch
from torch import Tensor

from densewalk.datasets.errors import ConfigError
from densewalk.datasets.geometry import grid_points
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.ssl.evaluate.baselines import baseline
from densewalk.ssl.evaluate.scenes import held_out_scenes
from densewalk.ssl.evaluate.scenes_flow import ScenesFlow, ScenesFlowConfig
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.walk.pair_features import PairFeatures

WHOLE = ScenesFlowConfig(num_pairs=3, window=64, scene=SceneConfig(height=64, width=64, num_frames=4))


class ConstantShift(Matcher):
    """Sends every node `shift_px` to the right, whatever it sees."""

    stride = multiple = 4
    dim = 3
    temperature = 0.02

    def __init__(self, shift_px: float) -> None:
        super().__init__()
        self.shift_px = shift_px

    def encode(self, image_BCHW: Tensor) -> Tensor:
        return image_BCHW[..., ::4, ::4]

    def relate(self, source_BDHW: Tensor, target_BDHW: Tensor) -> PairFeatures:
        grid_hw = (source_BDHW.shape[-2], source_BDHW.shape[-1])
        node = grid_points(*grid_hw)
        moved = node + torch.tensor([self.shift_px / self.stride, 0.0])
        one = torch.ones(len(node), 1)
        source = torch.cat((moved, one), dim=1)[None]
        target = torch.cat((node, -node.square().sum(1, keepdim=True) / 2), dim=1)[None]
        return PairFeatures(source_BND=source, target_BND=target, grid_hw=grid_hw, temperature=self.temperature)


def test_standing_still_sees_nothing_and_is_off_by_the_true_motion() -> None:
    scalars = ScenesFlow(ScenesFlowConfig(num_pairs=4))(baseline("zero-motion"), subject="zero-motion").scalars
    assert scalars["predicted_px"] < 1e-3
    assert scalars["EPE"] == pytest.approx(scalars["true_px"], abs=1e-3)
    assert scalars["true_px"] > 4


def test_an_oracle_sees_the_true_motion(scene_oracle: Any) -> None:
    scalars = ScenesFlow(WHOLE)(scene_oracle(held_out_scenes(WHOLE.scene, count=3)), subject="oracle").scalars
    assert scalars["EPE"] < scalars["true_px"] / 4
    assert scalars["predicted_px"] == pytest.approx(scalars["true_px"], rel=0.2)


@pytest.mark.parametrize(("window", "upsample"), [(64, 1), (62, 1), (64, 2)])
def test_a_constant_shift_is_read_as_its_length_where_nothing_reaches_the_border(window: int, upsample: int) -> None:
    still = SceneConfig(
        height=96, width=96, max_speed_px=0, max_background_speed_px=0, max_rotation_degrees=0, max_scale_rate=0
    )
    config = ScenesFlowConfig(num_pairs=2, frame_gap=1, window=window, upsample=upsample, scene=still)
    scalars = ScenesFlow(config)(ConstantShift(4.0 * upsample), subject="shift").scalars
    assert scalars["true_px"] == pytest.approx(0, abs=1e-4)
    assert scalars["EPE"] == scalars["predicted_px"]
    assert 3.7 < scalars["predicted_px"] <= 4.0


def test_points_that_are_hidden_have_an_error_of_their_own_and_speeds_split_the_rest(scene_oracle: Any) -> None:
    scores = ScenesFlow(WHOLE)(scene_oracle(held_out_scenes(WHOLE.scene, count=3)), subject="oracle")
    still = ScenesFlow(WHOLE)(baseline("zero-motion"), subject="zero-motion").scalars
    assert {"Fl-all", "1px", "3px", "5px", "s0-10", "s10-40", "EPE-unmatched", "warp_error"} <= scores.scalars.keys()
    assert "EPE-matched" not in scores.scalars
    assert scores.scalars["EPE"] < scores.scalars["EPE-unmatched"]
    assert scores.scalars["warp_error"] < still["warp_error"]
    assert scores.scalars["Fl-all"] < still["Fl-all"]
    assert still["s0-10"] < 10 < still["s10-40"]
    assert all(list(row) == list(scores.rows[0]) for row in scores.rows)


def test_one_row_a_pair_and_the_protocol_tells_the_window() -> None:
    scores = ScenesFlow(WHOLE)(baseline("rgb"), subject="rgb")
    assert [row["pair"] for row in scores.rows] == [0, 1, 2]
    assert scores.scalars["EPE"] == pytest.approx(sum(row["EPE"] for row in scores.rows) / 3)
    assert scores.protocol["window"] == 64
    assert scores.protocol["frame_gap"] == 3


def test_a_window_larger_than_the_scene_is_refused_with_every_other_fault() -> None:
    with pytest.raises(ConfigError, match=r"(?s)num_pairs.*frame_gap.*window.*upsample"):
        ScenesFlowConfig(num_pairs=0, frame_gap=0, window=200, upsample=0)
