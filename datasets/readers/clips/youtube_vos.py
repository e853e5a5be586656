"""YouTube-VOS as unlabelled video: folders of frames, every fifth of 30 a second, or all of them (Xu et al., 2018).

File names are numbers of frames, so both kinds of folder tell their rate themselves: `train` has six frames a second,
`train_all_frames` thirty. Masks are read by `readers/video_masks/youtube_vos.py`.
"""

import json
import logging
from fractions import Fraction
from pathlib import Path

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.clips.footage_clips import FootageClips
from densewalk.datasets.readers.clips.frame_clips import open_folders
from densewalk.datasets.readers.clips.frame_folders import folders_below
from densewalk.datasets.readers.origin import Origin
from densewalk.datasets.storage.config import CacheConfig

__all__ = ["open_youtube_vos"]

_LOG = logging.getLogger("densewalk")
_RATE = Fraction(30)
_ORIGIN = Origin(
    name="YouTube-VOS",
    site="youtube-vos.org",
    licence="annotations CC BY 4.0, research use; the videos belong to their uploaders",
    layout=(
        "<split>/JPEGImages/<video>/%05d.jpg, with the split train, valid, test or <split>_all_frames",
        "<split>/meta.json, if there",
    ),
)


def open_youtube_vos(
    path: Path | str, cache: CacheConfig, *, split: str = "train", seconds: float = 10.0
) -> FootageClips:
    """Return the videos of a split; `path` holds the splits, or is one.

    Videos that `meta.json` names and that are not there are counted in the log. Raises `DataError` when the split is
    not there or none of its videos can be used.
    """
    root = Path(path)
    folder = next((place for place in (root / split, root) if (place / "JPEGImages").is_dir()), None)
    if folder is None:
        raise DataError(f"YouTube-VOS: {path} has no folder {split}/JPEGImages; {_ORIGIN.expected}")
    folders = folders_below(_ORIGIN, folder / "JPEGImages")
    if absent := sorted(_named(folder / "meta.json") - folders.keys()):
        _LOG.warning("youtube-vos: %d videos of meta.json are absent: %s", len(absent), ", ".join(absent[:3]))
    name = f"youtube-vos:{path} ({split})"
    return open_folders(name, folder / "JPEGImages", folders, cache, rate=_RATE, seconds=seconds)


def _named(file: Path) -> set[str]:
    """Return the videos that `meta.json` names; none where it is not there."""
    if not file.is_file():
        return set()
    try:
        return set(json.loads(file.read_text())["videos"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{file} is of another kind: {error}; {_ORIGIN.expected}") from error
