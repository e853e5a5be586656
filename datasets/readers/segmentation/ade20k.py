"""ADE20K scene parsing in 150 classes (Zhou et al., 2017): 20 210 and 2000 images of many sizes.

Maps number the classes from 1; 0 is what the benchmark leaves out, and is ignored. Names are the first of the synonyms
in the data set's objectInfo150.txt.
"""

from functools import partial
from pathlib import Path

from densewalk.datasets.readers.labelled import IGNORED, LabelledImages
from densewalk.datasets.readers.origin import Origin
from densewalk.datasets.readers.segmentation.folders import NamedFiles, first_present, paired_names
from densewalk.datasets.readers.segmentation.masked_images import MaskedImages, class_table, read_named_classes
from densewalk.datasets.readers.segmentation.segmentation_set import SegmentationSet

__all__ = ["ADE20K"]

_ORIGIN = Origin(
    name="ADE20K scene parsing",
    site="sceneparsing.csail.mit.edu, package ADEChallengeData2016.zip",
    licence="BSD-3 for maps, non-commercial research for images",
    layout=(
        "ADEChallengeData2016/images/{training,validation}/<name>.jpg",
        "ADEChallengeData2016/annotations/{training,validation}/<name>.png",
    ),
)
_CLASSES = (
    "wall", "building", "sky", "floor", "tree", "ceiling", "road", "bed", "window", "grass", "cabinet", "sidewalk",
    "person", "earth", "door", "table", "mountain", "plant", "curtain", "chair", "car", "water", "painting", "sofa",
    "shelf", "house", "sea", "mirror", "rug", "field", "armchair", "seat", "fence", "desk", "rock", "wardrobe",
    "lamp", "tub", "rail", "cushion", "base", "box", "column", "signboard", "chest of drawers", "counter", "sand",
    "sink", "skyscraper", "fireplace", "refrigerator", "grandstand", "path", "stairs", "runway", "case", "pool table",
    "pillow", "screen door", "stairway", "river", "bridge", "bookcase", "blind", "coffee table", "toilet", "flower",
    "book", "hill", "bench", "countertop", "stove", "palm", "kitchen island", "computer", "swivel chair", "boat",
    "bar", "arcade machine", "hovel", "bus", "towel", "light", "truck", "tower", "chandelier", "awning",
    "street lamp", "booth", "tv", "plane", "dirt track", "clothes", "pole", "land", "bannister", "escalator",
    "ottoman", "bottle", "buffet", "poster", "stage", "van", "ship", "fountain", "conveyor belt", "canopy", "washer",
    "toy", "pool", "stool", "barrel", "basket", "falls", "tent", "bag", "minibike", "cradle", "oven", "ball", "food",
    "step", "tank", "trade name", "microwave", "pot", "animal", "bicycle", "lake", "dishwasher", "screen", "blanket",
    "sculpture", "hood", "sconce", "vase", "traffic light", "tray", "trash can", "fan", "pier", "crt screen", "plate",
    "monitor", "bulletin board", "shower", "radiator", "glass", "clock", "flag",
)  # fmt: skip
_TABLE = class_table({0: IGNORED} | {number + 1: number for number in range(len(_CLASSES))})
_FOLDERS = {"train": "training", "val": "validation"}


def _open(root: Path, split: str) -> LabelledImages:
    places = [f"{base}images/{_FOLDERS[split]}" for base in ("", "ADEChallengeData2016/", "ade/ADEChallengeData2016/")]
    folder = first_present(_ORIGIN, root, places)
    images = NamedFiles(folder, ".jpg")
    masks = NamedFiles(folder.parents[1] / "annotations" / _FOLDERS[split], ".png")
    return MaskedImages(
        classes=_CLASSES,
        names=paired_names(_ORIGIN, images, masks),
        images=images,
        read_labels=partial(read_named_classes, masks, _TABLE),
    )


ADE20K = SegmentationSet(
    name="ade20k", origin=_ORIGIN, classes=_CLASSES, splits={"train": 20210, "val": 2000}, open=_open
)
"""ADE20K, 150 classes."""
