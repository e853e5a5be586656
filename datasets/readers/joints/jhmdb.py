"""JHMDB: clips of 21 actions with the 15 joints and the puppet mask of one person in every frame (Jhuang et al., 2013).

The published test list of split 1 has 268 clips. Joints are stored as `pos_img`, 2 x 15 x frames, in Matlab's pixels,
whose first centre is at 1; here they are raster pixels, that is half a pixel less. A joint may lie outside the frame.
Frames are numbered PNGs (Rename_Images) or the distributed films, which hold the same pictures. One clip by itself, a
folder of frames with joint_positions.mat beside it, is read too.

Shapes: T frames, J joints, H W rows and columns, C channels (RGB), 2 = (x, y).
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from struct import error as StructError
from typing import Literal

import av
import numpy as np
from jaxtyping import Float, UInt8
from scipy.io import loadmat

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.origin import Origin
from densewalk.datasets.readers.video_masks.masked_video import ImageFiles
from densewalk.datasets.readers.video_masks.presence import Presence, files_by_name, videos_left_out

__all__ = ["JHMDB", "JHMDB_ACTIONS", "JHMDB_JOINTS", "Clip", "ClipTruth", "find_clips"]

ClipTruth = Literal["joints", "masks"]

JHMDB = Origin(
    name="JHMDB",
    site="jhmdb.is.tue.mpg.de",
    licence="CC BY 4.0 for the annotations; the films are HMDB-51's",
    layout=(
        "Rename_Images/<action>/<clip>/%05d.png from 00001 on, or ReCompress_Videos/<action>/<clip>.avi",
        "joint_positions/<action>/<clip>/joint_positions.mat",
        "puppet_mask/<action>/<clip>/puppet_mask.mat",
        "splits/<action>_test_split1.txt, lines '<clip>.avi 2' for a test clip",
    ),
)
JHMDB_ACTIONS = (
    "brush_hair", "catch", "clap", "climb_stairs", "golf", "jump", "kick_ball", "pick", "pour", "pullup", "push",
    "run", "shoot_ball", "shoot_bow", "shoot_gun", "sit", "stand", "swing_baseball", "throw", "walk", "wave",
)  # fmt: skip
JHMDB_JOINTS = (
    "neck", "belly", "face", "right shoulder", "left shoulder", "right hip", "left hip", "right elbow", "left elbow",
    "right knee", "left knee", "right wrist", "left wrist", "right ankle", "left ankle",
)  # fmt: skip

_TEST = "2"
_JOINT_FILE = "joint_positions.mat"
_TRUTH_PLACES = {
    "joints": ("joint_positions/{clip}/" + _JOINT_FILE,),
    "masks": ("puppet_mask/{clip}/puppet_mask.mat", "puppet_mask/{clip}.mat"),
}
_FILM_PLACES = ("ReCompress_Videos/{clip}.avi", "videos/{clip}.avi")
_BROKEN_MATLAB = (OSError, ValueError, TypeError, KeyError, NotImplementedError, EOFError, zlib.error, StructError)
"""What a file that is no whole Matlab file of version 5 may raise inside scipy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """Where one clip is; nothing is decoded before it is asked for."""

    name: str
    """Action and clip, with a slash between."""
    pictures: Path
    """Folder of numbered frames, or a film."""
    truth: Path
    """Matlab file of its joints or masks."""

    def with_joints(self) -> tuple[UInt8[np.ndarray, "t h w 3"], Float[np.ndarray, "t 15 2"]]:
        """Return the annotated frames, RGB, and their joints, raster pixels; raises `DataError` on a damaged file."""
        joint_2JT = _variable(self.truth, "pos_img")
        if joint_2JT.ndim != 3 or joint_2JT.shape[:2] != (2, len(JHMDB_JOINTS)) or not np.isfinite(joint_2JT).all():
            raise DataError(f"{self.truth} holds pos_img of shape {joint_2JT.shape}; expected 2 x 15 x frames, finite")
        return self._frames(joint_2JT.shape[2]), np.ascontiguousarray(joint_2JT.transpose(2, 1, 0)) - 0.5

    def with_masks(self) -> tuple[UInt8[np.ndarray, "t h w 3"], UInt8[np.ndarray, "t h w"]]:
        """Return the annotated frames, RGB, and their puppet masks, 0 and 1; raises `DataError` on a damaged file."""
        mask_HWT = _variable(self.truth, "part_mask")
        if mask_HWT.ndim != 3:
            raise DataError(f"{self.truth} holds part_mask of shape {mask_HWT.shape}; expected rows x columns x frames")
        video_THWC = self._frames(mask_HWT.shape[2])
        if mask_HWT.shape[:2] != video_THWC.shape[1:3]:
            raise DataError(
                f"{self.truth} has masks of {mask_HWT.shape[:2]} rows and columns, the frames of {self.pictures} have "
                f"{video_THWC.shape[1:3]}; expected the same"
            )
        return video_THWC, (mask_HWT.transpose(2, 0, 1) > 0).astype(np.uint8)

    def _frames(self, count: int) -> UInt8[np.ndarray, "t h w 3"]:
        """Return the first `count` frames: what comes after the last annotated one is not looked at."""
        is_film = self.pictures.is_file()
        video_THWC = _decoded_film(self.pictures) if is_film else _decoded_frames(self.pictures)
        if not 2 <= count <= len(video_THWC):
            raise DataError(
                f"{self.truth} annotates {count} frames, {self.pictures} has {len(video_THWC)}; "
                "expected at least 2 annotated frames, all of them there"
            )
        return video_THWC[:count]


def find_clips(root: Path, truth: ClipTruth, *, sequences: Presence = "all") -> tuple[list[Clip], tuple[str, ...]]:
    """Return the test clips of split 1 and the names of those left out.

    With `sequences` "present" clips that are not whole are left out, and without the lists of the split every clip
    counts whose truth is there. Raises `DataError` when files are missing, or when there is no clip at all.
    """
    if not root.is_dir():
        raise DataError(f"{JHMDB.name}: {root} is no folder; {JHMDB.expected}")
    if truth == "joints" and sequences == "present" and (root / _JOINT_FILE).is_file():
        return _single_clip(root), ()
    listed = _listed(root) or (_annotated(root, truth) if sequences == "present" else [])
    if not listed:
        lists = f"no splits/*_test_split1.txt under {root}; sequences=present does without and takes what is there"
        lack = lists if sequences == "all" else f"no clip with {truth} under {root}"
        raise DataError(f"{JHMDB.name}: {lack}; {JHMDB.expected}")
    clips, missing = [], {}
    for name in listed:
        found = _found(root, name, truth)
        if isinstance(found, Clip):
            clips.append(found)
        else:
            missing[name] = found
    return clips, videos_left_out(JHMDB, root, missing, num_listed=len(listed), sequences=sequences)


def _single_clip(root: Path) -> list[Clip]:
    folders = sorted(path.parent for path in root.glob("*/00001.png"))
    if len(folders) != 1:
        raise DataError(
            f"{root} holds {_JOINT_FILE} and {len(folders)} folders of frames from 00001.png on; expected 1"
        )
    return [Clip(name=folders[0].name, pictures=folders[0], truth=root / _JOINT_FILE)]


def _listed(root: Path) -> list[str]:
    """Return the test clips of the lists; raises `DataError` when some of the lists are missing or of another kind."""
    lists = [root / "splits" / f"{action}_test_split1.txt" for action in JHMDB_ACTIONS]
    present = [path for path in lists if path.is_file()]
    if present and len(present) < len(lists):
        absent = next(path for path in lists if path not in present)
        raise DataError(f"{JHMDB.name}: {len(lists) - len(present)} of 21 lists are missing, {absent} first")
    return [name for path in present for name in _test_names(path)]


def _test_names(path: Path) -> Iterator[str]:
    action = path.name.removesuffix("_test_split1.txt")
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        clip, _, part = line.strip().rpartition(" ")
        if line.strip() and (part not in ("0", "1", _TEST) or not clip.endswith(".avi")):
            raise DataError(f"line {number} of {path} is {line!r}; expected '<clip>.avi 1' or '<clip>.avi 2'")
        if part == _TEST:
            yield f"{action}/{clip.strip().removesuffix('.avi')}"


def _annotated(root: Path, truth: ClipTruth) -> list[str]:
    """Return the clips whose truth is there, by name."""
    names = set()
    for place in _TRUTH_PLACES[truth]:
        before, after = place.split("{clip}")
        paths = root.glob(f"{before}*/*{after}")
        names |= {str(path.relative_to(root)).removeprefix(before).removesuffix(after) for path in paths}
    return sorted(names)


def _found(root: Path, name: str, truth: ClipTruth) -> Clip | str:
    """Return the clip, or what it lacks."""
    folder = root / "Rename_Images" / name
    films = [root / place.format(clip=name) for place in _FILM_PLACES]
    pictures = next((path for path in (folder / "00001.png", *films) if path.is_file()), None)
    places = [root / place.format(clip=name) for place in _TRUTH_PLACES[truth]]
    labels = next((path for path in places if path.is_file()), None)
    if pictures is None:
        return f"neither {folder.relative_to(root)}/00001.png nor {films[0].relative_to(root)}"
    if labels is None:
        return f"no {places[0].relative_to(root)}"
    return Clip(name=name, pictures=folder if pictures.suffix == ".png" else pictures, truth=labels)


def _decoded_frames(folder: Path) -> UInt8[np.ndarray, "t h w 3"]:
    files = files_by_name(folder, ".png")
    expected = [f"{number:05d}" for number in range(1, len(files) + 1)]
    absent: Sequence[str] = [name for name in expected if name not in files]
    if absent:
        raise DataError(f"{folder} has {len(files)} frames but no {absent[0]}.png; expected 00001.png on without a gap")
    return np.stack(list(ImageFiles(tuple(files.values()))))


def _decoded_film(path: Path) -> UInt8[np.ndarray, "t h w 3"]:
    try:
        with av.open(str(path)) as container:
            frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    except (av.FFmpegError, IndexError) as error:
        raise DataError(f"cannot decode {path}: {error}; expected a whole film, copy it again") from error
    if not frames:
        raise DataError(f"{path} holds no frame; expected a whole film, copy it again")
    return np.stack(frames)


def _variable(path: Path, name: str) -> np.ndarray:
    try:
        content = loadmat(path, variable_names=(name,))
    except _BROKEN_MATLAB as error:
        raise DataError(f"cannot read {path}: {error}; expected a Matlab file with {name}, copy it again") from error
    if name not in content:
        raise DataError(f"{path} holds no {name}; expected JHMDB's own file")
    return np.asarray(content[name])
