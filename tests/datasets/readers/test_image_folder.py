"""Folders of classes: numbered alike in every split, images at any depth, nothing else."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.image_folder import open_image_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(
        ("train/n02/b.JPEG", "train/n02/deep/a.png", "train/n01/c.jpg", "val/n01/d.jpg", "val/n02/e.webp")
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 5, 3), 30 * number, np.uint8)).save(path)
    (tmp_path / "train" / "n01" / "._c.jpg").touch()
    (tmp_path / "train" / "n01" / "notes.txt").touch()
    (tmp_path / "train" / ".cache").mkdir()
    return tmp_path


def test_classes_are_numbered_by_name(folder: Path) -> None:
    images = open_image_folder(folder, "train")
    assert images.classes == ["n01", "n02"]
    assert images.class_number_N.tolist() == [0, 1, 1]
    found = [images[i] for i in range(len(images))]
    assert [item.name for item in found] == ["n01/c.jpg", "n02/b.JPEG", "n02/deep/a.png"]
    assert [item.class_number for item in found] == [0, 1, 1]
    assert (found[2].image_HWC == 30).all()
    assert open_image_folder(folder, "val").class_number_N.tolist() == [0, 1]


def test_a_split_of_other_classes_is_refused(folder: Path) -> None:
    (folder / "val" / "n01").rename(folder / "val" / "n03")
    with pytest.raises(DataError, match=r"val has 2 classes and .*train has 2: n01 is in one of them only"):
        open_image_folder(folder, "val")


def test_empty_flat_and_absent_folders_are_named(folder: Path) -> None:
    (folder / "val" / "n01" / "d.jpg").rename(folder / "val" / "d.jpg")
    with pytest.raises(DataError, match=r"val/n01 has no image; expected under the folder: train/<class>/<image>"):
        open_image_folder(folder, "val")
    (folder / "flat" / "val").mkdir(parents=True)
    (folder / "val" / "d.jpg").rename(folder / "flat" / "val" / "d.jpg")
    with pytest.raises(DataError, match=r"flat/val has no folders; .*sorted into folders by class"):
        open_image_folder(folder / "flat", "val")
    with pytest.raises(DataError, match=r"flat has no folder train"):
        open_image_folder(folder / "flat", "train")
    with pytest.raises(DataError, match=r"nowhere does not exist"):
        open_image_folder(folder / "nowhere", "train")


def test_a_damaged_image_is_named_when_it_is_asked_for(folder: Path) -> None:
    (folder / "train" / "n01" / "c.jpg").write_bytes(b"not a jpeg")
    images = open_image_folder(folder, "train")
    with pytest.raises(DataError, match=r"cannot decode .*n01/c\.jpg"):
        images[0]
