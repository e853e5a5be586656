"""NYU-Depth v2 as BTS and its followers keep it: lists, folders, millimetres, unknown depth."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.readers.nyu import EIGEN_CROP, DepthImages, open_nyu

LINES = [
    ("/kitchen_0028b/rgb_00045.jpg", "/kitchen_0028b/sync_depth_00045.png"),
    ("bathroom/rgb_00012.jpg", "bathroom/sync_depth_00012.png"),
]
MILLIMETRE_HW = np.array([[0, 1, 1000], [9999, 713, 65535]], np.uint16)


def _write(root: Path, *, listed: str, folder: str, lines: list[tuple[str, str]] = LINES) -> Path:
    for image, depth in lines:
        for path in (root / folder / image.lstrip("/"), root / folder / depth.lstrip("/")):
            path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((2, 3, 3), 80, np.uint8)).save(root / folder / image.lstrip("/"))
        Image.fromarray(MILLIMETRE_HW).save(root / folder / depth.lstrip("/"))
    (root / listed).parent.mkdir(parents=True, exist_ok=True)
    (root / listed).write_text("".join(f"{image} {depth} 518.8579\n" for image, depth in lines))
    return root


@pytest.mark.parametrize(
    ("split", "listed", "folder"),
    [
        ("train", "nyudepthv2_train_files_with_gt.txt", "sync"),
        ("train", "nyu_train.txt", "."),
        ("test", "train_test_inputs/nyudepthv2_test_files_with_gt.txt", "official_splits/test"),
        ("test", "nyu_test.txt", "test"),
    ],
)
def test_lists_and_folders_in_use_are_read(split: str, listed: str, folder: str, tmp_path: Path) -> None:
    images = open_nyu(_write(tmp_path, listed=listed, folder=folder), split)
    assert isinstance(images, DepthImages)
    assert [images[i].name for i in range(len(images))] == ["bathroom/rgb_00012", "kitchen_0028b/rgb_00045"]
    item = images[1]
    assert item.image_HWC.shape == (2, 3, 3)
    assert item.depth_HW.dtype == np.float32
    assert item.depth_HW == pytest.approx(np.array([[0, 0.001, 1], [9.999, 0.713, 65.535]]))


def test_eigens_crop_is_the_published_one() -> None:
    inside_HW = np.zeros((480, 640), bool)
    inside_HW[EIGEN_CROP] = True
    assert inside_HW[45, 41]
    assert inside_HW[470, 600]
    assert inside_HW.sum() == 426 * 560


def test_what_is_absent_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no list nyudepthv2_test_files_with_gt\.txt or .*cs\.nyu\.edu"):
        open_nyu(tmp_path, "test")
    (tmp_path / "nyu_depth_v2_labeled.mat").touch()
    with pytest.raises(DataError, match=r"nyu_depth_v2_labeled\.mat is what BTS makes these files of"):
        open_nyu(tmp_path, "test")
    _write(tmp_path, listed="nyu_test.txt", folder="test")
    (tmp_path / "test" / "bathroom" / "sync_depth_00012.png").unlink()
    with pytest.raises(DataError, match=r"lacks test/bathroom/sync_depth_00012\.png"):
        open_nyu(tmp_path, "test")
    with pytest.raises(ConfigError, match="unknown split of NYU-Depth v2 'val'; known: test, train"):
        open_nyu(tmp_path, "val")


@pytest.mark.parametrize("text", ["", "one\n", "a b c d\n"])
def test_a_list_of_another_kind_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "nyu_train.txt").write_text(text)
    with pytest.raises(DataError, match=r"nyu_train\.txt .*expected lines `image depth focal`"):
        open_nyu(tmp_path, "train")


def test_depth_of_8_bits_and_pairs_of_unlike_size_are_refused(tmp_path: Path) -> None:
    images = open_nyu(_write(tmp_path, listed="nyu_test.txt", folder="."), "test")
    Image.fromarray(np.zeros((2, 3), np.uint8)).save(tmp_path / "bathroom" / "sync_depth_00012.png")
    with pytest.raises(DataError, match=r"sync_depth_00012\.png has 8 bits; expected a 16-bit PNG in millimetres"):
        images[0]
    Image.fromarray(np.zeros((2, 4, 3), np.uint8)).save(tmp_path / "kitchen_0028b" / "rgb_00045.jpg")
    with pytest.raises(DataError, match=r"rgb_00045\.jpg has 4 x 2 pixels; expected 3 x 2"):
        images[1]
