"""VOC: palette maps with borders, the augmented split by list or by SBD's lists, never an image of val in train."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.segmentation import open_images

TRAIN, EXTRA, VAL = "2007_000032", "2008_000008", "2007_000033"


@pytest.fixture
def voc(tmp_path: Path, picture: Callable, grey_map: Callable) -> Path:
    base = tmp_path / "VOCdevkit" / "VOC2012"
    for name in (TRAIN, EXTRA, VAL, "2009_000001"):
        picture(base / "JPEGImages" / f"{name}.jpg")
    for name, numbers in ((TRAIN, [0, 1, 255]), (VAL, [0, 20, 255])):
        _palette(base / "SegmentationClass" / f"{name}.png", numbers)
    grey_map(base / "SegmentationClassAug" / f"{EXTRA}.png", [0, 15])
    lists = base / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text(f"{TRAIN}\n")
    (lists / "val.txt").write_text(f"{VAL}\n")
    return tmp_path


def _palette(path: Path, numbers: list[int]) -> None:
    """Write a palette PNG as the devkit has them: colours that are not the numbers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.resize(np.array(numbers, np.uint8), (6, 8)), mode="P")
    image.putpalette(np.random.default_rng(0).integers(0, 256, 768, dtype=np.uint8).tobytes())
    image.save(path)


def test_val_is_read_from_palette_maps_with_borders_ignored(voc: Path, read_all: Callable) -> None:
    for root in (voc, voc / "VOCdevkit" / "VOC2012", voc / "VOCdevkit"):
        (item,) = read_all(open_images("voc12", root, "val")).values()
        assert item.name == VAL
        assert np.array_equal(item.label_HW, np.resize([0, 20, 255], (6, 8)))


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (
            "SegmentationAug/train_aug.txt",
            "/JPEGImages/{0}.jpg /SegmentationClassAug/{0}.png",
        ),
        ("Segmentation/trainaug.txt", "{0}"),
    ],
)
def test_train_is_the_augmented_list(place: str, line: str, voc: Path, read_all: Callable) -> None:
    path = voc / "VOCdevkit" / "VOC2012" / "ImageSets" / place
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(line.format(name) + "\n" for name in (EXTRA, TRAIN)))
    images = read_all(open_images("voc12", voc, "train"))
    assert np.array_equal(images[EXTRA].label_HW, np.resize([0, 15], (6, 8)))
    assert np.array_equal(images[TRAIN].label_HW, np.resize([0, 1, 255], (6, 8)))


def test_the_folder_of_open_hummingbird_eval_is_read(voc: Path, read_all: Callable) -> None:
    base = (voc / "VOCdevkit" / "VOC2012").rename(voc / "VOCSegmentation")
    (base / "JPEGImages").rename(base / "images")
    (base / "ImageSets" / "Segmentation").rename(base / "sets")
    (base / "sets" / "trainaug.txt").write_text(f"{EXTRA}\n{TRAIN}")
    for root in (voc, base):
        assert list(read_all(open_images("voc12", root, "train"))) == [TRAIN, EXTRA]
        assert list(read_all(open_images("voc12", root, "val"))) == [VAL]


def test_augmented_maps_come_before_the_original_ones(voc: Path, grey_map: Callable, read_all: Callable) -> None:
    base = voc / "VOCdevkit" / "VOC2012"
    (base / "ImageSets" / "Segmentation" / "trainaug.txt").write_text(f"{TRAIN}\n")
    grey_map(base / "SegmentationClassAug" / f"{TRAIN}.png", [0, 7])
    assert np.array_equal(read_all(open_images("voc12", voc, "train"))[TRAIN].label_HW, np.resize([0, 7], (6, 8)))


@pytest.mark.parametrize("place", ["benchmark_RELEASE/dataset", "VOCdevkit/VOCaug/dataset"])
def test_train_is_composed_of_the_lists_of_sbd_without_val(place: str, voc: Path, read_all: Callable) -> None:
    (voc / place).mkdir(parents=True)
    (voc / place / "train.txt").write_text(f"{EXTRA}\n{VAL}\n")
    (voc / place / "val.txt").write_text(f"{TRAIN}\n")
    assert list(read_all(open_images("voc12", voc, "train"))) == [TRAIN, EXTRA]


def test_a_list_that_holds_images_of_val_is_refused(voc: Path) -> None:
    path = voc / "VOCdevkit" / "VOC2012" / "ImageSets" / "Segmentation" / "trainaug.txt"
    path.write_text(f"{TRAIN}\n{VAL}\n")
    with pytest.raises(DataError, match=rf"trainaug\.txt has 1 images of val\.txt, {VAL} first; expected train_aug"):
        open_images("voc12", voc, "train")


def test_what_is_absent_is_named_with_where_to_get_it(voc: Path) -> None:
    with pytest.raises(DataError, match=r"has none of benchmark_RELEASE/dataset.*SegmentationAug.*host\.robots\.ox"):
        open_images("voc12", voc, "train")
    base = voc / "VOCdevkit" / "VOC2012"
    (base / "ImageSets" / "Segmentation" / "trainaug.txt").write_text(f"{TRAIN}\n2009_000001\n2011_000009\n")
    with pytest.raises(DataError, match=r"JPEGImages lacks 2011_000009\.jpg"):
        open_images("voc12", voc, "train")
    (base / "ImageSets" / "Segmentation" / "trainaug.txt").write_text(f"{TRAIN}\n2009_000001\n")
    with pytest.raises(DataError, match=r"SegmentationClassAug lacks 2009_000001\.png"):
        open_images("voc12", voc, "train")
    (base / "SegmentationClass" / f"{VAL}.png").unlink()
    with pytest.raises(DataError, match=rf"SegmentationClass lacks {VAL}\.png"):
        open_images("voc12", voc, "val")
