"""BDD100K semantic segmentation in 19 classes (Yu et al., 2020): 7000 and 1000 frames of 1280 x 720.

Maps hold Cityscapes' train ids and 255. Two layouts were published: `images/10k` with `labels/sem_seg/masks`, and the
older `seg` with maps called `<name>_train_id.png`. The test split has no labels.
"""

from functools import partial
from pathlib import Path

from densewalk.datasets.readers.labelled import IGNORED, LabelledImages
from densewalk.datasets.readers.origin import Origin
from densewalk.datasets.readers.segmentation.folders import NamedFiles, first_present, paired_names
from densewalk.datasets.readers.segmentation.masked_images import MaskedImages, class_table, read_named_classes
from densewalk.datasets.readers.segmentation.segmentation_set import SegmentationSet
from densewalk.datasets.readers.segmentation.street_classes import STREET_CLASSES

__all__ = ["BDD100K"]

_ORIGIN = Origin(
    name="BDD100K semantic segmentation",
    site="bdd-data.berkeley.edu, packages 10K Images and Semantic Segmentation",
    licence="BDD100K licence, research and non-profit, after registration",
    layout=(
        "images/10k/{train,val}/<name>.jpg",
        "labels/sem_seg/masks/{train,val}/<name>.png",
        "or seg/images/{train,val}/<name>.jpg and seg/labels/{train,val}/<name>_train_id.png",
    ),
)
_TABLE = class_table({number: number for number in (*range(len(STREET_CLASSES)), IGNORED)})


def _open(root: Path, split: str) -> LabelledImages:
    places = [f"{base}{images}/{split}" for images in ("images/10k", "seg/images") for base in ("", "bdd100k/")]
    folder = first_present(_ORIGIN, root, places)
    images = NamedFiles(folder, ".jpg")
    if folder.parent.name == "10k":
        masks = NamedFiles(folder.parents[2] / "labels" / "sem_seg" / "masks" / split, ".png")
    else:
        masks = NamedFiles(folder.parents[1] / "labels" / split, "_train_id.png")
    return MaskedImages(
        classes=STREET_CLASSES,
        names=paired_names(_ORIGIN, images, masks),
        images=images,
        read_labels=partial(read_named_classes, masks, _TABLE),
    )


BDD100K = SegmentationSet(
    name="bdd100k", origin=_ORIGIN, classes=STREET_CLASSES, splits={"train": 7000, "val": 1000}, open=_open
)
"""BDD100K, 19 classes."""
