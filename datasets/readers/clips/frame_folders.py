"""Any tree of folders of numbered images as a collection: `frames:FOLDER`, such as DAVIS' `JPEGImages/480p`."""

from fractions import Fraction
from itertools import groupby
from pathlib import Path

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.clips.footage_clips import FootageClips
from densewalk.datasets.readers.clips.found_files import files_below
from densewalk.datasets.readers.clips.frame_clips import IMAGE_ENDINGS, open_folders
from densewalk.datasets.readers.origin import Origin, require_files
from densewalk.datasets.storage.config import CacheConfig

__all__ = ["folders_below", "open_frames"]

_ORIGIN = Origin(
    name="folders of frames",
    site="your disk",
    licence="as the videos say",
    layout=(f"<any folders>/<video>/<name with a number>, an ending of {', '.join(IMAGE_ENDINGS)}",),
)


def open_frames(path: Path | str, cache: CacheConfig, *, fps: float = 24.0, seconds: float = 10.0) -> FootageClips:
    """Return every folder below `path` that holds images, `fps` numbers a second (DAVIS: 24).

    Raises `DataError` when there is none that can be used.
    """
    root, rate = Path(path), Fraction(fps).limit_denominator(1001)
    folders = folders_below(_ORIGIN, root)
    return open_folders(f"frames:{path} ({fps:g} fps)", root, folders, cache, rate=rate, seconds=seconds)


def folders_below(origin: Origin, root: Path) -> dict[str, list[Path]]:
    """Return the images of every folder below `root`, by the folder's path under it.

    Raises `DataError` when there are none, saying where one gets them.
    """
    require_files(origin, root, [])
    images = sorted(files_below(root, IMAGE_ENDINGS), key=lambda image: image.parent.relative_to(root).as_posix())
    if images:
        return {
            folder.relative_to(root).as_posix(): list(within)
            for folder, within in groupby(images, key=lambda image: image.parent)
        }
    raise DataError(f"{origin.name}: no image below {root}; {origin.expected}")
