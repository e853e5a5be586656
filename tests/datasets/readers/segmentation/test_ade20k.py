"""ADE20K: classes are numbered from 1 and 0 is ignored; grey JPEGs become RGB."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.segmentation import SEGMENTATION_SETS, open_images


@pytest.fixture
def ade20k(tmp_path: Path, picture: Callable, grey_map: Callable) -> Path:
    base = tmp_path / "ADEChallengeData2016"
    for folder, names in (
        ("training", ("ADE_train_00000001", "ADE_train_00000002")),
        ("validation", ("ADE_val_00000001",)),
    ):
        for name in names:
            picture(base / "images" / folder / f"{name}.jpg")
            grey_map(base / "annotations" / folder / f"{name}.png", [0, 1, 2, 149, 150])
    return tmp_path


def test_class_k_is_stored_as_k_plus_1(ade20k: Path, read_all: Callable) -> None:
    for root in (ade20k, ade20k / "ADEChallengeData2016"):
        images = read_all(open_images("ade20k", root, "train"))
        assert list(images) == ["ADE_train_00000001", "ADE_train_00000002"]
        expected = np.resize([255, 0, 1, 148, 149], (6, 8))
        assert all(np.array_equal(item.label_HW, expected) for item in images.values())
    assert len(open_images("ade20k", ade20k, "val")) == 1
    classes = SEGMENTATION_SETS["ade20k"].classes
    assert (classes[0], classes[12], classes[149]) == ("wall", "person", "flag")


def test_a_grey_photograph_becomes_rgb(ade20k: Path) -> None:
    path = ade20k / "ADEChallengeData2016" / "images" / "validation" / "ADE_val_00000001.jpg"
    Image.fromarray(np.full((6, 8), 77, np.uint8)).save(path)
    assert (open_images("ade20k", ade20k, "val")[0].image_HWC == 77).all()


def test_a_label_beyond_150_and_a_size_that_differs_are_named(
    ade20k: Path, grey_map: Callable, picture: Callable
) -> None:
    base = ade20k / "ADEChallengeData2016"
    grey_map(base / "annotations" / "training" / "ADE_train_00000001.png", [151])
    picture(base / "images" / "training" / "ADE_train_00000002.jpg", size_hw=(6, 9))
    images = open_images("ade20k", ade20k, "train")
    with pytest.raises(DataError, match=r"ADE_train_00000001\.png has the label 151"):
        images[0]
    with pytest.raises(DataError, match=r"ADE_train_00000002\.jpg has 9 x 6 pixels; expected 8 x 6"):
        images[1]


def test_an_empty_folder_of_maps_is_told(ade20k: Path) -> None:
    base = ade20k / "ADEChallengeData2016"
    for path in (base / "images/validation/ADE_val_00000001.jpg", base / "annotations/validation/ADE_val_00000001.png"):
        path.unlink()
    with pytest.raises(DataError, match=r"no \*\.png in .*annotations/validation; expected .*sceneparsing"):
        open_images("ade20k", ade20k, "val")
