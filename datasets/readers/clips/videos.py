"""Any folder of videos as a collection: `videos:FOLDER`, every video below it."""

from pathlib import Path

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.clips.containers import VIDEO_ENDINGS
from densewalk.datasets.readers.clips.footage_clips import FootageClips
from densewalk.datasets.readers.clips.found_files import files_below
from densewalk.datasets.readers.clips.video_clips import open_files
from densewalk.datasets.readers.origin import Origin, require_files
from densewalk.datasets.storage.config import CacheConfig

__all__ = ["open_videos", "videos_below"]

_ORIGIN = Origin(
    name="a folder of videos",
    site="your disk",
    licence="as the videos say",
    layout=(f"<any folders>/<video>, a name that ends in {', '.join(VIDEO_ENDINGS)}",),
)


def open_videos(path: Path | str, cache: CacheConfig, *, seconds: float = 10.0) -> FootageClips:
    """Return all videos below a folder, cut into clips of about `seconds`.

    Raises `DataError` when there is none that can be read.
    """
    folder = Path(path)
    return open_files(f"videos:{path}", folder, videos_below(_ORIGIN, folder), cache, seconds=seconds)


def videos_below(origin: Origin, folder: Path) -> list[Path]:
    """Return the videos below a folder by name; raises `DataError` when there are none, saying where one gets them."""
    require_files(origin, folder, [])
    if files := files_below(folder, VIDEO_ENDINGS):
        return files
    raise DataError(f"{origin.name}: no video below {folder}; {origin.expected}")
