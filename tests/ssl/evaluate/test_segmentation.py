"""Linear segmentation from files to scores: oracle, chance, nothing seen, one image, ignored pixels, real CamVid."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from densewalk.datasets.config import resolve
from densewalk.datasets.errors import BenchmarkError, ConfigError, DataError
from densewalk.ssl.encoders.rgb import RgbEncoder
from densewalk.ssl.evaluate.benchmark import Scores, comparable
from densewalk.ssl.evaluate.notebook import Notebook
from densewalk.ssl.evaluate.segmentation import KINDS, LinearSegmentation, LinearSegmentationConfig
from densewalk.ssl.matchers.cosine import CosineMatcher
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.probe.augmented import ResizedCropConfig
from densewalk.ssl.probe.optimum import OptimumConfig
from densewalk.ssl.probe.stepwise import StepwiseConfig
from densewalk.ssl.probe.whole_image import WholeImageConfig
from tests.colour_blocks import CLASSES, ColourReader, write_blocks

AT_NODES = WholeImageConfig(side=64, square=True, score_side=8)
"""Scored where nodes are, so that an oracle has no blurred borders."""
STEPS = StepwiseConfig(
    view=ResizedCropConfig(crop=64, area=(1.0, 1.0)), loss_side=8, batch_size=2, length=60, drop_at=(50,), lr=1.0
)


def _score(data: Path, *, matcher: Matcher | None = None, notebook: Notebook | None = None, **settings: Any) -> Scores:
    config = LinearSegmentationConfig(**{"dataset": "camvid", "data": data} | settings)
    return LinearSegmentation(config)(matcher or ColourReader(), subject="anyone", notebook=notebook or Notebook())


@pytest.mark.parametrize("fit", [OptimumConfig(), STEPS])
def test_an_oracle_is_perfect(fit: Any, tmp_path: Path) -> None:
    scores = _score(write_blocks(tmp_path), image=AT_NODES, fit=fit)
    assert set(scores.scalars.values()) == {100.0}
    assert [row["iou"] for row in scores.rows] == [100.0] * CLASSES


def test_at_every_pixel_an_oracle_loses_only_corners_of_blocks(tmp_path: Path) -> None:
    data = write_blocks(tmp_path)
    whole = _score(data)
    assert whole.scalars["pixel_accuracy"] > 95
    windows = _score(data, image=WholeImageConfig(window=48, window_stride=16))
    assert windows.scalars["pixel_accuracy"] > 95


def test_labels_of_other_images_leave_chance(tmp_path: Path) -> None:
    scores = _score(write_blocks(tmp_path, train=6, val=6, shuffled=True))
    assert scores.scalars["pixel_accuracy"] < 100 / CLASSES + 6
    assert scores.scalars["mIoU"] < 100 / CLASSES


def test_a_subject_that_sees_nothing_calls_everything_the_most_frequent_class(tmp_path: Path) -> None:
    scores = _score(write_blocks(tmp_path, classes=3), matcher=ColourReader(blind=True))
    assert scores.scalars["pixel_accuracy"] == pytest.approx(100 * 22 / 64)
    assert sorted(row["iou"] for row in scores.rows) == pytest.approx([0, 0, 100 * 22 / 64])


def test_one_image_is_enough(tmp_path: Path) -> None:
    scores = _score(write_blocks(tmp_path), num_train=1, num_test=1, image=AT_NODES)
    assert scores.scalars["mIoU"] == 100
    assert (scores.protocol["num_train"], scores.protocol["num_test"]) == (1, 1)


def test_pixels_of_no_class_count_nowhere(tmp_path: Path) -> None:
    """Other colours below ignored pixels of the test images change no score."""
    data = write_blocks(tmp_path, void=0.3)
    before = _score(data, image=AT_NODES)
    assert before.scalars["mIoU"] == 100
    for path in sorted((data / "val").iterdir()):
        image, label = np.array(Image.open(path)), np.array(Image.open(data / "valannot" / path.name))
        image[label == 11] = 255 - image[label == 11]
        Image.fromarray(image).save(path)
    after = _score(data, image=AT_NODES)
    assert dict(after.scalars) == dict(before.scalars)
    assert comparable(after, before)


@pytest.mark.parametrize("fit", [OptimumConfig(), STEPS])
def test_twice_the_same_bits(fit: Any, tmp_path: Path) -> None:
    data = write_blocks(tmp_path, shuffled=True)
    first, second = (_score(data, fit=fit, image=AT_NODES) for _ in range(2))
    assert dict(first.scalars) == dict(second.scalars)
    assert list(first.rows) == list(second.rows)
    assert dict(first.protocol) == dict(second.protocol)


def test_the_protocol_names_every_setting_and_the_labels_but_not_the_folder(tmp_path: Path) -> None:
    scores = _score(write_blocks(tmp_path / "a"))
    moved = _score(write_blocks(tmp_path / "b"))
    other = _score(write_blocks(tmp_path / "c", shuffled=True))
    assert comparable(scores, moved)
    assert not comparable(scores, other)
    assert str(tmp_path) not in json.dumps(scores.protocol)
    assert scores.protocol["fit"] == {"weight_decay": 1e-3, "tolerance": 1e-5, "iterations": 1000}
    assert scores.provenance == {"data": str(tmp_path / "a")}
    json.dumps([scores.scalars, scores.protocol, list(scores.rows)], allow_nan=False)


def test_pictures_the_confusion_matrix_and_progress_are_kept(tmp_path: Path) -> None:
    heard: list[tuple[int, int, str]] = []
    notebook = Notebook(tmp_path / "notes", on_progress=lambda *told: heard.append(told))
    _score(write_blocks(tmp_path / "data", train=2, val=3), notebook=notebook)
    assert [(done, total) for done, total, _ in heard] == [(n, 5) for n in range(1, 6)]
    assert sorted(path.name for path in (tmp_path / "notes").iterdir()) == [
        "confusion.csv",
        "confusion.svg",
        "features.jpg",
        "predictions.jpg",
    ]
    assert len((tmp_path / "notes" / "confusion.csv").read_text().splitlines()) == CLASSES + 1


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_set_has_every_preset_under_its_own_name(name: str) -> None:
    kind = KINDS[name]
    assert kind.needs_data
    assert set(kind.presets) == {"small", "neco", "dinov3", "pico"}
    for preset in kind.presets.values():
        config = preset()
        assert f"linear-{config.dataset}" == name
        assert resolve(config, overrides=["num_test=3", "fit.weight_decay=0.5"]).fit.weight_decay == 0.5
    assert kind.config() == kind.presets["small"]()
    assert kind.presets["neco"]().image == WholeImageConfig(side=448, square=True, score_side=100)
    assert kind.presets["dinov3"]().image == WholeImageConfig(side=512, window=512, window_stride=341)


def test_a_published_preset_runs_when_it_is_made_small(tmp_path: Path) -> None:
    """The settings that are left are those of the preset: batch normalisation, dropout, recolouring, windows."""
    config = resolve(
        KINDS["linear-camvid"].presets["dinov3"](),
        overrides=[
            "fit.length=3", "fit.warmup_steps=1", "fit.batch_size=2", "fit.view.crop=32", "fit.view.shorter=[32,64]",
            "image.side=64", "image.window=48", "image.window_stride=32", f"data={write_blocks(tmp_path)}",
        ],
    )  # fmt: skip
    scores = LinearSegmentation(config)(ColourReader(), subject="anyone")
    assert scores.protocol["fit"]["batch_norm"] is True
    assert scores.protocol["head"] == "of the last step"
    assert 0 <= scores.scalars["mIoU"] <= 100


def test_data_that_is_absent_and_settings_that_mean_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="linear-camvid needs --data PATH"):
        LinearSegmentation(LinearSegmentationConfig())
    with pytest.raises(DataError, match="CamVid"):
        LinearSegmentation(LinearSegmentationConfig(data=tmp_path / "nowhere"))
    with pytest.raises(ConfigError, match=r"(?s)split='dev' is no split of camvid; known: .*num_train"):
        LinearSegmentationConfig(split="dev", num_train=-1)
    with pytest.raises(ConfigError, match=r"dataset='pets' is unknown; known: .*voc12"):
        LinearSegmentationConfig(dataset="pets")
    void = write_blocks(tmp_path / "void", void=1.0)
    with pytest.raises(BenchmarkError, match="nothing but ignored pixels"):
        _score(void)


@pytest.mark.real_data
def test_raw_colours_find_sky_and_road_in_camvid(real_data: Path) -> None:
    torch.manual_seed(0)
    matcher = CosineMatcher(RgbEncoder(stride=12, patch=4))
    scores = _score(real_data / "camvid", matcher=matcher, num_train=10, num_test=4)
    iou = {row["class"].lower(): row["iou"] for row in scores.rows}
    assert iou["sky"] > 30
    assert iou["road"] > 30
    assert scores.protocol["classes"] == CLASSES
