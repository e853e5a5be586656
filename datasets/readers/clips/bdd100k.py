"""BDD100K's videos: 100,000 drives of 40 seconds at 30 frames a second, 720 rows (Yu et al., 2020)."""

from pathlib import Path

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.clips.footage_clips import FootageClips
from densewalk.datasets.readers.clips.video_clips import open_files
from densewalk.datasets.readers.clips.videos import videos_below
from densewalk.datasets.readers.origin import Origin
from densewalk.datasets.storage.config import CacheConfig

__all__ = ["open_bdd100k"]

_ORIGIN = Origin(
    name="BDD100K videos",
    site="bdd-data.berkeley.edu",
    licence="BDD100K licence, research use",
    layout=("videos/<split>/<drive>.mov, with the split train, val or test",),
)


def open_bdd100k(path: Path | str, cache: CacheConfig, *, split: str = "train", seconds: float = 10.0) -> FootageClips:
    """Return the drives of a split, cut into clips of about `seconds`; `path` holds `videos/`, or is it.

    Raises `DataError` when the split is not there or none of its files can be read.
    """
    root = Path(path)
    places = [root / "videos" / split, root / "bdd100k" / "videos" / split, root / split]
    folder = next((place for place in places if place.is_dir()), None)
    if folder is None:
        raise DataError(f"{_ORIGIN.name}: {path} has no folder videos/{split}; {_ORIGIN.expected}")
    name = f"bdd100k:{path} ({split})"
    return open_files(name, folder, videos_below(_ORIGIN, folder), cache, seconds=seconds)
