"""BDD100K in both layouts it was published in: train ids and 255."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.segmentation import open_images

NAMES = ("7d06fefd-f7be05a6", "7d128593-0ccfea4c")
LAYOUTS = {
    "now": ("images/10k/train/{}.jpg", "labels/sem_seg/masks/train/{}.png"),
    "now in its folder": ("bdd100k/images/10k/train/{}.jpg", "bdd100k/labels/sem_seg/masks/train/{}.png"),
    "before": ("seg/images/train/{}.jpg", "seg/labels/train/{}_train_id.png"),
    "before in its folder": ("bdd100k/seg/images/train/{}.jpg", "bdd100k/seg/labels/train/{}_train_id.png"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_both_layouts_are_read(
    layout: str, tmp_path: Path, picture: Callable, grey_map: Callable, read_all: Callable
) -> None:
    image, mask = LAYOUTS[layout]
    for name in NAMES:
        picture(tmp_path / image.format(name))
        grey_map(tmp_path / mask.format(name), [*range(19), 255])
    images = read_all(open_images("bdd100k", tmp_path, "train"))
    assert tuple(images) == NAMES
    assert np.array_equal(images[NAMES[1]].label_HW, np.resize([*range(19), 255], (6, 8)))
    (tmp_path / mask.format(NAMES[0])).unlink()
    with pytest.raises(DataError, match=rf"lacks {NAMES[0]}.*\.png; .*bdd-data"):
        open_images("bdd100k", tmp_path, "train")


def test_a_label_that_no_class_has_is_refused(tmp_path: Path, picture: Callable, grey_map: Callable) -> None:
    image, mask = LAYOUTS["now"]
    picture(tmp_path / image.format("a"))
    grey_map(tmp_path / mask.format("a"), [19])
    with pytest.raises(DataError, match="has the label 19"):
        open_images("bdd100k", tmp_path, "train")[0]
