"""COCO panoptic (Kirillov et al., 2019) as semantic labels: things and 53 stuff classes, or 12 kinds of things.

A panoptic PNG stores segment ids as R + 256 G + 256^2 B, 0 where nothing was labelled, and `panoptic_*2017.json` says
each segment's category. Crowds count as their category in both sets, as in the published conversions.

`coco-panoptic` is Detectron2's convention for Panoptic FPN, which PiCo probes: class 0 is every thing, 1-53 the stuff
categories in order of their ids, unlabelled pixels are ignored. The maps that its `prepare_panoptic_fpn.py` writes
(`panoptic_stuff_*2017`) are read where they exist. `coco-things` is what Leopart and NeCo call COCO-Things: the
supercategories of things, sorted by name, everything else ignored; read from the maps of category ids that
panopticapi's `panoptic2semantic_segmentation.py` writes (`semantic_segmentation_*2017`) where they exist. Those papers
fit probes on an unpublished random tenth of train; "train" is all of it here.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Int16, UInt8, UInt32

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.image_files import read_image
from densewalk.datasets.readers.labelled import IGNORED, LabelledImages
from densewalk.datasets.readers.origin import Origin
from densewalk.datasets.readers.segmentation.coco_categories import PANOPTIC_STUFF, THINGS
from densewalk.datasets.readers.segmentation.coco_images import COCO_SPLITS, coco_images, coco_maps
from densewalk.datasets.readers.segmentation.folders import NamedFiles, first_present, paired_names, require_names
from densewalk.datasets.readers.segmentation.masked_images import MaskedImages, class_table, read_named_classes
from densewalk.datasets.readers.segmentation.segmentation_set import SegmentationSet

__all__ = ["COCO_PANOPTIC", "COCO_THINGS"]

_ORIGIN = Origin(
    name="COCO panoptic",
    site="cocodataset.org, packages train2017, val2017 and panoptic_annotations_trainval2017",
    licence="CC BY 4.0 for maps, Flickr terms of use for images",
    layout=(
        "images/{train2017,val2017}/<number>.jpg",
        "annotations/panoptic_{train2017,val2017}.json",
        "annotations/panoptic_{train2017,val2017}/<number>.png",
    ),
)
_PLACES = ("", "annotations/", "annotations/panoptic_annotations/", "annotations/annotations/panoptic_annotations/",
           "panoptic_annotations_trainval2017/annotations/", "coco/", "coco/annotations/")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """How categories become classes, and the folder of maps already converted to a number a pixel."""

    classes: Sequence[str]
    class_of: Mapping[int, int]
    """Class, or `IGNORED`, by category."""
    converted: str
    table: Int16[np.ndarray, "numbers"]
    """What the converted maps' numbers mean."""


def _open(reading: _Reading, root: Path, split: str) -> LabelledImages:
    converted = reading.converted.format(split)
    images = coco_images(_ORIGIN, root, split)
    folders = [f"{place}{name}" for name in (converted, f"panoptic_{split}2017") for place in _PLACES]
    masks = coco_maps(first_present(_ORIGIN, root, folders))
    if masks.folder.name == converted:
        return MaskedImages(
            classes=reading.classes,
            names=paired_names(_ORIGIN, images, masks),
            images=images,
            read_labels=partial(read_named_classes, masks, reading.table),
        )
    listed = first_present(_ORIGIN, root, [f"{place}panoptic_{split}2017.json" for place in _PLACES])
    segments = _read_segments(listed, reading.class_of)
    for files in (masks, images):
        require_names(_ORIGIN, set(segments) - files.names(), files)
    return MaskedImages(
        classes=reading.classes, names=sorted(segments), images=images, read_labels=_PanopticLabels(masks, segments)
    )


@dataclass(frozen=True, slots=True)
class _PanopticLabels:
    """Reads the classes of a panoptic PNG."""

    masks: NamedFiles
    segments: Mapping[str, tuple[UInt32[np.ndarray, "s"], UInt8[np.ndarray, "s"]]]
    """The segments of an image: their ids, ascending, and classes."""

    def __call__(self, name: str) -> UInt8[np.ndarray, "h w"]:
        path = self.masks.path(name)
        id_HW = read_image(path).astype(np.uint32) @ np.array((1, 256, 256**2), np.uint32)
        known_S, class_S = self.segments[name]
        place_HW = np.searchsorted(known_S, id_HW).clip(max=len(known_S) - 1)
        if (stray_HW := known_S[place_HW] != id_HW).any():
            raise DataError(
                f"{path} has the segment {id_HW[stray_HW][0]}, which the json beside it does not list; expected the "
                "PNGs and the json of one release"
            )
        return class_S[place_HW]


def _read_segments(
    path: Path, class_of: Mapping[int, int]
) -> dict[str, tuple[UInt32[np.ndarray, "s"], UInt8[np.ndarray, "s"]]]:
    """Return ids and classes of the segments of every image, 0 with `IGNORED` among them."""
    try:
        found = {}
        for image in json.loads(path.read_bytes())["annotations"]:
            known = {segment["id"]: class_of[segment["category_id"]] for segment in image["segments_info"]}
            pairs = sorted((known | {0: IGNORED}).items())
            ids, classes = zip(*pairs, strict=True)
            found[Path(image["file_name"]).stem] = np.array(ids, np.uint32), np.array(classes, np.uint8)
        return found
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise DataError(
            f"{path} is no COCO panoptic json ({type(error).__name__}: {error}); expected annotations with file_name "
            "and segments_info, whose categories are COCO's"
        ) from error


_THING_OF = {number: i for i, names in enumerate(THINGS.values()) for number in names}
_THINGS = _Reading(
    classes=tuple(THINGS),
    class_of=dict.fromkeys(PANOPTIC_STUFF, IGNORED) | _THING_OF,
    converted="semantic_segmentation_{}2017",
    table=class_table({0: IGNORED} | dict.fromkeys(PANOPTIC_STUFF, IGNORED) | _THING_OF),
)
COCO_THINGS = SegmentationSet(
    name="coco-things", origin=_ORIGIN, classes=_THINGS.classes, splits=COCO_SPLITS, open=partial(_open, _THINGS)
)
"""COCO panoptic, 12 supercategories of things."""

_NUM_PANOPTIC = 1 + len(PANOPTIC_STUFF)
_PANOPTIC = _Reading(
    classes=("things", *PANOPTIC_STUFF.values()),
    class_of=dict.fromkeys(_THING_OF, 0) | {number: i + 1 for i, number in enumerate(PANOPTIC_STUFF)},
    converted="panoptic_stuff_{}2017",
    table=class_table({number: number for number in (*range(_NUM_PANOPTIC), IGNORED)}),
)
COCO_PANOPTIC = SegmentationSet(
    name="coco-panoptic", origin=_ORIGIN, classes=_PANOPTIC.classes, splits=COCO_SPLITS, open=partial(_open, _PANOPTIC)
)
"""COCO panoptic, things and 53 stuff classes."""
