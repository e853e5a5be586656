"""PointOdyssey as a collection of clips with true, sparse tracks.

    train/<scene>/rgbs/rgb_00000.jpg ...    masks/ depths/ normals/    anno.npz    info.npz

A scene has some thousand frames; its clips are stretches of `seconds`, one after another, the last of which has half to
one and a half of it. A group is a scene. Tracks are some thousand points of half a million pixels, spread over surfaces
that bend: too few for a displacement of every pixel, so the collection has no motion, and `tracks` gives them as they
are. The release states no frame rate, 30 a second is taken.

Source: Zheng et al., "PointOdyssey", ICCV 2023; the loaders of aharley/pips2.

Shapes: N clips, T frames, H W rows and columns, K tracks.
"""

import hashlib
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from densewalk.datasets.collection import ClipTable, motion_unknown
from densewalk.datasets.config import require
from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.clips.pointodyssey_tracks import PointTracks, read_tracks
from densewalk.datasets.readers.image_files import read_image, stored_size
from densewalk.datasets.readers.origin import Origin
from densewalk.datasets.storage.config import CacheConfig
from densewalk.datasets.views import Motion

__all__ = ["PointOdysseyCollection", "open_pointodyssey"]

_ORIGIN = Origin(
    name="PointOdyssey",
    site="pointodyssey.com",
    licence="CC BY-NC-SA 4.0",
    layout=("<train, val, test>/<scene>/rgbs/rgb_<frame, 5 digits>.jpg", "<train, val, test>/<scene>/anno.npz"),
)

_FRAME = re.compile(r"rgb_(\d{5})\.jpg")
_LOG = logging.getLogger("densewalk")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """A scene of the split."""

    folder: Path
    frames: int
    size_hw: tuple[int, int]
    fingerprint: str


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Which frames of which scene a clip is."""

    scene: int
    start: int
    frames: int


def open_pointodyssey(
    path: str | Path, cache: CacheConfig, *, split: str = "train", seconds: float = 4.0, fps: float = 30.0
) -> "PointOdysseyCollection":
    """Return a split: `path` holds its folder, or is it. Nothing is cached; `seconds` is the length of a clip.

    Scenes without frames are left out and logged. Raises `DataError` when there is none with frames.
    """
    require(
        fps <= 0 and f"fps={fps:g} must be positive",
        seconds * fps < 2 and f"seconds={seconds:g} at {fps:g} fps are fewer than 2 frames a clip",
    )
    root = Path(path)
    folder = root / split if (root / split).is_dir() else root
    if not folder.is_dir():
        raise DataError(f"{_ORIGIN.name}: {folder} does not exist; {_ORIGIN.expected}")
    scenes = [scene for scene in map(_find, sorted(folder.iterdir())) if scene is not None]
    if not scenes:
        raise DataError(f"{_ORIGIN.name}: {folder} holds no scene with frames; {_ORIGIN.expected}")
    return PointOdysseyCollection(folder, scenes, clip_frames=round(seconds * fps), fps=fps)


class PointOdysseyCollection:
    """A `ClipCollection` of stretches of scenes."""

    has_motion = False

    def __init__(self, folder: Path, scenes: Sequence[_Scene], *, clip_frames: int, fps: float) -> None:
        self._folder, self._scenes = folder, tuple(scenes)
        self._stretches = [
            stretch for number, scene in enumerate(scenes) for stretch in _cut(number, scene.frames, clip_frames)
        ]
        scene_N = np.array([stretch.scene for stretch in self._stretches], np.int32)
        self.table = ClipTable(
            keys=tuple(f"{scenes[part.scene].folder.name}-{part.start:05d}" for part in self._stretches),
            group_N=scene_N,
            frames_N=np.array([stretch.frames for stretch in self._stretches], np.int32),
            fps_N=np.full(len(scene_N), float(fps)),
            height_N=np.array([scene.size_hw[0] for scene in scenes], np.int32)[scene_N],
            width_N=np.array([scene.size_hw[1] for scene in scenes], np.int32)[scene_N],
            groups=tuple(scene.folder.name for scene in scenes),
        )
        facts = [f"{clip_frames} {fps}", *(scene.fingerprint for scene in scenes)]
        self.identity = hashlib.sha256("\n".join(facts).encode()).hexdigest()
        """Hex digits of the scenes' names, numbers of frames, sizes of files and how they are cut."""

    @property
    def name(self) -> str:
        """The split's folder."""
        return f"{_ORIGIN.name} in {self._folder}"

    def read(self, clip: int, frames: Sequence[int]) -> UInt8[np.ndarray, "t h w 3"]:
        """Return frames of a clip, RGB 0-255; raises `DataError` naming clip and file on damage."""
        stretch, scene, numbers = self._located(clip, frames)
        pictures = []
        for number in numbers:
            path = scene.folder / "rgbs" / f"rgb_{number:05d}.jpg"
            try:
                picture_HWC = read_image(path)
            except DataError as error:
                raise DataError(f"clip {self.table.keys[clip]} of scene {stretch.scene}: {error}") from error
            if picture_HWC.shape[:2] != scene.size_hw:
                raise DataError(
                    f"clip {self.table.keys[clip]}: {path} has {picture_HWC.shape[:2]} rows and columns; expected "
                    f"{scene.size_hw}, as its scene has"
                )
            pictures.append(picture_HWC)
        return np.stack(pictures)

    def tracks(self, clip: int, frames: Sequence[int]) -> PointTracks:
        """Return the tracks of a clip in some of its frames; raises `DataError` when they are absent or damaged."""
        _, scene, numbers = self._located(clip, frames)
        return read_tracks(scene.folder / "anno.npz", numbers, scene.size_hw)

    def motion(self, clip: int, frames: Sequence[int]) -> Motion:
        """Raise `ConfigError`: tracks are too few for the motion of every pixel."""
        raise motion_unknown(self.name)

    def ahead(self, groups: Sequence[int]) -> None:
        """Do nothing: files are read as they are."""

    def _located(self, clip: int, frames: Sequence[int]) -> tuple[_Stretch, _Scene, list[int]]:
        stretch = self._stretches[clip]
        if not frames or min(frames) < 0 or max(frames) >= stretch.frames:
            raise DataError(
                f"clip {self.table.keys[clip]} has the frames 0 to {stretch.frames - 1}; asked for {list(frames)}"
            )
        return stretch, self._scenes[stretch.scene], [stretch.start + frame for frame in frames]


def _find(folder: Path) -> _Scene | None:
    """Return a scene, or None for a folder without frames."""
    rgbs = folder / "rgbs"
    found = sorted(path for path in rgbs.iterdir() if _FRAME.fullmatch(path.name)) if rgbs.is_dir() else []
    sizes = (size for path in found if (size := _size(path)))
    size_hw = next(sizes, None)
    if size_hw is None:
        if folder.is_dir():
            _LOG.warning(
                "%s is left out: it has %d frames rgbs/rgb_*.jpg, none of which can be read", folder, len(found)
            )
        return None
    ends = [path.stat().st_size for path in (found[0], found[-1], folder / "anno.npz") if path.is_file()]
    frames = int(found[-1].stem[-5:]) + 1
    return _Scene(folder=folder, frames=frames, size_hw=size_hw, fingerprint=f"{folder.name} {frames} {size_hw} {ends}")


def _size(path: Path) -> tuple[int, int] | None:
    try:
        return stored_size(path)
    except DataError:
        return None


def _cut(scene: int, frames: int, clip_frames: int) -> Iterator[_Stretch]:
    count = max(1, round(frames / clip_frames))
    for place in range(count):
        start = place * clip_frames
        yield _Stretch(scene, start, (frames - start) if place == count - 1 else clip_frames)
