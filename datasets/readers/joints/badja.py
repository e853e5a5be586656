"""BADJA: joints of animals in sequences of DAVIS, annotated about every fifth frame (Biggs et al., ACCV 2018).

A sequence is a JSON list of annotated frames: paths of frame and mask in DAVIS's full resolution, 37 joints as (row,
column) pixels and whether each is visible, of which 20 are in use. Videos run from the first annotated frame to the
last with every frame between. Point tracking is published on the seven sequences that are DAVIS's own; the others are
outside of it, two of them without frames for their licence.

DAVIS may be there in full resolution, as published, in 1080p or in 480p; joints are scaled from 1920 x 1080 pixels. The
area of a mask counts pixels with red in their colour, as the published readers do: every object of DAVIS-2016's masks,
objects with an odd number of DAVIS-2017's.

Shapes: T frames, J joints, H W rows and columns, 2 = (x, y).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.image_files import read_image
from densewalk.datasets.readers.origin import Origin
from densewalk.datasets.readers.video_masks.masked_video import ImageFiles
from densewalk.datasets.readers.video_masks.presence import Presence, named_few, videos_left_out

__all__ = ["BADJA", "BADJA_JOINTS", "BADJA_SEQUENCES", "AnimalVideo", "find_animals"]

BADJA = Origin(
    name="BADJA",
    site="github.com/benjiebob/BADJA (joints), davischallenge.org (DAVIS-2017 trainval, Full-Resolution)",
    licence="MIT for the joints, Creative Commons BY-NC 4.0 for DAVIS",
    layout=(
        "joint_annotations/<sequence>.json (or badja_joints/)",
        "DAVIS/JPEGImages/Full-Resolution/<sequence>/%05d.jpg (or davis2016/; or 1080p, 480p)",
        "DAVIS/Annotations/Full-Resolution/<sequence>/%05d.png (likewise)",
    ),
)
BADJA_SEQUENCES = ("bear", "camel", "cows", "dog", "dog-agility", "horsejump-high", "horsejump-low")
"""The sequences of DAVIS, on which point tracking is published."""
_USED: Mapping[str, int] = {
    "upper right 1": 8, "upper right 2": 9, "upper right 3": 10, "upper left 1": 12, "upper left 2": 13,
    "upper left 3": 14, "neck": 15, "lower right 1": 18, "lower right 2": 19, "lower right 3": 20, "lower left 1": 22,
    "lower left 2": 23, "lower left 3": 24, "tail base": 25, "tail middle": 28, "tail tip": 31, "jaw": 32, "nose": 33,
    "right ear": 35, "left ear": 36,
}  # fmt: skip
BADJA_JOINTS = tuple(_USED)

_NUM_SLOTS = 37
_ANNOTATED_HW = (1080, 1920)
"""Raster of the joints: that of these sequences in full resolution."""
_JOINT_FOLDERS = ("joint_annotations", "badja_joints")
_DAVIS_FOLDERS = ("DAVIS", "davis2016")
_RESOLUTIONS = ("Full-Resolution", "1080p", "480p")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnimalVideo:
    """One sequence, shown in a raster of its own; frames and masks are decoded when they are asked for."""

    name: str
    resolution: str
    """Resolution in which DAVIS was found."""
    frames: "ResizedFiles"
    mask_files: tuple[Path, ...]
    joint_TJ2: Float[np.ndarray, "t 20 2"]
    """Raster pixels; what the annotators left for a joint they did not see, often the corner (0, 0)."""
    visible_TJ: Bool[np.ndarray, "t 20"]
    """False for hidden joints and in all frames without annotation."""

    def area_px(self, frame: int) -> int:
        """Return the area of the animal's mask in the raster of the frames; raises `DataError` on a damaged file."""
        red_HW = read_image(self.mask_files[frame])[..., 0]
        size_wh = (self.frames.shape[2], self.frames.shape[1])
        return int((cv2.resize(red_HW, size_wh, interpolation=cv2.INTER_NEAREST) > 0).sum())


class ResizedFiles:
    """Image files as frames of one size, bilinear without smoothing; nothing is kept between calls."""

    def __init__(self, files: ImageFiles, size_hw: tuple[int, int]) -> None:
        self._files = files
        self.shape = (len(files), *size_hw, 3)
        """Frames, rows, columns, 3."""

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, frame: int, /) -> UInt8[np.ndarray, "h w 3"]:
        """Return a frame, RGB in 0-255."""
        size_wh = (self.shape[2], self.shape[1])
        return cv2.resize(self._files[frame], size_wh, interpolation=cv2.INTER_LINEAR)


def find_animals(
    root: Path, *, raster_hw: tuple[int, int], sequences: Presence = "all"
) -> tuple[list[AnimalVideo], tuple[str, ...]]:
    """Return the sequences of DAVIS in order of their names, in a raster of `raster_hw`, and the names left out.

    "all" asks for the seven of `BADJA_SEQUENCES`, "present" takes every annotated sequence of DAVIS that is whole.
    Raises `DataError` when files are missing or an annotation is not of BADJA's kind.
    """
    if not root.is_dir():
        raise DataError(f"{BADJA.name}: {root} is no folder; {BADJA.expected}")
    folder = next((root / name for name in _JOINT_FOLDERS if (root / name).is_dir()), root / _JOINT_FOLDERS[0])
    annotated = {path.stem: path for path in sorted(folder.glob("*.json"))}
    videos, missing = [], {}
    names = sorted({*BADJA_SEQUENCES, *annotated}) if sequences == "present" else BADJA_SEQUENCES
    for name in names:
        if name not in annotated:
            missing[name] = f"no {folder.name}/{name}.json"
            continue
        entries = _read_entries(annotated[name])
        if not entries[0]["image_path"].startswith("DAVIS/"):
            continue
        found = _found(root, name, entries, raster_hw)
        if isinstance(found, AnimalVideo):
            videos.append(found)
        else:
            missing[name] = found
    return videos, videos_left_out(BADJA, root, missing, num_listed=len(missing) + len(videos), sequences=sequences)


def _read_entries(path: Path) -> list[dict[str, Any]]:
    """Return the annotated frames of a sequence in order of time."""
    try:
        entries = json.loads(path.read_text())
        shapes = {(np.shape(entry["joints"]), np.shape(entry["visibility"])) for entry in entries}
        numbers = [_number(entry) for entry in entries]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"{path} is no annotation of BADJA: {error!r}; expected a list of annotated frames") from error
    if shapes != {((_NUM_SLOTS, 2), (_NUM_SLOTS,))}:
        raise DataError(f"{path} holds joints and visibilities of shapes {sorted(shapes)}; expected 37 x 2 and 37")
    if numbers != sorted(set(numbers)):
        raise DataError(f"{path} names frames {numbers}; expected each once, in order of time")
    return entries


def _number(entry: Mapping[str, Any]) -> int:
    return int(Path(entry["image_path"]).stem)


def _found(root: Path, name: str, entries: list[dict[str, Any]], raster_hw: tuple[int, int]) -> AnimalVideo | str:
    """Return a sequence, or what it lacks; of the places where DAVIS may be, the first that shows it counts."""
    numbers = range(_number(entries[0]), _number(entries[-1]) + 1)
    places = [(root / davis, resolution) for davis in _DAVIS_FOLDERS for resolution in _RESOLUTIONS]
    davis, resolution = next((p for p in places if (p[0] / "JPEGImages" / p[1] / name).is_dir()), places[0])
    images = [davis / "JPEGImages" / resolution / name / f"{number:05d}.jpg" for number in numbers]
    masks = [davis / "Annotations" / resolution / name / f"{number:05d}.png" for number in numbers]
    absent = [str(path.relative_to(root)) for path in (*images, *masks) if not path.is_file()]
    if absent:
        return f"lacks {named_few(absent)}"
    files = ImageFiles(images)
    annotated_hw = _ANNOTATED_HW if resolution != _RESOLUTIONS[0] else files.shape[1:3]
    joint_TJ2, visible_TJ = _placed(entries, numbers, (raster_hw[0] / annotated_hw[0], raster_hw[1] / annotated_hw[1]))
    return AnimalVideo(
        name=name,
        resolution=resolution,
        frames=ResizedFiles(files, raster_hw),
        mask_files=tuple(masks),
        joint_TJ2=joint_TJ2,
        visible_TJ=visible_TJ,
    )


def _placed(
    entries: list[dict[str, Any]], numbers: range, scale_hw: tuple[float, float]
) -> tuple[Float[np.ndarray, "t 20 2"], Bool[np.ndarray, "t 20"]]:
    """Return the joints in use of every frame, annotated or not, in another raster, and which are seen."""
    used = list(_USED.values())
    joint_TJ2 = np.zeros((len(numbers), len(used), 2))
    visible_TJ = np.zeros((len(numbers), len(used)), bool)
    for entry in entries:
        frame = numbers.index(_number(entry))
        row_column_J2 = np.asarray(entry["joints"], np.float64)[used]
        joint_TJ2[frame] = ((row_column_J2 + 0.5) * scale_hw)[:, ::-1]
        visible_TJ[frame] = np.asarray(entry["visibility"], bool)[used]
    return joint_TJ2, visible_TJ
