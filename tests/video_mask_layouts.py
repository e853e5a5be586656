"""Tiny data sets of videos with masks, in the layouts in which they are published."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from densewalk.datasets.readers.video_masks.mask_files import mask_png

NUM_FRAMES = 6
SIZE_HW = (32, 48)
COLOURS = np.array([(90, 90, 90), (220, 30, 30), (30, 60, 220), (240, 220, 40), (30, 200, 90)], np.uint8)


def walking_squares(objects: int = 2, *, frames: int = NUM_FRAMES, step: int = 3) -> np.ndarray:
    """Labels of squares that walk to the right, one below the other."""
    labels = np.zeros((frames, *SIZE_HW), np.uint8)
    height = SIZE_HW[0] // objects
    for number in range(1, objects + 1):
        top = (number - 1) * height + 2
        for frame in range(frames):
            labels[frame, top : top + height - 4, 2 + step * frame : 14 + step * frame] = number
    return labels


def save_frames(folder: Path, labels: np.ndarray, names: list[str] | None = None) -> None:
    """Write frames in which every label has its colour."""
    folder.mkdir(parents=True, exist_ok=True)
    for frame, label in enumerate(labels):
        name = f"{frame:05d}" if names is None else names[frame]
        Image.fromarray(COLOURS[label]).save(folder / f"{name}.jpg", quality=95, subsampling=0)


def save_masks(folder: Path, labels: Mapping[str, np.ndarray] | np.ndarray) -> None:
    """Write masks as indexed PNGs, by name or numbered."""
    folder.mkdir(parents=True, exist_ok=True)
    named = labels if isinstance(labels, Mapping) else {f"{i:05d}": label for i, label in enumerate(labels)}
    for name, label in named.items():
        (folder / f"{name}.png").write_bytes(mask_png(label))


def save_davis(root: Path, sequences: Mapping[str, np.ndarray], *, split: str = "val") -> Path:
    """Write DAVIS-2017."""
    for name, labels in sequences.items():
        save_frames(root / "JPEGImages/480p" / name, labels)
        save_masks(root / "Annotations/480p" / name, labels)
    (root / "ImageSets/2017").mkdir(parents=True, exist_ok=True)
    (root / "ImageSets/2017" / f"{split}.txt").write_text("".join(f"{name}\n" for name in sequences))
    return root


def save_davis_2016(root: Path, sequences: Mapping[str, np.ndarray], *, split: str = "val") -> Path:
    """Write DAVIS-2016: grey masks of 0 and 255, a list of frames and masks."""
    lines = []
    for name, labels in sequences.items():
        save_frames(root / "JPEGImages/480p" / name, labels)
        (root / "Annotations/480p" / name).mkdir(parents=True)
        for frame, label in enumerate(labels):
            Image.fromarray(np.where(label, 255, 0).astype(np.uint8)).save(
                root / "Annotations/480p" / name / f"{frame:05d}.png"
            )
            lines.append(f"/JPEGImages/480p/{name}/{frame:05d}.jpg /Annotations/480p/{name}/{frame:05d}.png \n")
    (root / "ImageSets/480p").mkdir(parents=True)
    (root / "ImageSets/480p" / f"{split}.txt").write_text("".join(lines))
    return root


def save_youtube_vos(root: Path, *, split: str, only_first: bool = False) -> Path:
    """Write two videos, every fifth frame of 30: in the second, object 2 comes in at the third annotated frame."""
    names = [f"{5 * frame:05d}" for frame in range(NUM_FRAMES)]
    meta = {}
    for video, entries in {"003234408d": {1: 0, 2: 0}, "0043f083b5": {1: 0, 2: 2}}.items():
        labels = walking_squares(2)
        for number, entry in entries.items():
            labels[:entry][labels[:entry] == number] = 0
        save_frames(root / split / "JPEGImages" / video, labels, names)
        kept = dict(zip(names, labels, strict=True))
        if only_first:
            own = {entry: [n for n, e in entries.items() if e == entry] for entry in set(entries.values())}
            kept = {names[e]: np.where(np.isin(labels[e], numbers), labels[e], 0) for e, numbers in own.items()}
        save_masks(root / split / "Annotations" / video, kept)
        meta[video] = {
            "objects": {str(n): {"category": "square", "frames": names[entry:]} for n, entry in entries.items()}
        }
    (root / split / "meta.json").write_text(json.dumps({"videos": meta}))
    return root


def save_vip(root: Path) -> Path:
    """Write two videos of VIP with classes 0, 2, 13 and, in the second, 19."""
    for video, classes in {"videos3": [0, 2, 13], "videos20": [0, 2, 13, 19]}.items():
        labels = walking_squares(len(classes) - 1)
        names = [f"{1 + 25 * frame:012d}" for frame in range(NUM_FRAMES)]
        save_frames(root / "Images" / video, labels, names)
        save_masks(
            root / "Annotations/Category_ids" / video,
            dict(zip(names, np.array(classes, np.uint8)[labels], strict=True)),
        )
    (root / "lists").mkdir(parents=True)
    (root / "lists/val_videos.txt").write_text("VIP_Fine/Images/videos3\nvideos20\n")
    return root
