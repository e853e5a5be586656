"""The supervised oracle: its truth is that of the scene, seen through the crop, and it learns it."""

import pytest
import torch

from densewalk.datasets.errors import ConfigError
from densewalk.datasets.geometry import crop_affine
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.rendering import render
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.source import SceneSource
from densewalk.datasets.views import ClipBatch, Motion, View
from densewalk.ssl.matchers.gmflow import GMFlowConfig
from densewalk.ssl.objectives.objective import Progress
from densewalk.ssl.objectives.oracle import Oracle, OracleConfig

SMALL = GMFlowConfig(stem_dim=8, middle_dim=12, dim=16, num_blocks=1, num_splits=1)
CONFIG = OracleConfig(matcher=SMALL, plan=PalindromePlan(size=32, motion=True))
START = Progress(step=0, num_steps=100)


class _Still(torch.nn.Module):
    """Stands still in the place of a network."""

    stride = 4

    def encode(self, image_BCHW: torch.Tensor) -> torch.Tensor:
        return image_BCHW[:, :2, ::4, ::4] * 0

    def displacement(self, source: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return source, target


def _scenes(batch: int = 2) -> ClipBatch:
    source = SceneSource(SceneConfig(height=48, width=48, num_frames=3), CONFIG.plan, seed=0)
    return render(source.samples(range(batch)))


def _drift(shift_xy: tuple[float, float], *, visible: bool = True, zoom: float = 2.0) -> ClipBatch:
    """Return one clip that drifts as a whole, both views magnified `zoom` times."""
    flow = torch.tensor(shift_xy).view(1, 1, 2, 1, 1).expand(1, 1, 2, 32, 32)
    view = View(
        video_BTCHW=torch.zeros(1, 2, 3, 32, 32, dtype=torch.uint8),
        clip_from_view_B33=crop_affine((8, 8, 32 / zoom, 32 / zoom), (32, 32))[None],
        frame_BT=torch.tensor([[4, 6]]),
    )
    backward = View(
        video_BTCHW=view.video_BTCHW, clip_from_view_B33=view.clip_from_view_B33, frame_BT=torch.tensor([[6, 4]])
    )
    motion = Motion(
        source_frame_BP=torch.tensor([[4, 6]]),
        target_frame_BP=torch.tensor([[6, 4]]),
        flow_BP2HW=torch.cat((flow, -flow), dim=1),
        visible_BPHW=torch.full((1, 2, 32, 32), visible),
    )
    return ClipBatch(keys=("drift",), views=(view, backward), motion=motion)


def _standing_still() -> Oracle:
    oracle = Oracle(CONFIG)
    oracle.matcher = _Still()
    return oracle


def test_the_error_of_standing_still_is_the_motion_in_pixels_of_the_view() -> None:
    output = _standing_still()(_drift((3.0, -4.0)), START)
    assert output.scalars["EPE"] == pytest.approx(10.0, rel=1e-5)
    assert output.scalars["true_px"] == pytest.approx(10.0, rel=1e-5)
    assert output.loss == pytest.approx(14.0, rel=1e-5)


def test_nodes_whose_point_leaves_the_view_say_nothing() -> None:
    # 8 px of 32 to one side: a quarter of the columns is lost, in both directions and both views
    output = _standing_still()(_drift((4.0, 0.0)), START)
    assert output.scalars["labelled"] == pytest.approx(0.75)


def test_hidden_nodes_say_nothing() -> None:
    output = _standing_still()(_drift((3.0, 0.0), visible=False), START)
    assert output.loss == 0
    assert output.scalars["labelled"] == 0


def test_the_loss_is_finite_and_reaches_every_parameter() -> None:
    torch.manual_seed(0)
    oracle = Oracle(CONFIG)
    output = oracle(_scenes(), START)
    output.loss.backward()
    assert output.loss.isfinite()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in oracle.parameters())
    assert set(output.scalars) == {"EPE", "true_px", "labelled"}
    assert not any(value.requires_grad for value in output.scalars.values())


def test_it_learns_the_motion_of_a_repeated_batch() -> None:
    torch.manual_seed(0)
    oracle, batch = Oracle(CONFIG), _scenes()
    optimiser = torch.optim.AdamW(oracle.parameters(), lr=5e-3)
    for _ in range(30):
        output = oracle(batch, START)
        optimiser.zero_grad()
        output.loss.backward()
        optimiser.step()
    assert output.scalars["EPE"] < 0.6 * output.scalars["true_px"]


def test_panels_show_the_pairs_and_the_flow() -> None:
    panels = Oracle(CONFIG)(_scenes(), START).panels
    assert panels["pairs"]().shape == (128, 64, 3)
    assert panels["flow"]().shape[1] > 32


def test_clips_without_motion_are_refused_with_the_option_to_change() -> None:
    batch = _scenes()
    with pytest.raises(ConfigError, match=r"scene-0.*data\.scene_weight=1"):
        Oracle(CONFIG)(ClipBatch(keys=batch.keys, views=batch.views), START)


def test_a_plan_without_motion_or_of_more_frames_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"plan\.motion=false"):
        OracleConfig(plan=PalindromePlan(size=32))
    with pytest.raises(ConfigError, match=r"plan\.num_frames=3"):
        OracleConfig(plan=PalindromePlan(size=32, motion=True, num_frames=3))


def test_a_view_size_that_windows_do_not_divide_is_refused() -> None:
    with pytest.raises(ConfigError, match="multiple of 8"):
        Oracle(OracleConfig(plan=PalindromePlan(size=36, motion=True)))
