"""Images and maps of one name make a labelled image; unknown numbers are refused."""

import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.segmentation.folders import NamedFiles
from densewalk.datasets.readers.segmentation.masked_images import (
    MaskedImages,
    class_table,
    read_classes,
    read_named_classes,
)


def test_numbers_become_classes_by_a_table(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(np.array([[0, 2], [5, 2]], np.uint8)).save(path)
    table = class_table({0: 255, 2: 0, 5: 1})
    assert read_classes(path, table).tolist() == [[255, 0], [1, 0]]
    for unknown in (1, 6, 255):
        Image.fromarray(np.array([[0, 2], [unknown, 2]], np.uint8)).save(path)
        with pytest.raises(DataError, match=rf"a\.png has the label {unknown} at row 1, column 0; .* as 0, 2, 5"):
            read_classes(path, table)


def test_a_map_of_16_bits_is_not_wrapped_to_8(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(np.array([[256, 2]], np.uint16)).save(path)
    with pytest.raises(DataError, match="has the label 256"):
        read_classes(path, class_table({0: 0, 2: 1}))


def test_images_are_opened_when_asked_for_and_travel_to_workers(
    tmp_path: Path, picture: Callable, grey_map: Callable
) -> None:
    names = ["a", "b"]
    masks = NamedFiles(tmp_path / "m", ".png")
    made = MaskedImages(
        classes=["x", "y"],
        names=names,
        images=NamedFiles(tmp_path / "i", ".jpg"),
        read_labels=partial(read_named_classes, masks, class_table({0: 0, 1: 1})),
    )
    images = pickle.loads(pickle.dumps(made))
    assert len(images) == 2
    picture(tmp_path / "i" / "b.jpg")
    grey_map(tmp_path / "m" / "b.png", [0, 1])
    assert images[1].name == images[-1].name == "b"
    assert np.array_equal(images[1].label_HW, np.resize([0, 1], (6, 8)))
    with pytest.raises(DataError, match=r"m/a\.png does not exist"):
        images[0]
    with pytest.raises(IndexError):
        images[2]
