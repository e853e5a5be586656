"""Small data sets in the layouts they are published in."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from densewalk.datasets.readers.labelled import LabelledImage, LabelledImages

Picture = Callable[..., np.ndarray]
Map = Callable[[Path, object], np.ndarray]


@pytest.fixture
def picture() -> Picture:
    """Write a smooth picture, as the ending of its path says, and return the pixels."""

    def write(path: Path, *, size_hw: tuple[int, int] = (6, 8)) -> np.ndarray:
        height, width = size_hw
        y, x = np.mgrid[:height, :width]
        pixels = np.stack((9 * x, 9 * y, 4 * x + 5 * y), axis=2).astype(np.uint8)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path, quality=95, subsampling=0)
        return pixels

    return write


@pytest.fixture
def grey_map() -> Map:
    """Write a map of 6 x 8 as a grey PNG, its numbers those given, repeated, and return it."""

    def write(path: Path, numbers: object) -> np.ndarray:
        plane = np.resize(np.array(numbers, np.uint8), (6, 8))
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(plane).save(path)
        return plane

    return write


@pytest.fixture
def read_all() -> Callable[[LabelledImages], dict[str, LabelledImage]]:
    """Read every image, check its shape, and return them by name."""

    def read(images: LabelledImages) -> dict[str, LabelledImage]:
        assert isinstance(images, LabelledImages)
        found = [images[number] for number in range(len(images))]
        assert [item.name for item in found] == sorted({item.name for item in found})
        for item in found:
            assert item.image_HWC.shape == (*item.label_HW.shape, 3)
            assert all(label == 255 or label < len(images.classes) for label in np.unique(item.label_HW))
        return {item.name: item for item in found}

    return read
