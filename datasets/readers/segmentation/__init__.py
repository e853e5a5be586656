"""Labelled images of the published data sets, in the layouts they are distributed in.

`open_images` is the way in. Splits are "train" and "val"; images come sorted by name, decoded when asked for.
"""

from collections.abc import Mapping
from pathlib import Path

from densewalk.datasets.errors import known_name
from densewalk.datasets.readers.labelled import LabelledImages
from densewalk.datasets.readers.segmentation.ade20k import ADE20K
from densewalk.datasets.readers.segmentation.bdd100k import BDD100K
from densewalk.datasets.readers.segmentation.camvid import CAMVID
from densewalk.datasets.readers.segmentation.cityscapes import CITYSCAPES
from densewalk.datasets.readers.segmentation.coco_panoptic import COCO_PANOPTIC, COCO_THINGS
from densewalk.datasets.readers.segmentation.coco_stuff import COCO_STUFF, COCO_STUFF_171
from densewalk.datasets.readers.segmentation.segmentation_set import SegmentationSet
from densewalk.datasets.readers.segmentation.voc12 import VOC12

__all__ = ["SEGMENTATION_SETS", "SegmentationSet", "open_images"]

_ALL = (ADE20K, BDD100K, CAMVID, CITYSCAPES, COCO_PANOPTIC, COCO_STUFF, COCO_STUFF_171, COCO_THINGS, VOC12)

SEGMENTATION_SETS: Mapping[str, SegmentationSet] = {known.name: known for known in _ALL}
"""The data sets by name."""


def open_images(name: str, root: Path, split: str) -> LabelledImages:
    """Open a split of a data set that lies under `root`.

    Raises `ConfigError` for an unknown name or split and `DataError` when files are absent: which, and where a person
    gets them.
    """
    known = SEGMENTATION_SETS[known_name(name, SEGMENTATION_SETS, "data set")]
    return known.open(root, known_name(split, known.splits, f"split of {name}"))
