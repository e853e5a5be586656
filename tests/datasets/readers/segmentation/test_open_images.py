"""Every data set says what it is, and what is missing where, without reading or fetching anything."""

from pathlib import Path

import pytest

from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.readers.segmentation import SEGMENTATION_SETS, open_images


@pytest.mark.parametrize("name", SEGMENTATION_SETS)
def test_every_set_has_classes_splits_and_an_origin(name: str) -> None:
    known = SEGMENTATION_SETS[name]
    assert known.name == name
    assert len(set(known.classes)) == len(known.classes) > 1
    assert {"train", "val"} <= set(known.splits)
    assert known.origin.site
    assert known.origin.licence


@pytest.mark.parametrize("name", SEGMENTATION_SETS)
@pytest.mark.parametrize("split", ["train", "val"])
def test_an_absent_set_tells_what_belongs_where_and_who_has_it(name: str, split: str, tmp_path: Path) -> None:
    origin = SEGMENTATION_SETS[name].origin
    for root, found in ((tmp_path / "nowhere", "does not exist"), (tmp_path, "has none of")):
        with pytest.raises(DataError) as caught:
            open_images(name, root, split)
        message = str(caught.value)
        assert found in message
        assert str(root) in message
        assert origin.site in message
        assert all(line in message for line in origin.layout)


def test_unknown_names_and_splits_are_told_what_is_known(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown data set 'camvit'.*did you mean 'camvid'"):
        open_images("camvit", tmp_path, "train")
    with pytest.raises(ConfigError, match="unknown split of voc12 'trainaug'; known: train, val"):
        open_images("voc12", tmp_path, "trainaug")
