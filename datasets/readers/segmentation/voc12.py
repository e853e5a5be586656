"""PASCAL VOC 2012 segmentation in 21 classes, with the augmented training split (Hariharan et al., 2011).

"train" is train_aug, 10 582 images: VOC's train and all that SBD annotated, without VOC's val. It is read from a list
where one exists, or composed of SBD's own lists. Labels come from SegmentationClassAug; an image that has none there
is one that only VOC labelled, and comes from SegmentationClass. "val" is VOC's val, 1449 images, from
SegmentationClass. The borders of objects are 255 in VOC's maps and absent from SBD's. The folder VOCSegmentation that
open-hummingbird-eval passes on (`images`, `sets`) is read too.
"""

from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.labelled import IGNORED, LabelledImages
from densewalk.datasets.readers.origin import Origin
from densewalk.datasets.readers.segmentation.folders import NamedFiles, first_present, list_names, require_names
from densewalk.datasets.readers.segmentation.masked_images import MaskedImages, class_table, read_classes
from densewalk.datasets.readers.segmentation.segmentation_set import SegmentationSet

__all__ = ["VOC12"]

_ORIGIN = Origin(
    name="PASCAL VOC 2012",
    site="host.robots.ox.ac.uk/pascal/VOC/voc2012 (VOCtrainval_11-May-2012.tar); SegmentationClassAug and the list "
    "train_aug are passed on by segmentation toolboxes, made from SBD (home.bharathh.info/pubs/codes/SBD)",
    licence="Flickr terms of use",
    layout=(
        "VOCdevkit/VOC2012/JPEGImages/<name>.jpg",
        "VOCdevkit/VOC2012/SegmentationClass/<name>.png",
        "VOCdevkit/VOC2012/SegmentationClassAug/<name>.png",
        "VOCdevkit/VOC2012/ImageSets/Segmentation/{train,val}.txt",
        "VOCdevkit/VOC2012/ImageSets/SegmentationAug/train_aug.txt (or ImageSets/Segmentation/trainaug.txt)",
        "or instead of that list benchmark_RELEASE/dataset/{train,val}.txt",
    ),
)
_CLASSES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable",
    "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
_TABLE = class_table({number: number for number in (*range(len(_CLASSES)), IGNORED)})

_IMAGES = (
    "JPEGImages", "VOCdevkit/VOC2012/JPEGImages", "VOC2012/JPEGImages", "VOCSegmentation/images", "images",
)  # fmt: skip
_LISTS = ("ImageSets/Segmentation", "sets")
_AUG_LISTS = (
    "ImageSets/SegmentationAug/train_aug.txt",
    *(f"{lists}/{name}.txt" for lists in _LISTS for name in ("trainaug", "train_aug")),
)
_SBD = ("benchmark_RELEASE/dataset", "VOCdevkit/VOCaug/dataset", "VOCaug/dataset", "../VOCaug/dataset")
_AUGMENTED, _ORIGINAL = "SegmentationClassAug", "SegmentationClass"


def _open(root: Path, split: str) -> LabelledImages:
    images = NamedFiles(first_present(_ORIGIN, root, _IMAGES), ".jpg")
    base = images.folder.parent
    validation = list_names(_list_of(base, "val"))
    if split == "val":
        names, folders = validation, [first_present(_ORIGIN, base, (_ORIGINAL,))]
    else:
        names, folders = _train_names(root, base, validation), [base / _AUGMENTED, base / _ORIGINAL]
    masks = [NamedFiles(folder, ".png") for folder in folders]
    require_names(_ORIGIN, set(names) - images.names(), images)
    require_names(_ORIGIN, set(names).difference(*(files.names() for files in masks)), masks[0])
    labels = partial(_read_labels, masks)
    return MaskedImages(classes=_CLASSES, names=names, images=images, read_labels=labels)


def _train_names(root: Path, base: Path, validation: list[str]) -> list[str]:
    listed = next((base / place for place in _AUG_LISTS if (base / place).is_file()), None)
    if listed is not None:
        names = list_names(listed)
        if shared := set(names) & set(validation):
            raise DataError(
                f"{listed} has {len(shared)} images of val.txt, {min(shared)} first; expected train_aug, which has none"
            )
        return names
    sbd = first_present(_ORIGIN, root, _SBD)
    parts = (_list_of(base, "train"), sbd / "train.txt", sbd / "val.txt")
    return sorted({name for part in parts for name in list_names(part)} - set(validation))


def _list_of(base: Path, split: str) -> Path:
    return first_present(_ORIGIN, base, [f"{lists}/{split}.txt" for lists in _LISTS])


def _read_labels(masks: list[NamedFiles], name: str) -> UInt8[np.ndarray, "h w"]:
    paths = [files.path(name) for files in masks]
    return read_classes(next((path for path in paths if path.is_file()), paths[0]), _TABLE)


VOC12 = SegmentationSet(
    name="voc12", origin=_ORIGIN, classes=_CLASSES, splits={"train": 10582, "val": 1449}, open=_open
)
"""PASCAL VOC 2012, 21 classes."""
