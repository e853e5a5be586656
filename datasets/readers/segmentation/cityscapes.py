"""Cityscapes in 19 classes (Cordts et al., 2016): fine maps of 2975 and 500 frames of 2048 x 1024.

Maps `_labelIds.png` number all 34 labels; the 19 that count get train ids here and the others are ignored. Where only
`_labelTrainIds.png` were made, those are read. The published test split has no labels.
"""

from functools import partial
from pathlib import Path

from densewalk.datasets.readers.labelled import IGNORED, LabelledImages
from densewalk.datasets.readers.origin import Origin
from densewalk.datasets.readers.segmentation.folders import NamedFiles, first_present, paired_names
from densewalk.datasets.readers.segmentation.masked_images import MaskedImages, class_table, read_named_classes
from densewalk.datasets.readers.segmentation.segmentation_set import SegmentationSet
from densewalk.datasets.readers.segmentation.street_classes import STREET_CLASSES

__all__ = ["CITYSCAPES"]

_ORIGIN = Origin(
    name="Cityscapes",
    site="www.cityscapes-dataset.com, packages leftImg8bit_trainvaltest and gtFine_trainvaltest",
    licence="Cityscapes licence, non-commercial, after registration",
    layout=(
        "leftImg8bit/{train,val}/<city>/<frame>_leftImg8bit.png",
        "gtFine/{train,val}/<city>/<frame>_gtFine_labelIds.png (or _gtFine_labelTrainIds.png)",
    ),
)
_EVALUATED_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
"""Label ids of the classes, in the order of the train ids."""
_NUM_IDS = 34

_LABEL_IDS = class_table(
    dict.fromkeys(range(_NUM_IDS), IGNORED) | {number: i for i, number in enumerate(_EVALUATED_IDS)}
)
_TRAIN_IDS = class_table({number: number for number in (*range(len(STREET_CLASSES)), IGNORED)})


def _open(root: Path, split: str) -> LabelledImages:
    folder = first_present(_ORIGIN, root, (f"leftImg8bit/{split}", f"cityscapes/leftImg8bit/{split}"))
    images = NamedFiles(folder, "_leftImg8bit.png", stem="*/*")
    maps = folder.parent.with_name("gtFine") / split
    masks, table = NamedFiles(maps, "_gtFine_labelIds.png", stem="*/*"), _LABEL_IDS
    train_ids = NamedFiles(maps, "_gtFine_labelTrainIds.png", stem="*/*")
    if not masks.names() and train_ids.names():
        masks, table = train_ids, _TRAIN_IDS
    return MaskedImages(
        classes=STREET_CLASSES,
        names=paired_names(_ORIGIN, images, masks),
        images=images,
        read_labels=partial(read_named_classes, masks, table),
    )


CITYSCAPES = SegmentationSet(
    name="cityscapes", origin=_ORIGIN, classes=STREET_CLASSES, splits={"train": 2975, "val": 500}, open=_open
)
"""Cityscapes, 19 classes."""
