"""Any picture comes as upright RGB, any map as the numbers stored; damage and mix-ups are named."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.image_files import read_image, read_plane


def _smooth(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack((4 * x, 5 * y, 120 + 2 * x - 3 * y), axis=2).astype(np.uint8)


def _save(path: Path, image: Image.Image, orientation: int | None = None) -> Path:
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    image.save(path, quality=95, exif=exif) if path.suffix == ".jpg" else image.save(path, exif=exif)
    return path


def test_a_png_comes_as_stored(tmp_path: Path) -> None:
    pixels = _smooth(20, 32)
    path = _save(tmp_path / "a.png", Image.fromarray(pixels))
    assert np.array_equal(read_image(path), pixels)
    assert np.array_equal(read_image(path, size_hw=(20, 32)), pixels)


@pytest.mark.parametrize("mode", ["L", "LA", "1", "P", "RGBA", "CMYK"])
def test_every_mode_becomes_rgb(mode: str, tmp_path: Path) -> None:
    grey = Image.fromarray(np.repeat(_smooth(20, 32)[:, :, :1], 3, axis=2))
    stored = grey.convert("L").convert(mode) if mode != "CMYK" else grey.convert("CMYK")
    path = _save(tmp_path / ("a.jpg" if mode == "CMYK" else "a.png"), stored)
    read = read_image(path)
    assert read.shape == (20, 32, 3)
    assert np.abs(read.astype(int) - np.asarray(stored.convert("RGB"))).mean() < 3


def test_a_grey_picture_of_16_bits_keeps_its_upper_byte(tmp_path: Path) -> None:
    grey = np.arange(12, dtype=np.uint16).reshape(3, 4) * 5000
    read = read_image(_save(tmp_path / "a.png", Image.fromarray(grey)))
    assert np.array_equal(read, np.repeat((grey // 256)[:, :, None], 3, axis=2))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_upright(orientation: int, tmp_path: Path) -> None:
    upright = _smooth(20, 32)
    # what a camera held as the tag says stores: the first row and column of the raster are the scene's (EXIF 2.3)
    stored = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1],
        5: upright.transpose(1, 0, 2), 6: np.rot90(upright, 1), 7: np.rot90(upright, 2).transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]  # fmt: skip
    path = _save(tmp_path / "a.png", Image.fromarray(np.ascontiguousarray(stored)), orientation)
    assert np.array_equal(read_image(path), upright)
    assert np.array_equal(read_image(path, size_hw=(20, 32)), upright)


def test_labels_of_the_stored_raster_decide_that_it_is_not_turned(tmp_path: Path) -> None:
    stored = _smooth(20, 32)
    path = _save(tmp_path / "a.png", Image.fromarray(stored), orientation=6)
    assert np.array_equal(read_image(path, size_hw=(20, 32)), stored)
    assert np.array_equal(read_image(path, size_hw=(32, 20)), np.rot90(stored, -1))
    with pytest.raises(DataError, match=r"a\.png has 20 x 32 pixels; expected 21 x 32"):
        read_image(path, size_hw=(32, 21))


def test_a_map_of_another_size_is_named(tmp_path: Path) -> None:
    path = _save(tmp_path / "a.jpg", Image.fromarray(_smooth(20, 32)))
    with pytest.raises(DataError, match=r"a\.jpg has 32 x 20 pixels; expected 32 x 21, the size of its labels"):
        read_image(path, size_hw=(21, 32))


def test_a_map_gives_the_numbers_stored(tmp_path: Path) -> None:
    numbers = np.arange(24, dtype=np.uint8).reshape(4, 6)
    grey = Image.fromarray(numbers)
    palette = Image.fromarray(numbers, mode="P")
    palette.putpalette(np.random.default_rng(0).integers(0, 256, 768, dtype=np.uint8).tobytes())
    wide = numbers.astype(np.uint16) * 2000
    for stored, expected in (
        (grey, numbers),
        (palette, numbers),
        (grey.convert("LA"), numbers),
        (Image.fromarray(numbers > 11), numbers > 11),
        (Image.fromarray(wide), wide),
    ):
        read = read_plane(_save(tmp_path / "a.png", stored))
        assert np.array_equal(read, expected)
        assert read.dtype == np.uint8 or stored.mode.startswith("I")


def test_a_colour_picture_is_no_map(tmp_path: Path) -> None:
    path = _save(tmp_path / "a.png", Image.fromarray(_smooth(4, 6)))
    with pytest.raises(DataError, match=r"a\.png is a colour picture \(RGB\); expected one number a pixel"):
        read_plane(path)


@pytest.mark.parametrize("read", [read_image, read_plane])
def test_damage_and_absence_are_named(read: object, tmp_path: Path) -> None:
    assert callable(read)
    whole = _save(tmp_path / "a.png", Image.fromarray(_smooth(60, 60)[:, :, 0])).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.png").write_text("not an image")
    (tmp_path / "empty.png").write_bytes(b"")
    for name in ("cut", "text", "empty"):
        with pytest.raises(DataError, match=rf"cannot decode .*{name}\.png: .*fetch it again"):
            read(tmp_path / f"{name}.png")
    with pytest.raises(DataError, match=r"none\.png does not exist; expected an image file"):
        read(tmp_path / "none.png")
