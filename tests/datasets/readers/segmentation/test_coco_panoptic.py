"""COCO panoptic: segment ids in colours and their categories; converted maps give the same labels."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.segmentation import SEGMENTATION_SETS, open_images
from densewalk.datasets.readers.segmentation.coco_categories import PANOPTIC_STUFF

NUMBERS = ("000000000139", "000000000285")
CATEGORY_OF_SEGMENT = {3226956: 1, 6979964: 18, 256: 92, 255: 200, 1: 1}
"""A person, a dog, banner, rug, and a crowd of persons."""
SEGMENT_HW = np.resize([0, 3226956, 6979964, 256, 255, 1, 1], (6, 8))


@pytest.fixture
def coco(tmp_path: Path, picture: Callable) -> Path:
    annotations = tmp_path / "annotations"
    (annotations / "panoptic_val2017").mkdir(parents=True)
    color_HWC = np.stack([SEGMENT_HW >> shift & 255 for shift in (0, 8, 16)], axis=2).astype(np.uint8)
    for number in NUMBERS:
        picture(tmp_path / "images" / "val2017" / f"{number}.jpg")
        Image.fromarray(color_HWC).save(annotations / "panoptic_val2017" / f"{number}.png")
    _write_json(tmp_path, CATEGORY_OF_SEGMENT)
    return tmp_path


def _write_json(root: Path, category_of_segment: dict[int, int], numbers: tuple[str, ...] = NUMBERS) -> None:
    segments = [
        {"id": number, "category_id": category, "iscrowd": int(number == 1), "bbox": [0, 0, 8, 6], "area": 9}
        for number, category in category_of_segment.items()
    ]
    content: dict[str, Any] = {
        "info": {"description": "COCO 2018 Panoptic Dataset"},
        "images": [{"id": int(number), "file_name": f"{number}.jpg", "height": 6, "width": 8} for number in numbers],
        "annotations": [
            {"segments_info": segments, "file_name": f"{number}.png", "image_id": int(number)} for number in numbers
        ],
        "categories": [{"supercategory": "person", "isthing": 1, "id": 1, "name": "person", "color": [1, 2, 3]}],
    }
    (root / "annotations" / "panoptic_val2017.json").write_text(json.dumps(content))


def _expected(class_of: dict[int, int]) -> np.ndarray:
    return np.vectorize(lambda segment: class_of[CATEGORY_OF_SEGMENT[segment]] if segment else 255)(SEGMENT_HW)


def test_every_thing_is_class_0_and_stuff_follows_in_order_of_ids(coco: Path, read_all: Callable) -> None:
    images = read_all(open_images("coco-panoptic", coco, "val"))
    assert tuple(images) == NUMBERS
    assert np.array_equal(images[NUMBERS[0]].label_HW, _expected({1: 0, 18: 0, 92: 1, 200: 53}))
    classes = SEGMENTATION_SETS["coco-panoptic"].classes
    assert (classes[0], classes[1], classes[53]) == ("things", "banner", "rug-merged")


def test_things_are_their_supercategories_and_stuff_is_ignored(coco: Path, read_all: Callable) -> None:
    images = read_all(open_images("coco-things", coco, "val"))
    person, animal = (SEGMENTATION_SETS["coco-things"].classes.index(name) for name in ("person", "animal"))
    expected = _expected({1: person, 18: animal, 92: 255, 200: 255})
    assert np.array_equal(images[NUMBERS[1]].label_HW, expected)


def test_converted_maps_give_the_same_labels(coco: Path, read_all: Callable) -> None:
    category_HW = np.vectorize(lambda segment: CATEGORY_OF_SEGMENT.get(segment, 0))(SEGMENT_HW)
    stuff = {number: i + 1 for i, number in enumerate(PANOPTIC_STUFF)}
    detectron = np.vectorize(lambda category: stuff.get(category, 0) if category else 255)(category_HW)
    for name, folder, plane in (
        ("coco-things", "annotations/panoptic_annotations/semantic_segmentation_val2017", category_HW),
        ("coco-panoptic", "panoptic_stuff_val2017", detectron),
    ):
        before = read_all(open_images(name, coco, "val"))
        (coco / folder).mkdir(parents=True)
        for number in NUMBERS:
            Image.fromarray(plane.astype(np.uint8)).save(coco / folder / f"{number}.png")
        (coco / "annotations" / "panoptic_val2017.json").rename(coco / "away.json")
        after = read_all(open_images(name, coco, "val"))
        assert all(np.array_equal(before[number].label_HW, after[number].label_HW) for number in NUMBERS)
        (coco / "away.json").rename(coco / "annotations" / "panoptic_val2017.json")


def test_a_json_of_some_images_opens_these(coco: Path) -> None:
    _write_json(coco, CATEGORY_OF_SEGMENT, NUMBERS[1:])
    images = open_images("coco-panoptic", coco, "val")
    assert [images[i].name for i in range(len(images))] == [NUMBERS[1]]


def test_a_segment_that_the_json_lacks_is_refused(coco: Path) -> None:
    _write_json(coco, {number: kind for number, kind in CATEGORY_OF_SEGMENT.items() if number != 6979964})
    images = open_images("coco-panoptic", coco, "val")
    with pytest.raises(DataError, match=rf"{NUMBERS[0]}\.png has the segment 6979964, which .* does not list"):
        images[0]


def test_files_that_are_absent_or_no_panoptic_json_are_named(coco: Path) -> None:
    path = coco / "annotations" / "panoptic_val2017.json"
    for content in ("{}", "[]", "{", '{"annotations": [{"file_name": "a.png"}]}'):
        path.write_text(content)
        with pytest.raises(DataError, match=r"panoptic_val2017\.json is no COCO panoptic json"):
            open_images("coco-panoptic", coco, "val")
    _write_json(coco, {7: 12})
    with pytest.raises(DataError, match=r"is no COCO panoptic json \(KeyError: 12\)"):
        open_images("coco-panoptic", coco, "val")
    _write_json(coco, CATEGORY_OF_SEGMENT, (*NUMBERS, "000000000632"))
    with pytest.raises(DataError, match=r"panoptic_val2017 lacks 000000000632\.png"):
        open_images("coco-panoptic", coco, "val")
    path.unlink()
    with pytest.raises(DataError, match=r"has none of panoptic_val2017\.json"):
        open_images("coco-panoptic", coco, "val")
