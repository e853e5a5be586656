"""COCO-Stuff (Caesar et al., 2018) in 15 supercategories or 171 classes, on the images of COCO 2017.

`coco-stuff` is what Leopart and NeCo call COCO-Stuff: the supercategories of the 91 stuff classes, sorted by
name; things, "other" and unlabelled pixels are ignored. It is read from the maps of the stuff challenge
(`stuff_*_pixelmaps`: 92-182, 0 for things, 183 for other), or else from `stuffthingmaps`. `coco-stuff-171` is every
thing and stuff class of `stuffthingmaps`, whose numbers are ids less one and 255 where nothing was labelled.

Those papers fit probes on a tenth of train, shuffled anew by each run's seed; the lists were not published, so "train"
is all of it here.
"""

from functools import partial
from pathlib import Path

from densewalk.datasets.readers.labelled import IGNORED, LabelledImages
from densewalk.datasets.readers.origin import Origin
from densewalk.datasets.readers.segmentation.coco_categories import STUFF, THINGS
from densewalk.datasets.readers.segmentation.coco_images import COCO_SPLITS, coco_images, coco_maps
from densewalk.datasets.readers.segmentation.folders import first_present, paired_names
from densewalk.datasets.readers.segmentation.masked_images import MaskedImages, class_table, read_named_classes
from densewalk.datasets.readers.segmentation.segmentation_set import SegmentationSet

__all__ = ["COCO_STUFF", "COCO_STUFF_171"]

_ORIGIN = Origin(
    name="COCO-Stuff",
    site="cocodataset.org (packages train2017, val2017 and stuff_annotations_trainval2017) or "
    "github.com/nightrome/cocostuff (stuffthingmaps_trainval2017)",
    licence="CC BY 4.0 for maps, Flickr terms of use for images",
    layout=(
        "images/{train2017,val2017}/<number>.jpg",
        "annotations/stuff_{train2017,val2017}_pixelmaps/<number>.png",
        "or stuffthingmaps/{train2017,val2017}/<number>.png",
    ),
)
_THING_IDS = [number for names in THINGS.values() for number in names]
_STUFF_NAMES = {number: name for names in STUFF.values() for number, name in names.items()}

_COARSE = tuple(STUFF)
_COARSE_OF = {number: i for i, names in enumerate(STUFF.values()) for number in names}
_NOT_STUFF = 183
_BLANK = 7
"""Images of train2017 in which nothing was labelled: they have a blank map in `stuffthingmaps` and no pixelmap."""
_PIXELMAP_TABLE = class_table({0: IGNORED, _NOT_STUFF: IGNORED} | _COARSE_OF)
_COARSE_TABLE = class_table(
    {255: IGNORED}
    | {number - 1: IGNORED for number in _THING_IDS}
    | {number - 1: coarse for number, coarse in _COARSE_OF.items()}
)

_FINE_OF_ID = {number: name for names in THINGS.values() for number, name in names.items()} | _STUFF_NAMES
_FINE = tuple(_FINE_OF_ID[number] for number in sorted(_FINE_OF_ID))
_FINE_TABLE = class_table({255: IGNORED} | {number - 1: i for i, number in enumerate(sorted(_FINE_OF_ID))})

_PIXELMAP_PLACES = ("", "annotations/", "stuff_annotations/", "annotations/stuff_annotations/",
                    "annotations/annotations/stuff_annotations/")  # fmt: skip
_MAP_PLACES = ("stuffthingmaps/", "annotations/", "stuffthingmaps_trainval2017/", "annotations/stuffthingmaps/")


def _open_coarse(root: Path, split: str) -> LabelledImages:
    pixelmaps = [f"{place}stuff_{split}2017_pixelmaps" for place in _PIXELMAP_PLACES]
    folder = first_present(_ORIGIN, root, [*pixelmaps, *_thing_maps(split)])
    table = _PIXELMAP_TABLE if folder.name.endswith("_pixelmaps") else _COARSE_TABLE
    images, masks = coco_images(_ORIGIN, root, split), coco_maps(folder)
    return MaskedImages(
        classes=_COARSE,
        names=paired_names(_ORIGIN, images, masks, unlabelled=_BLANK),
        images=images,
        read_labels=partial(read_named_classes, masks, table),
    )


def _open_fine(root: Path, split: str) -> LabelledImages:
    images = coco_images(_ORIGIN, root, split)
    masks = coco_maps(first_present(_ORIGIN, root, _thing_maps(split)))
    return MaskedImages(
        classes=_FINE,
        names=paired_names(_ORIGIN, images, masks, unlabelled=_BLANK),
        images=images,
        read_labels=partial(read_named_classes, masks, _FINE_TABLE),
    )


def _thing_maps(split: str) -> list[str]:
    return [f"{place}{split}2017" for place in _MAP_PLACES]


COCO_STUFF = SegmentationSet(name="coco-stuff", origin=_ORIGIN, classes=_COARSE, splits=COCO_SPLITS, open=_open_coarse)
"""COCO-Stuff, 15 supercategories of stuff."""

COCO_STUFF_171 = SegmentationSet(
    name="coco-stuff-171", origin=_ORIGIN, classes=_FINE, splits=COCO_SPLITS, open=_open_fine
)
"""COCO-Stuff, all classes of things and stuff."""
