"""The CRW objective: its nodes, its palindromes, its measure of a shortcut, and that it learns."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from densewalk.datasets.errors import ConfigError
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.views import ClipBatch, View
from densewalk.ssl.encoders.resnet import ResNetConfig
from densewalk.ssl.objectives.crw import CRW, CRWConfig
from densewalk.ssl.objectives.objective import Progress

PLAN = replace(CRWConfig().plan, size=32, num_frames=3)
SMALL = CRWConfig(
    plan=PLAN,
    encoder=ResNetConfig(stages=2, strides=(1, 1, 1, 1), padding="reflect"),
    subject_stages=1,
    dim=16,
    patch_px=16,
    patch_stride_px=8,
)
IMAGE = replace(SMALL, nodes="image")
PROBED, OTHER = Progress(step=50, num_steps=100), Progress(step=51, num_steps=100)


def _batch(batch: int = 2, num_frames: int = 3, size: int = 32) -> ClipBatch:
    """Coloured blocks that slide right by two pixels a frame, each clip with blocks of its own."""
    generator = torch.Generator().manual_seed(0)
    blocks = torch.randint(0, 256, (batch, 3, size // 4, size // 4 + 8), generator=generator, dtype=torch.uint8)
    world = blocks.repeat_interleave(4, 2).repeat_interleave(4, 3)
    video = torch.stack([world[..., 32 - 2 * t : 32 - 2 * t + size] for t in range(num_frames)], dim=1)
    view = View(
        video_BTCHW=video,
        clip_from_view_B33=torch.eye(3).expand(batch, 3, 3),
        frame_BT=torch.arange(num_frames).expand(batch, num_frames),
    )
    return ClipBatch(keys=tuple(f"clip-{i}" for i in range(batch)), views=(view, view))


def _crw(config: CRWConfig) -> CRW:
    torch.manual_seed(0)
    return CRW(config)


@pytest.mark.parametrize("config", [SMALL, IMAGE], ids=["patches", "image"])
def test_the_loss_is_finite_and_reaches_every_parameter(config: CRWConfig) -> None:
    objective = _crw(config)
    output = objective(_batch(), PROBED)
    output.loss.backward()
    assert output.loss.isfinite()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in objective.parameters())
    assert set(output.scalars) == {"walk_loss_3", "returned_3", "shortcut", "chance"}
    assert not any(value.requires_grad for value in output.scalars.values())


def test_an_image_has_a_node_for_every_cell_of_the_map_and_patches_one_each() -> None:
    assert float(_crw(SMALL)(_batch(), PROBED).scalars["chance"]) == pytest.approx(1 / 9)
    assert float(_crw(IMAGE)(_batch(), PROBED).scalars["chance"]) == pytest.approx(1 / 64)


def test_the_loss_is_the_mean_over_growing_palindromes_without_the_shortest() -> None:
    config = replace(SMALL, plan=replace(PLAN, num_frames=4))
    output = _crw(config)(_batch(num_frames=4), OTHER)
    lengths = [float(output.scalars[f"walk_loss_{n}"]) for n in (3, 4)]
    assert set(output.scalars) == {"walk_loss_3", "walk_loss_4", "returned_3", "returned_4"}
    assert float(output.loss.detach()) == pytest.approx(sum(lengths) / 2)
    with_shortest = _crw(replace(config, skip_two_frame_cycle=False))(_batch(num_frames=4), OTHER)
    assert set(with_shortest.scalars) > {"walk_loss_2", "returned_2"}
    assert float(with_shortest.loss.detach()) == pytest.approx(
        (float(with_shortest.scalars["walk_loss_2"]) + sum(lengths)) / 3
    )


def test_the_walk_equals_a_product_of_softmaxes_of_cosines() -> None:
    objective = _crw(replace(SMALL, edge_dropout=0.0))
    seen: list[Tensor] = []
    handle = objective.head.register_forward_hook(lambda _module, _inputs, output: seen.append(output.detach()))
    loss = float(objective(_batch(), OTHER).loss.detach())
    handle.remove()
    node = torch.nn.functional.normalize(seen[0], dim=-1).reshape(2, 3, 9, 16)
    steps = [(node[:, a] @ node[:, b].transpose(1, 2) / 0.05).softmax(-1) for a, b in ((0, 1), (1, 2), (2, 1), (1, 0))]
    home = (steps[0] @ steps[1] @ steps[2] @ steps[3]).diagonal(dim1=1, dim2=2)
    assert loss == pytest.approx(float(-home.log().mean()), rel=1e-4)


@pytest.mark.parametrize("config", [SMALL, IMAGE], ids=["patches", "image"])
def test_random_crops_and_edges_follow_torchs_generator_and_the_probe_draws_nothing(config: CRWConfig) -> None:
    objective, batch = _crw(config), _batch()
    losses, following = [], []
    for progress in (PROBED, OTHER):
        torch.manual_seed(7)
        losses.append(float(objective(batch, progress).loss.detach()))
        following.append(float(torch.rand(())))
    assert losses[0] == losses[1]
    assert following[0] == following[1]
    torch.manual_seed(8)
    assert float(objective(batch, PROBED).loss.detach()) != losses[0]


def test_the_probe_runs_at_its_cadence_and_needs_another_clip() -> None:
    objective = _crw(SMALL)
    assert "shortcut" not in objective(_batch(), OTHER).scalars
    assert "shortcut" not in objective(_batch(batch=1), PROBED).scalars


def test_positions_alone_bring_walkers_home_past_any_clip_and_the_probe_tells_them_from_content() -> None:
    objective = _crw(SMALL)
    position = torch.eye(9, 16).expand(24, 3, -1, -1)
    content = torch.nn.functional.normalize(torch.randn(24, 1, 9, 16), dim=-1).expand(-1, 3, -1, -1)
    assert float(objective._shortcut(position)["shortcut"]) == 1
    assert float(objective._shortcut(content)["shortcut"]) < 2 / 9
    there, back = objective._steps(content)
    walk = there[0] @ there[1] @ back[1] @ back[0]
    assert (walk.argmax(-1) == torch.arange(9)).all()  # the same content does come home through its own clip


@pytest.mark.parametrize("config", [SMALL, IMAGE], ids=["patches", "image"])
def test_the_loss_falls_when_one_batch_is_repeated(config: CRWConfig) -> None:
    steady = replace(config, frame_crop_area=(0.95, 1.0), patch_crop_area=(0.95, 1.0), edge_dropout=0.0)
    objective, batch = _crw(steady), _batch()
    optimiser = torch.optim.AdamW(objective.parameters(), lr=1e-3)
    losses = []
    for _ in range(12):
        output = objective(batch, OTHER)
        losses.append(float(output.loss.detach()))
        optimiser.zero_grad()
        output.loss.backward()
        optimiser.step()
    assert sum(losses[-3:]) / 3 < sum(losses[:3]) / 3 - 0.3


def test_the_subject_reads_an_earlier_stage_of_the_very_same_weights() -> None:
    objective = _crw(SMALL)
    state = torch.get_rng_state()
    matcher = objective.subject().eval()
    assert torch.equal(torch.get_rng_state(), state)
    assert (matcher.dim, matcher.stride, matcher.temperature) == (64, 4, 0.05)
    own = {id(p) for p in objective.encoder.parameters()}
    assert {id(p) for p in matcher.parameters()} < own
    image = torch.rand(1, 3, 32, 32)
    encoder = objective.encoder
    stem = encoder.maxpool(encoder.relu(encoder.bn1(encoder.conv1(encoder.colours(image)))))
    torch.testing.assert_close(matcher.encode(image), encoder.layer1(stem))


def test_published_settings_give_49_nodes_and_features_at_an_eighth() -> None:
    objective = CRW(CRWConfig())
    assert objective.head.weight.shape == (128, 512)
    assert (objective.subject().dim, objective.subject().stride) == (256, 8)
    assert objective._grid == 7


@pytest.mark.parametrize("config", [SMALL, IMAGE], ids=["patches", "image"])
def test_panels_show_the_frames_side_by_side_and_a_step_of_one_node(config: CRWConfig) -> None:
    panels = _crw(config)(_batch(), OTHER).panels
    assert panels["patches"]().shape == (32, 96, 3)
    step = panels["step"]()
    assert step.shape == (32, 64, 3)
    assert step[:, 32:].std() > 0


def test_outlines_lie_where_the_encoder_looked() -> None:
    whole = replace(IMAGE, frame_crop_area=(1.0, 1.0), frame_crop_aspect=(1.0, 1.0))
    picture = _crw(whole)(_batch(), OTHER).panels["patches"]()
    frame = _batch().views[0].video_BTCHW[0, 0].permute(1, 2, 0).numpy()
    assert (picture[1:31, 1:31] == frame[1:31, 1:31]).all()
    assert (picture[0, :32] == picture[0, 0]).all()


def test_sizes_that_do_not_fit_the_encoder_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"patch_px=18.*multiple.*4 pixels"):
        CRW(replace(SMALL, patch_px=18))
    with pytest.raises(ConfigError, match=r"plan\.size=34.*multiple.*4 pixels"):
        CRW(replace(IMAGE, plan=replace(PLAN, size=34)))


def test_settings_that_cannot_work_are_refused_together() -> None:
    with pytest.raises(ConfigError, match=r"(?s)dim.*patch_px.*frame_crop_area.*edge_dropout.*num_frames.*subject_st"):
        CRWConfig(
            plan=PalindromePlan(size=32, num_frames=2),
            dim=0,
            patch_px=64,
            frame_crop_area=(0.9, 0.8),
            edge_dropout=1.0,
            subject_stages=5,
        )
