"""The multi-scale walk: every level is walked, near the one before, and the whole learns."""

import pytest
import torch

from densewalk.datasets.errors import ConfigError
from densewalk.datasets.geometry import crop_affine
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.views import ClipBatch, View
from densewalk.ssl.matchers.pyramid import PyramidConfig
from densewalk.ssl.objectives.multiscale import MultiScaleConfig, MultiScaleWalk
from densewalk.ssl.objectives.objective import Progress

SMALL = PyramidConfig(stem_dim=8, middle_dim=12, dim=16, num_levels=3, radius=1)
CONFIG = MultiScaleConfig(matcher=SMALL, plan=PalindromePlan(size=64), smoothness_weight=0.5)
START, LATE = Progress(step=1, num_steps=100), Progress(step=99, num_steps=100)


def _batch(batch: int = 2, left: int = 8) -> ClipBatch:
    """Return noise that drifts by 4 px to the right, walked back under a crop `left` px further right."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(batch, 3, 24, 24, generator=generator)
    canvas = torch.nn.functional.interpolate(noise, size=(96, 96), mode="bilinear", align_corners=False)
    frames = (canvas * 255).to(torch.uint8)
    clip = torch.stack((frames[..., :64, 4:80], frames[..., :64, :76]), dim=1)
    boxes = [(0.0, 0.0, 64.0, 64.0), (float(left), 0.0, 64.0, 64.0)]
    forward, backward = (
        View(
            video_BTCHW=video,
            clip_from_view_B33=crop_affine(box, (64, 64)).expand(batch, 3, 3),
            frame_BT=torch.tensor([times]).expand(batch, 2),
        )
        for video, box, times in zip(
            (clip[..., :64], clip[..., left : left + 64].flip(1)), boxes, ([3, 5], [5, 3]), strict=True
        )
    )
    return ClipBatch(keys=tuple(f"clip-{i}" for i in range(batch)), views=(forward, backward))


def _objective(config: MultiScaleConfig = CONFIG) -> MultiScaleWalk:
    torch.manual_seed(0)
    return MultiScaleWalk(config)


def test_the_loss_is_finite_and_reaches_every_parameter() -> None:
    objective = _objective()
    output = objective(_batch(), LATE)
    output.loss.backward()
    assert output.loss.isfinite()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in objective.parameters())
    assert set(output.scalars) == {
        "walk_loss",
        "walk_loss_16px",
        "walk_loss_8px",
        "walk_loss_4px",
        "reachable_8px",
        "reachable_4px",
        "smoothness",
        "return_error_px",
        "returned",
        "labelled",
    }
    assert not any(value.requires_grad for value in output.scalars.values())


def test_levels_count_by_their_weights() -> None:
    config = MultiScaleConfig(
        matcher=SMALL, plan=PalindromePlan(size=64), level_weights=(0.0, 2.0, 0.5), smoothness_weight=0.0
    )
    output = _objective(config)(_batch(), START)
    scalars = output.scalars
    assert torch.isclose(output.loss, 2.0 * scalars["walk_loss_8px"] + 0.5 * scalars["walk_loss_4px"])
    assert torch.isclose(output.loss, scalars["walk_loss"])


def test_smoothness_joins_the_loss_when_its_ramp_begins() -> None:
    objective, batch = _objective(), _batch()
    early, late = objective(batch, START), objective(batch, LATE)
    assert torch.isclose(early.loss, early.scalars["walk_loss"])
    assert torch.isclose(late.loss, late.scalars["walk_loss"] + 0.5 * late.scalars["smoothness"])


def test_labels_of_the_finest_level_leave_out_what_the_return_does_not_show() -> None:
    assert torch.isclose(_objective()(_batch(left=8), START).scalars["labelled"], torch.tensor(14 / 16))


def test_it_learns_to_come_home_at_every_level_and_sees_the_motion() -> None:
    objective, batch = _objective(), _batch()
    optimiser = torch.optim.AdamW(objective.parameters(), lr=3e-3)
    outputs = []
    for _ in range(16):
        outputs.append(objective(batch, START))
        optimiser.zero_grad()
        outputs[-1].loss.backward()
        optimiser.step()
    first, last = outputs[0].scalars, outputs[-1].scalars
    assert all(last[f"walk_loss_{stride}px"] < first[f"walk_loss_{stride}px"] - 0.3 for stride in (16, 8, 4))
    assert last["return_error_px"] < first["return_error_px"] / 2
    with torch.no_grad():
        maps = (objective.matcher.encode(batch.views[0].image_BCHW(frame)) for frame in (0, 1))
        forth, back = objective.matcher.displacement(*maps)
    assert forth[:, 0, 2:-2, 2:-2].mean() == pytest.approx(4.0, abs=1.5)
    assert back[:, 0, 2:-2, 2:-2].mean() == pytest.approx(-4.0, abs=1.5)


def test_the_shortcut_is_probed_at_its_cadence_when_there_is_another_clip() -> None:
    objective = _objective()
    probed = objective(_batch(), Progress(step=50, num_steps=100)).scalars
    assert 0 <= probed["shortcut"] <= 1
    assert probed["chance"] == 1 / 16
    assert "shortcut" not in objective(_batch(), START).scalars
    assert "shortcut" not in objective(_batch(batch=1), Progress(step=50, num_steps=100)).scalars


def test_the_probe_changes_neither_loss_nor_random_generator() -> None:
    objective = _objective()
    before = torch.get_rng_state()
    probed = objective(_batch(), Progress(step=50, num_steps=10_000))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(probed.loss, objective(_batch(), Progress(step=51, num_steps=10_000)).loss)


def test_panels_show_the_walks_and_the_flow() -> None:
    panels = _objective()(_batch(), START).panels
    assert panels["palindrome"]().shape == (128, 192, 3)
    assert panels["flow"]().shape[1] > 64


def test_a_view_size_that_the_coarsest_level_does_not_divide_is_refused() -> None:
    with pytest.raises(ConfigError, match="multiple of 16"):
        MultiScaleWalk(MultiScaleConfig(matcher=SMALL, plan=PalindromePlan(size=72)))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("level_weights", (1.0,)),
        ("level_weights", (1.0, -1.0, 1.0)),
        ("smoothness_weight", -1.0),
        ("smoothness_start", 0.5),
        ("probe_every", 0),
        ("plan", PalindromePlan(size=64, num_frames=3)),
    ],
)
def test_impossible_settings_are_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"objective.{field}"):
        MultiScaleConfig(**{field: value})
