"""Cityscapes: label ids become train ids, as do maps of train ids; cities are folders."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.segmentation import SEGMENTATION_SETS, open_images

TRAIN_ID_OF = {7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10, 24: 11, 25: 12, 26: 13,
               27: 14, 28: 15, 31: 16, 32: 17, 33: 18}  # fmt: skip
FRAMES = ("frankfurt/frankfurt_000000_000294", "lindau/lindau_000001_000019")


@pytest.fixture
def cityscapes(tmp_path: Path, picture: Callable, grey_map: Callable) -> Path:
    for name in FRAMES:
        picture(tmp_path / "leftImg8bit" / "val" / f"{name}_leftImg8bit.png")
        grey_map(tmp_path / "gtFine" / "val" / f"{name}_gtFine_labelIds.png", range(34))
        grey_map(tmp_path / "gtFine" / "val" / f"{name}_gtFine_instanceIds.png", range(34))
        picture(tmp_path / "gtFine" / "val" / f"{name}_gtFine_color.png")
    return tmp_path


def test_label_ids_become_the_19_train_ids(cityscapes: Path, read_all: Callable) -> None:
    images = read_all(open_images("cityscapes", cityscapes, "val"))
    assert tuple(images) == FRAMES
    expected = np.resize([TRAIN_ID_OF.get(number, 255) for number in range(34)], (6, 8))
    assert np.array_equal(images[FRAMES[1]].label_HW, expected)
    assert SEGMENTATION_SETS["cityscapes"].classes[13] == "car"


def test_maps_of_train_ids_are_read_where_there_are_no_others(
    cityscapes: Path, read_all: Callable, grey_map: Callable
) -> None:
    for name in FRAMES:
        path = cityscapes / "gtFine" / "val" / f"{name}_gtFine_labelIds.png"
        path.unlink()
        grey_map(path.with_name(path.name.replace("labelIds", "labelTrainIds")), [*range(19), 255])
    images = read_all(open_images("cityscapes", cityscapes, "val"))
    assert np.array_equal(images[FRAMES[0]].label_HW, np.resize([*range(19), 255], (6, 8)))


def test_a_frame_without_its_map_is_named(cityscapes: Path) -> None:
    (cityscapes / "gtFine" / "val" / f"{FRAMES[1]}_gtFine_labelIds.png").unlink()
    with pytest.raises(DataError, match=r"val lacks lindau/lindau_000001_000019_gtFine_labelIds\.png; .*cityscapes"):
        open_images("cityscapes", cityscapes, "val")
    with pytest.raises(DataError, match="has none of leftImg8bit/train"):
        open_images("cityscapes", cityscapes, "train")


def test_an_unknown_label_id_is_refused(cityscapes: Path, grey_map: Callable) -> None:
    grey_map(cityscapes / "gtFine" / "val" / f"{FRAMES[0]}_gtFine_labelIds.png", [7, 7, 34])
    with pytest.raises(DataError, match="has the label 34 at row 0, column 2"):
        open_images("cityscapes", cityscapes, "val")[0]
