"""Training in steps: published schedules, deterministic batches, and a head that learns."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from densewalk.datasets.errors import BenchmarkError, ConfigError
from densewalk.datasets.readers.labelled import LabelledImage, LabelledImages
from densewalk.datasets.readers.segmentation import open_images
from densewalk.ssl.evaluate.segmentation import KINDS
from densewalk.ssl.probe.augmented import ResizedCropConfig, ScaledCropConfig
from densewalk.ssl.probe.stepwise import StepwiseConfig, _loss, fit_in_steps, learning_rate, num_steps
from tests.colour_blocks import ColourReader, write_blocks

TINY = StepwiseConfig(
    view=ResizedCropConfig(crop=64, area=(1.0, 1.0)), loss_side=8, batch_size=2, length=20, drop_at=(15,), lr=1.0
)
DINOV3 = {0: 1e-9, 1: 1e-9, 2: 6.676493083500112e-7, 100: 6.583758168835006e-5, 750: 4.8998380795835e-4}
DINOV3 |= {1500: 9.618833173083499e-4, 1501: 9.965296112632268e-4, 20000: 5e-4, 39999: 1.5421257049119675e-12}
"""What DINOv3's own scheduler gives at steps of its ADE20K training."""


def _preset(name: str) -> StepwiseConfig:
    fit = KINDS["linear-voc12"].presets[name]().fit
    assert isinstance(fit, StepwiseConfig)
    return fit


@pytest.fixture
def images(tmp_path: Path) -> LabelledImages:
    return open_images("camvid", write_blocks(tmp_path, train=5), "train")


def test_dinov3_warms_up_and_falls_as_its_own_scheduler_does() -> None:
    found = {step: learning_rate(_preset("dinov3"), step, num_images=20210) for step in DINOV3}
    assert found == pytest.approx(DINOV3, rel=1e-6)


def test_neco_drops_once_after_twenty_epochs_of_whole_batches() -> None:
    fit, count = _preset("neco"), 10582
    assert num_steps(fit, count) == 25 * 82
    rates = {step: learning_rate(fit, step, num_images=count) for step in (0, 20 * 82 - 1, 20 * 82, 25 * 82 - 1)}
    assert list(rates.values()) == pytest.approx([0.01, 0.01, 0.001, 0.001])


def test_pico_warms_up_linearly_and_drops_twice() -> None:
    fit = _preset("pico")
    steps = (0, 500, 1000, 59_999, 60_000, 80_000, 89_999)
    rates = [learning_rate(fit, step, num_images=118_287) for step in steps]
    assert rates == pytest.approx([2e-5, 0.01001, 0.02, 0.02, 0.002, 0.0002, 0.0002])
    assert num_steps(fit, 118_287) == 90_000


def test_the_published_heads_and_views_are_whole() -> None:
    dinov3, neco, pico = (_preset(name) for name in ("dinov3", "neco", "pico"))
    assert (dinov3.dropout, dinov3.batch_norm, dinov3.optimiser, dinov3.weight_decay) == (0.1, True, "adamw", 1e-3)
    assert (dinov3.batch_size, dinov3.loss_side, dinov3.count_ignored) == (16, 0, True)
    assert dinov3.view == ScaledCropConfig(
        crop=512, shorter=(256, 1023), largest_share=0.75, recolour=True, labels_at="corner"
    )
    assert (neco.optimiser, neco.lr, neco.weight_decay, neco.batch_size, neco.loss_side) == (
        "sgd",
        0.01,
        1e-4,
        128,
        100,
    )
    assert neco.view == ResizedCropConfig(crop=448, area=(0.8, 1.0))
    assert (pico.lr, pico.weight_decay, pico.batch_size, pico.loss_side) == (0.02, 1e-4, 16, 0)


def test_a_head_learns_what_colours_mean(images: LabelledImages) -> None:
    heard: list[tuple[int, int]] = []
    head = fit_in_steps(ColourReader(), images, TINY, on_step=lambda done, total: heard.append((done, total)))
    assert heard == [(step + 1, 40) for step in range(40)]
    assert head.logits(torch.eye(11)[:, :, None]).argmax(0).flatten().tolist() == list(range(11))
    assert not head.training
    assert not any(parameter.requires_grad for parameter in head.parameters())


@pytest.mark.parametrize(
    "fit",
    [
        replace(TINY, length=2),
        replace(
            _preset("dinov3"),
            view=ScaledCropConfig(crop=32, shorter=(32, 64), recolour=True),
            batch_size=3,
            length=4,
            warmup_steps=2,
        ),
    ],
)
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(images: LabelledImages, fit: StepwiseConfig) -> None:
    heads = []
    for seed, noise in ((0, 1), (0, 2), (1, 1)):
        torch.manual_seed(noise)
        heads.append(fit_in_steps(ColourReader(), images, replace(fit, seed=seed)).classify.weight)
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])


class _Counted:
    """Images that count how often each one is read."""

    def __init__(self, images: LabelledImages) -> None:
        self.classes, self._images, self.reads = images.classes, images, Counter[int]()

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, number: int, /) -> LabelledImage:
        self.reads[number] += 1
        return self._images[number]


def test_epochs_leave_incomplete_batches_out_and_steps_run_on(images: LabelledImages) -> None:
    counted = _Counted(images)
    fit_in_steps(ColourReader(), counted, replace(TINY, length=1, drop_at=()))
    assert sorted(counted.reads.values()) == [1, 1, 1, 1]
    counted = _Counted(images)
    fit_in_steps(ColourReader(), counted, replace(TINY, length=5, unit="steps", drop_at=()))
    assert sorted(counted.reads.values()) == [2, 2, 2, 2, 2]


def test_ignored_pixels_teach_nothing_and_count_only_if_asked() -> None:
    logit = torch.randn((2, 3, 4, 4), generator=torch.Generator().manual_seed(0))
    label = torch.randint(0, 3, (2, 4, 4), generator=torch.Generator().manual_seed(1))
    label[:, :3] = 255
    kept = F.cross_entropy(logit[:, :, 3:], label[:, 3:])
    fit = replace(TINY, loss_side=0)
    assert _loss(logit, label, fit) == pytest.approx(float(kept))
    assert _loss(logit, label, replace(fit, count_ignored=True)) == pytest.approx(float(kept) / 4)
    assert float(_loss(logit, torch.full_like(label, 255), fit)) == 0


def test_too_few_images_and_labels_that_are_no_class_are_refused(images: LabelledImages) -> None:
    with pytest.raises(BenchmarkError, match=r"5 training images make no batch of 128; lower fit.batch_size"):
        fit_in_steps(ColourReader(), images, StepwiseConfig())
    wrong = _Counted(images)
    wrong.classes = images.classes[:9]
    with pytest.raises(BenchmarkError, match=r"holds label 10, expected 0 to 8 or 255"):
        fit_in_steps(ColourReader(), wrong, TINY)
    with pytest.raises(ConfigError, match=r"(?s)dropout.*lr.*batch_size.*length.*drop_at"):
        StepwiseConfig(dropout=1.0, lr=0.0, batch_size=0, length=0, schedule="one-cycle")


def test_views_of_a_batch_are_shuffled_anew_every_epoch(images: LabelledImages) -> None:
    order: list[int] = []

    class Ordered(_Counted):
        def __getitem__(self, number: int, /) -> LabelledImage:
            order.append(number)
            return super().__getitem__(number)

    fit_in_steps(ColourReader(), Ordered(images), replace(TINY, batch_size=5, length=4))
    epochs = np.array(order).reshape(4, 5)
    assert all(sorted(epoch) == [0, 1, 2, 3, 4] for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 1
