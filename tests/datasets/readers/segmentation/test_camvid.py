"""CamVid as SegNet's repository has it, with and without its lists; 11 is void."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.segmentation import SEGMENTATION_SETS, open_images


@pytest.fixture
def camvid(tmp_path: Path, picture: Callable, grey_map: Callable) -> Path:
    for split, names in (("train", ("0001TP_006690", "0006R0_f00930")), ("val", ("0016E5_07959",))):
        for name in names:
            picture(tmp_path / "CamVid" / split / f"{name}.png")
            grey_map(tmp_path / "CamVid" / f"{split}annot" / f"{name}.png", range(12))
    return tmp_path / "CamVid"


def test_void_is_ignored_and_classes_keep_their_numbers(camvid: Path, read_all: Callable, picture: Callable) -> None:
    for root in (camvid, camvid.parent):
        images = read_all(open_images("camvid", root, "train"))
        assert list(images) == ["0001TP_006690", "0006R0_f00930"]
        item = images["0006R0_f00930"]
        expected = np.resize(range(12), (6, 8))
        assert np.array_equal(item.label_HW, np.where(expected == 11, 255, expected))
        assert np.array_equal(item.image_HWC, picture(camvid.parent / "again.png"))
    assert len(open_images("camvid", camvid.parent, "val")) == 1
    assert SEGMENTATION_SETS["camvid"].classes[3] == "road"


def test_a_list_decides_which_images_are_of_the_split(camvid: Path) -> None:
    line = "/SegNet/CamVid/train/{0}.png /SegNet/CamVid/trainannot/{0}.png\n"
    (camvid / "train.txt").write_text(line.format("0006R0_f00930"))
    images = open_images("camvid", camvid, "train")
    assert [images[i].name for i in range(len(images))] == ["0006R0_f00930"]
    (camvid / "train.txt").write_text(line.format("0006R0_f00930") + line.format("0001TP_000001"))
    with pytest.raises(DataError, match=r"/train lacks 0001TP_000001\.png; expected under the folder: .*SegNet"):
        open_images("camvid", camvid, "train")
    for text, message in (("", "is empty"), (2 * line.format("0006R0_f00930"), "names 1 images twice")):
        (camvid / "train.txt").write_text(text)
        with pytest.raises(DataError, match=message):
            open_images("camvid", camvid, "train")


def test_half_of_a_pair_is_named(camvid: Path) -> None:
    (camvid / "trainannot" / "0006R0_f00930.png").unlink()
    with pytest.raises(DataError, match=r"trainannot lacks 0006R0_f00930\.png"):
        open_images("camvid", camvid, "train")
    (camvid / "val" / "0016E5_07959.png").unlink()
    with pytest.raises(DataError, match=r"/val lacks 0016E5_07959\.png"):
        open_images("camvid", camvid, "val")


def test_labels_of_the_32_class_version_are_refused(camvid: Path, grey_map: Callable) -> None:
    grey_map(camvid / "trainannot" / "0001TP_006690.png", [0, 31])
    images = open_images("camvid", camvid, "train")
    with pytest.raises(DataError, match=r"0001TP_006690\.png has the label 31 at row 0, column 1; expected .*10, 11"):
        images[0]


@pytest.mark.real_data
def test_the_real_images_are_read(real_data: Path, read_all: Callable[[Any], dict]) -> None:
    images = read_all(open_images("camvid", real_data / "camvid", "val"))
    assert images
    assert {item.label_HW.shape for item in images.values()} == {(360, 480)}
    count_of = np.bincount(np.concatenate([item.label_HW.ravel() for item in images.values()]), minlength=256)
    share_of = count_of / count_of.sum()
    assert share_of[3] > 0.15  # road
    assert share_of[255] < 0.1
    assert not count_of[11:255].any()
