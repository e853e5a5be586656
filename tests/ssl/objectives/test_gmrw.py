"""The GMRW objective: its plan, its curriculum, its labels, and that it learns."""

from dataclasses import replace

import pytest
import torch

from densewalk.datasets.errors import ConfigError
from densewalk.datasets.geometry import crop_affine
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.views import ClipBatch, View
from densewalk.ssl.matchers.gmflow import GMFlowConfig
from densewalk.ssl.matchers.position import PositionMatcher
from densewalk.ssl.objectives.gmrw import GMRW, GMRWConfig
from densewalk.ssl.objectives.objective import Progress
from densewalk.ssl.walk.labels import palindrome_labels
from densewalk.ssl.walk.loss import walk_loss

SMALL = GMFlowConfig(stem_dim=8, middle_dim=12, dim=16, num_blocks=1)
CONFIG = GMRWConfig(matcher=SMALL, plan=PalindromePlan(size=32), smoothness_weight=0.5)
START = Progress(step=0, num_steps=100)


def _batch(batch: int = 2, size: int = 32, box: tuple[float, float, float, float] = (4, 0, 32, 32)) -> ClipBatch:
    generator = torch.Generator().manual_seed(0)
    clip = torch.randint(0, 256, (batch, 2, 3, 48, 48), generator=generator, dtype=torch.uint8)
    left, top = int(box[0]), int(box[1])
    forward = View(
        video_BTCHW=clip[..., :size, :size],
        clip_from_view_B33=crop_affine((0, 0, size, size), (size, size)).expand(batch, 3, 3),
        frame_BT=torch.tensor([[3, 5]]).expand(batch, 2),
    )
    backward = View(
        video_BTCHW=clip[..., top : top + size, left : left + size].flip(1),
        clip_from_view_B33=crop_affine(box, (size, size)).expand(batch, 3, 3),
        frame_BT=torch.tensor([[5, 3]]).expand(batch, 2),
    )
    return ClipBatch(keys=tuple(f"clip-{i}" for i in range(batch)), views=(forward, backward))


def test_the_loss_is_finite_and_reaches_every_parameter() -> None:
    torch.manual_seed(0)
    objective = GMRW(CONFIG)
    output = objective(_batch(), Progress(step=90, num_steps=100))
    output.loss.backward()
    assert output.loss.isfinite()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in objective.parameters())
    assert set(output.scalars) == {"walk_loss", "smoothness", "return_error_px", "returned", "labelled"}
    assert not any(value.requires_grad for value in output.scalars.values())


def test_only_nodes_whose_home_is_inside_the_return_crop_are_labelled() -> None:
    output = GMRW(CONFIG)(_batch(box=(8, 0, 32, 32)), START)
    assert torch.isclose(output.scalars["labelled"], torch.tensor(6 / 8))


def test_smoothness_waits_then_ramps_then_stays() -> None:
    objective = GMRW(GMRWConfig(matcher=SMALL, smoothness_weight=200.0, smoothness_start=0.2, smoothness_full=0.4))
    weights = [objective.smoothness_weight(Progress(step=step, num_steps=100)) for step in (0, 20, 30, 40, 100)]
    assert weights == pytest.approx([0, 0, 100, 200, 200])


def test_the_loss_falls_when_one_batch_is_repeated() -> None:
    torch.manual_seed(0)
    objective, batch = GMRW(CONFIG), _batch()
    optimiser = torch.optim.AdamW(objective.parameters(), lr=3e-3)
    losses = []
    for _ in range(25):
        loss = objective(batch, START).scalars["walk_loss"]
        losses.append(float(loss))
        optimiser.zero_grad()
        objective(batch, START).loss.backward()
        optimiser.step()
    assert losses[-1] < losses[0] - 1


def test_the_panel_shows_the_three_images_of_every_walk() -> None:
    batch = _batch()
    picture = GMRW(CONFIG)(batch, START).panels["palindrome"]()
    assert picture.shape == (64, 96, 3)
    assert (picture[:32, :32] == batch.views[0].video_BTCHW[0, 0].permute(1, 2, 0).numpy()).all()
    assert (picture[32:, 64:] == batch.views[1].video_BTCHW[1, 1].permute(1, 2, 0).numpy()).all()


def test_the_flow_panel_is_the_first_pair_at_the_size_of_its_image() -> None:
    picture = GMRW(CONFIG)(_batch(), START).panels["flow"]()
    assert picture.shape[0] >= 32
    assert picture.shape[1] > 32
    assert picture[:32, :32].std() > 0


def test_a_view_size_that_windows_do_not_divide_is_refused() -> None:
    with pytest.raises(ConfigError, match="multiple of 8"):
        GMRW(GMRWConfig(matcher=SMALL, plan=PalindromePlan(size=36)))


def test_a_ramp_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ConfigError, match="smoothness_start"):
        GMRWConfig(smoothness_start=0.5, smoothness_full=0.1)


def test_the_shortcut_is_measured_every_so_often_on_more_than_one_clip() -> None:
    objective = GMRW(replace(CONFIG, probe_every=10))
    for step, clips, measured in ((0, 2, True), (5, 2, False), (10, 2, True), (10, 1, False)):
        scalars = objective(_batch(clips), Progress(step=step, num_steps=100)).scalars
        assert ({"shortcut", "chance"} <= scalars.keys()) == measured
        assert not measured or torch.isclose(scalars["chance"], torch.tensor(1 / 64))


def test_the_probe_leaves_gradients_and_generators_alone() -> None:
    gradients = []
    for probe_every in (1, 7):
        torch.manual_seed(0)
        objective = GMRW(replace(CONFIG, probe_every=probe_every))
        objective(_batch(), Progress(step=3, num_steps=100)).loss.backward()
        gradients.append([p.grad for p in objective.parameters()])
        after = torch.rand(1)
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))
    torch.manual_seed(0)
    GMRW(CONFIG)
    assert torch.equal(after, torch.rand(1))


def test_both_directions_average_the_walk_and_the_same_walk_read_from_its_end() -> None:
    torch.manual_seed(0)
    objective = GMRW(replace(CONFIG, both_directions=True))
    batch = _batch()
    images = (batch.views[0].image_BCHW(0), batch.views[0].image_BCHW(1), batch.views[1].image_BCHW(-1))
    with torch.no_grad():
        there = objective.matcher(images[0], images[1])
        back = objective.matcher(images[1], images[2])
        both = objective(batch, START).scalars["walk_loss"]
        losses = []
        for pairs, reverse in (((there, back), False), ((back.swapped(), there.swapped()), True)):
            labels = palindrome_labels(*batch.views, None, grid_hw=(8, 8), stride=4, reverse=reverse)
            losses.append(walk_loss(*pairs, labels))
    assert torch.isclose(both, sum(losses) / 2, atol=1e-5)
    assert not torch.isclose(*losses)


def test_rounded_labels_change_the_loss_and_four_taps_are_the_default() -> None:
    torch.manual_seed(0)
    objective = GMRW(CONFIG)
    nearest = GMRW(replace(CONFIG, label="nearest"))
    nearest.load_state_dict(objective.state_dict())
    shifted = _batch(box=(5, 3, 32, 32))
    losses = [float(o(shifted, START).scalars["walk_loss"].detach()) for o in (objective, nearest)]
    assert losses[0] != pytest.approx(losses[1], abs=1e-4)
    aligned = _batch(box=(4, 0, 32, 32))
    losses = [float(o(aligned, START).scalars["walk_loss"].detach()) for o in (objective, nearest)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


def test_a_network_that_goes_by_position_is_caught_by_the_shortcut() -> None:
    objective = GMRW(CONFIG)
    objective.matcher = PositionMatcher(stride=4)
    shared_crop = objective(_batch(box=(0, 0, 32, 32)), START).scalars
    own_crop = objective(_batch(box=(8, 0, 32, 32)), START).scalars
    assert shared_crop["shortcut"] == 1
    assert own_crop["shortcut"] == 0
