"""Masks in every form in which they are found in the wild."""

import functools
import operator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.video_masks.mask_files import fitted_mask, mask_png, read_mask

LABELS = np.array([[0, 1, 2], [7, 38, 255]], np.uint8)
FIRST_COLOURS = [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0], [0, 0, 128], [128, 0, 128]]


def _written(path: Path) -> Path:
    path.write_bytes(mask_png(LABELS))
    return path


def test_written_masks_are_read_back_and_have_the_colours_of_davis(tmp_path: Path) -> None:
    path = _written(tmp_path / "mask.png")
    image = Image.open(path)
    assert image.mode == "P"
    assert image.getpalette()[:18] == functools.reduce(operator.iadd, FIRST_COLOURS, [])
    assert image.getpalette()[255 * 3 :] == [224, 224, 192]
    assert read_mask(path).tolist() == LABELS.tolist()


@pytest.mark.parametrize("kind", ["L", "LA", "RGB", "RGBA", "I;16"])
def test_labels_survive_every_kind_of_picture(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    if kind in ("RGB", "RGBA"):
        Image.open(_written(tmp_path / "indexed.png")).convert("RGB").convert(kind).save(path)
    elif kind == "I;16":
        Image.fromarray(LABELS.astype(np.uint16)).save(path)
    else:
        Image.fromarray(LABELS).convert(kind).save(path)
    with Image.open(path) as image:
        assert image.mode == kind
    assert read_mask(path).tolist() == LABELS.tolist()
    assert read_mask(path, is_binary=True).tolist() == (LABELS > 0).astype(int).tolist()


def test_one_bit_masks_are_labels_0_and_1(tmp_path: Path) -> None:
    Image.fromarray(LABELS > 0).save(tmp_path / "mask.png")
    assert read_mask(tmp_path / "mask.png").tolist() == (LABELS > 0).astype(int).tolist()


def test_a_grey_mask_saved_with_three_channels_is_its_grey_values(tmp_path: Path) -> None:
    binary = np.where(LABELS, 255, 0).astype(np.uint8)
    Image.fromarray(binary).convert("RGB").save(tmp_path / "mask.png")
    assert read_mask(tmp_path / "mask.png").tolist() == binary.tolist()


def test_a_binary_mask_of_16_bits_is_one_object(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 65535]], np.uint16)).save(tmp_path / "mask.png")
    assert read_mask(tmp_path / "mask.png", is_binary=True).tolist() == [[0, 1]]
    with pytest.raises(DataError, match=r"mask\.png holds label 65535; expected labels from 0 to 255"):
        read_mask(tmp_path / "mask.png")


def test_files_that_are_no_masks_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.png does not exist"):
        read_mask(tmp_path / "absent.png")
    whole = _written(tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 3])
    with pytest.raises(DataError, match=r"cannot decode .*cut\.png"):
        read_mask(tmp_path / "cut.png")
    Image.fromarray(np.full((2, 2, 3), (1, 2, 3), np.uint8)).save(tmp_path / "strange.png")
    with pytest.raises(DataError, match=r"strange\.png shows the colour \[1, 2, 3\]"):
        read_mask(tmp_path / "strange.png")
    Image.fromarray(np.zeros((2, 2), np.float32)).save(tmp_path / "float.tiff")
    with pytest.raises(DataError, match="of the kind F"):
        read_mask(tmp_path / "float.tiff")


def test_a_mask_one_pixel_off_is_fitted_by_the_nearest_pixel() -> None:
    mask = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert fitted_mask(mask, (3, 4), what="it") is mask
    wider = fitted_mask(mask, (3, 5), what="it")
    assert wider.shape == (3, 5)
    assert all(np.isin(wider[row], mask[row]).all() and wider[row, 0] == mask[row, 0] for row in range(3))
    assert fitted_mask(wider, (3, 4), what="it").shape == (3, 4)
    assert fitted_mask(mask, (2, 3), what="it").tolist() == [[0, 2, 3], [8, 10, 11]]


def test_a_mask_further_off_is_refused() -> None:
    with pytest.raises(DataError, match=r"the mask of frame 3 has 3 x 4 pixels .* its frame has 5 x 4"):
        fitted_mask(np.zeros((3, 4), np.uint8), (5, 4), what="the mask of frame 3")


@pytest.mark.real_data
def test_the_mask_of_davis_2016_with_an_alpha_channel_is_read(real_data: Path) -> None:
    path = real_data / "davis2016_quirk/bear_00077_LA_mode.png"
    assert np.unique(read_mask(path)).tolist() == [0, 255]
    mask = read_mask(path, is_binary=True)
    assert mask.shape == (480, 854)
    assert 0.01 < mask.mean() < 0.5
