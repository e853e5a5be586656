"""Scenes as samples: numbered, pure, and consistent with `correspond` in closed form."""

from itertools import pairwise

import pytest
import torch

from densewalk.datasets.errors import ConfigError
from densewalk.datasets.geometry import correspond, grid_points, inside, transform_points
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.rendering import render
from densewalk.datasets.samples import SampleSource
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.paths import move
from densewalk.datasets.scenes.scene import Scene
from densewalk.datasets.scenes.source import EPOCH_SAMPLES, HELD_OUT_SEED, SceneSource
from densewalk.datasets.stream.order import COLUMN_SPAN
from densewalk.datasets.views import ClipBatch

CONFIG = SceneConfig(height=64, width=80)
PLAN = PalindromePlan(size=48, gap_seconds=(0.08, 0.2), flip_prob=0.5, motion=True)


def scene_of(batch: ClipBatch) -> Scene:
    return Scene(CONFIG, int(batch.keys[0].removeprefix("scene-")))


def batch_of(source: SceneSource, number: int) -> ClipBatch:
    return render(source.samples([number]))


def test_a_source_of_scenes_is_a_sample_source() -> None:
    source = SceneSource(CONFIG, PLAN)
    assert isinstance(source, SampleSource)
    assert len(source) == EPOCH_SAMPLES


def test_a_sample_is_a_function_of_seed_and_number_alone() -> None:
    first, again, other = SceneSource(CONFIG, PLAN, 3), SceneSource(CONFIG, PLAN, 3), SceneSource(CONFIG, PLAN, 4)
    batch_of(first, 0)
    a, b, c, d = batch_of(first, 17), batch_of(again, 17), batch_of(other, 17), batch_of(again, 17 + EPOCH_SAMPLES)
    assert a.keys == b.keys
    assert torch.equal(a.views[1].video_BTCHW, b.views[1].video_BTCHW)
    assert torch.equal(a.views[0].clip_from_view_B33, b.views[0].clip_from_view_B33)
    assert len({a.keys, c.keys, d.keys}) == 3


def test_samples_have_the_shapes_of_the_plan_and_are_rendered_together() -> None:
    source = SceneSource(CONFIG, PalindromePlan(size=40, num_frames=3, gap_seconds=(0.08, 0.2), motion=True))
    batch = render(source.samples(range(3)))
    assert [tuple(view.video_BTCHW.shape) for view in batch.views] == [(3, 3, 3, 40, 40)] * 2
    assert batch.motion is not None
    assert batch.motion.flow_BP2HW.shape == (3, 4, 2, 64, 80)
    assert batch_of(SceneSource(CONFIG, PalindromePlan(size=40)), 0).motion is None


def test_identity_names_scenes_plan_and_seed() -> None:
    sources = [
        SceneSource(CONFIG, PLAN),
        SceneSource(CONFIG, PLAN, 1),
        SceneSource(SceneConfig(height=64, width=96), PLAN),
        SceneSource(CONFIG, PalindromePlan(size=40)),
    ]
    assert len({source.identity for source in sources}) == 4
    assert SceneSource(CONFIG, PLAN).identity == sources[0].identity


def test_scenes_spread_over_all_columns_wherever_a_batch_begins() -> None:
    source = SceneSource(CONFIG, PLAN)
    for start in (0, 5, 70_000):
        columns = sorted(source.column(number) for number in range(start, start + 64))
        assert all(0 <= column < COLUMN_SPAN for column in columns)
        assert max(b - a for a, b in pairwise(columns)) <= COLUMN_SPAN // 32


def test_views_show_the_scene_through_their_affine() -> None:
    sample = batch_of(SceneSource(CONFIG, PalindromePlan(size=64, crop_area=(1.0, 1.0), crop_aspect=(1.0, 1.0))), 5)
    scene, view = scene_of(sample), sample.views[0]
    left = float(view.clip_from_view_B33[0, 0, 2])
    frame = torch.from_numpy(scene.frame(int(view.frame_BT[0, 1]))).permute(2, 0, 1).float()
    right = frame[:, :, [min(int(left) + 1 + column, 79) for column in range(64)]]
    expected = frame[:, :, int(left) : int(left) + 64].lerp(right, left - int(left))
    assert (view.video_BTCHW[0, 1] - expected).abs().max() <= 1.0


@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize(("source_view", "target_view"), [(0, 0), (0, 1), (1, 0)])
def test_correspondence_through_crops_flips_and_flow_is_the_closed_form(
    number: int, source_view: int, target_view: int
) -> None:
    sample = batch_of(SceneSource(CONFIG, PLAN), number)
    scene, source, target = scene_of(sample), sample.views[source_view], sample.views[target_view]
    position = 1 if source_view == target_view else 0
    start, end = int(source.frame_BT[0, 0]), int(target.frame_BT[0, position])
    assert start != end
    point = grid_points(12, 12, stride=4.0)[None]
    found, valid = correspond(source, target, sample.motion, point, target_position=position)

    clip = transform_points(source.clip_from_view_B33[0], point[0])
    row, column = clip[:, 1].long(), clip[:, 0].long()
    instances = torch.from_numpy(scene.instances(start)).float()
    compared = 0
    for index, layer in enumerate(scene.layers):
        # Four equal neighbours: there bilinear reading of an affine field is exact.
        alone = torch.nn.functional.avg_pool2d((instances == index).float()[None, None], 3, 1, 1)[0, 0] == 1
        chosen = alone[row.clamp(0, 63), column.clamp(0, 79)] & inside(clip - 1, (62, 78))
        x, y = move(layer.step(start, end), *clip[chosen].double().T.numpy())
        moved = torch.from_numpy(x), torch.from_numpy(y)
        expected = transform_points(torch.linalg.inv(target.clip_from_view_B33[0]), torch.stack(moved, 1).float())
        torch.testing.assert_close(found[0, chosen], expected, atol=2e-3, rtol=0)
        assert not valid[0, chosen][~inside(expected, (48, 48)) & ~inside(expected + 0.01, (48, 48))].any()
        compared += int(chosen.sum())
    assert compared > 40


def test_training_never_meets_a_held_out_scene() -> None:
    last = SceneSource(CONFIG, PLAN, (HELD_OUT_SEED >> 40) - 1)
    assert scene_of(batch_of(last, 2**40 - 1)).seed < HELD_OUT_SEED
    with pytest.raises(ConfigError, match="seed"):
        SceneSource(CONFIG, PLAN, HELD_OUT_SEED >> 40)


def test_scenes_too_short_for_the_plan_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"plan\.gap_seconds"):
        SceneSource(CONFIG, PalindromePlan(gap_seconds=(1.0, 2.0)))
