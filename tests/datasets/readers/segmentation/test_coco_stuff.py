"""COCO-Stuff from both kinds of maps: what a number means differs, the classes agree."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.segmentation import SEGMENTATION_SETS, open_images

NUMBERS = ("000000000139", "000000000285")
COARSE = SEGMENTATION_SETS["coco-stuff"].classes
FINE = SEGMENTATION_SETS["coco-stuff-171"].classes


@pytest.fixture(params=["images/val2017", "val2017", "coco/images/val2017"])
def coco(request: pytest.FixtureRequest, tmp_path: Path, picture: Callable) -> Path:
    for number in NUMBERS:
        picture(tmp_path / request.param / f"{number}.jpg")
    return tmp_path


@pytest.mark.parametrize("place", ["annotations", "annotations/annotations/stuff_annotations"])
def test_pixelmaps_hold_ids_and_0_for_things(place: str, coco: Path, grey_map: Callable, read_all: Callable) -> None:
    for number in NUMBERS:
        # things, banner, branch, grass, sky-other, wood, other
        grey_map(coco / place / "stuff_val2017_pixelmaps" / f"{number}.png", [0, 92, 94, 124, 157, 182, 183])
    images = read_all(open_images("coco-stuff", coco, "val"))
    assert tuple(images) == NUMBERS
    kinds = [COARSE.index(kind) for kind in ("textile", "plant", "plant", "sky", "solid")]
    assert np.array_equal(images[NUMBERS[0]].label_HW, np.resize([255, *kinds, 255], (6, 8)))


@pytest.mark.parametrize("place", ["stuffthingmaps", "annotations"])
def test_stuffthingmaps_hold_ids_less_one(place: str, coco: Path, grey_map: Callable, read_all: Callable) -> None:
    for number in NUMBERS:
        # person, toothbrush, banner, branch, grass, sky-other, wood, unlabelled
        grey_map(coco / place / "val2017" / f"{number}.png", [0, 89, 91, 93, 123, 156, 181, 255])
        grey_map(coco / place / "val2017" / f"{number}_labelTrainIds.png", [0])
    coarse = read_all(open_images("coco-stuff", coco, "val"))
    kinds = [COARSE.index(kind) for kind in ("textile", "plant", "plant", "sky", "solid")]
    assert np.array_equal(coarse[NUMBERS[0]].label_HW, np.resize([255, 255, *kinds, 255], (6, 8)))
    fine = read_all(open_images("coco-stuff-171", coco, "val"))
    names = ("person", "toothbrush", "banner", "branch", "grass", "sky-other", "wood")
    assert np.array_equal(fine[NUMBERS[1]].label_HW, np.resize([*map(FINE.index, names), 255], (6, 8)))
    assert (FINE[0], FINE[79], FINE[80], FINE[170]) == ("person", "toothbrush", "banner", "wood")


def test_a_map_without_its_image_is_named(coco: Path, grey_map: Callable) -> None:
    for number in (*NUMBERS, "000000000632"):
        grey_map(coco / "annotations" / "stuff_val2017_pixelmaps" / f"{number}.png", [92])
    with pytest.raises(DataError, match=r"val2017 lacks 000000000632\.jpg; .*cocodataset\.org"):
        open_images("coco-stuff", coco, "val")


def test_as_many_images_as_coco_left_blank_may_lack_a_map(coco: Path, grey_map: Callable, picture: Callable) -> None:
    grey_map(coco / "annotations" / "stuff_val2017_pixelmaps" / f"{NUMBERS[0]}.png", [92])
    images = next(coco.rglob(f"{NUMBERS[1]}.jpg")).parent
    for number in range(6):
        picture(images / f"{number:012d}.jpg")
    assert len(open_images("coco-stuff", coco, "val")) == 1
    picture(images / "000000000007.jpg")
    with pytest.raises(DataError, match=r"stuff_val2017_pixelmaps lacks 000000000000\.png, .* and 5 more"):
        open_images("coco-stuff", coco, "val")


def test_numbers_of_things_that_coco_never_labelled_are_refused(coco: Path, grey_map: Callable) -> None:
    for number in NUMBERS:
        grey_map(coco / "stuffthingmaps" / "val2017" / f"{number}.png", [11])
    for name in ("coco-stuff", "coco-stuff-171"):
        with pytest.raises(DataError, match="has the label 11"):
            open_images(name, coco, "val")[0]


def test_maps_that_are_absent_are_told(coco: Path) -> None:
    with pytest.raises(DataError, match=r"has none of stuff_val2017_pixelmaps, .*stuffthingmaps/val2017"):
        open_images("coco-stuff", coco, "val")
