"""VIP: one confusion matrix of 20 classes over the whole data set."""

from pathlib import Path

import numpy as np
import pytest

from densewalk.datasets.errors import BenchmarkError, DataError
from densewalk.datasets.readers.video_masks.mask_files import read_mask
from densewalk.ssl.evaluate.baselines import baseline
from densewalk.ssl.evaluate.benchmark import comparable
from densewalk.ssl.evaluate.mask_folder import MaskFolder
from densewalk.ssl.evaluate.notebook import Notebook
from densewalk.ssl.evaluate.vip import KIND, Vip, VipConfig
from densewalk.ssl.propagate.config import PropagationConfig
from tests.video_mask_layouts import save_masks, save_vip


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return save_vip(tmp_path / "VIP_Fine")


def _labels(root: Path) -> dict[str, dict[str, np.ndarray]]:
    folders = sorted((root / "Annotations/Category_ids").iterdir())
    return {f.name: {path.stem: read_mask(path) for path in sorted(f.glob("*.png"))} for f in folders}


def _published_miou(truth: np.ndarray, predicted: np.ndarray) -> float:
    """eval_vip.py's rule: rows are true classes, classes that neither has are not a number and left out."""
    count = np.bincount(20 * truth.astype(int) + predicted, minlength=400).reshape(20, 20)
    with np.errstate(invalid="ignore"):
        return 100 * float(np.nanmean(count.diagonal() / (count.sum(1) + count.sum(0) - count.diagonal())))


def test_the_true_labels_score_a_hundred_on_the_classes_that_occur(root: Path) -> None:
    scores = Vip(VipConfig(data=root))(MaskFolder(root / "Annotations/Category_ids"), subject="oracle")
    assert scores.scalars["mIoU"] == scores.scalars["fIoU"] == scores.scalars["pixel_accuracy"] == 100
    assert [row["class"] for row in scores.rows] == ["background", "hair", "face", "left-shoe"]


def test_the_mean_is_over_classes_of_one_confusion_of_all_frames(root: Path, tmp_path: Path) -> None:
    truth, made = _labels(root), {}
    for name, labels in truth.items():
        made[name] = {stem: np.roll(label, 4, 1) for stem, label in labels.items()}
        made[name][next(iter(labels))][0, 0] = 5  # a class that the truth never has counts, with no overlap
        save_masks(tmp_path / "made" / name, made[name])
    flat = [np.concatenate([m.ravel() for video in v.values() for m in video.values()]) for v in (truth, made)]
    scores = Vip(VipConfig(data=root))(MaskFolder(tmp_path / "made"), subject="made")
    assert scores.scalars["mIoU"] == pytest.approx(_published_miou(*flat))
    assert [row["iou"] for row in scores.rows if row["class"] == "dress"] == [0]


def test_empty_labels_are_right_on_the_background_alone(root: Path, tmp_path: Path) -> None:
    for name, labels in _labels(root).items():
        save_masks(tmp_path / "made" / name, {stem: np.zeros_like(label) for stem, label in labels.items()})
    scores = Vip(VipConfig(data=root))(MaskFolder(tmp_path / "made"), subject="empty")
    assert [row["iou"] for row in scores.rows][1:] == [0, 0, 0]
    assert scores.scalars["mIoU"] == pytest.approx(scores.rows[0]["iou"] / 4)


def test_permuted_labels_score_nothing_on_what_was_permuted(root: Path, tmp_path: Path) -> None:
    order = np.arange(20, dtype=np.uint8)
    order[[2, 13, 19]] = 13, 19, 2
    for name, labels in _labels(root).items():
        save_masks(tmp_path / "made" / name, {stem: order[label] for stem, label in labels.items()})
    rows = Vip(VipConfig(data=root))(MaskFolder(tmp_path / "made"), subject="permuted").rows
    assert [row["iou"] for row in rows] == [100, 0, 0, 0]


def test_parts_are_propagated_and_kept_twice_alike(root: Path, tmp_path: Path) -> None:
    config = VipConfig(data=root, propagation=PropagationConfig(size_hw=(32, 48)))
    notebook = Notebook(tmp_path / "kept")
    scores = Vip(config)(baseline("rgb"), subject="rgb", notebook=notebook)
    assert scores.scalars["mIoU"] > 60
    assert Vip(config)(baseline("rgb"), subject="rgb").rows == scores.rows
    assert "videos20.jpg" in notebook.pictures.values()
    assert (tmp_path / "kept/videos.csv").read_text().startswith("video,mIoU\n")
    assert not comparable(scores, Vip(VipConfig(data=root))(MaskFolder(root / "Annotations/Category_ids"), subject="o"))


def test_an_unknown_category_is_named(root: Path) -> None:
    save_masks(root / "Annotations/Category_ids/videos3", {"000000000026": np.full((32, 48), 20, np.uint8)})
    with pytest.raises(DataError, match=r"26\.png holds category 20; expected 0 to 19"):
        Vip(VipConfig(data=root))(MaskFolder(root / "Annotations/Category_ids"), subject="oracle")


def test_presets_are_published_settings_at_the_size_of_vip() -> None:
    uvc, crw = KIND.presets["uvc"]().propagation, KIND.presets["crw"]().propagation
    assert (uvc.size_hw, uvc.context, uvc.top_k) == ((560, 560), 1, 5)
    assert (crw.size_hw, crw.context, crw.top_k) == ((560, 560), 20, 10)
    assert KIND.presets["siammae"]().propagation.size_hw == (880, 880)
    with pytest.raises(BenchmarkError, match=r"vip needs --data PATH: .*Category_ids"):
        Vip(VipConfig())
