"""Walking Tours: ten walks through cities, each an hour or more of 4K video uncut (Venkataramanan et al., 2024).

A walk is not one clip: it is cut into clips of about `seconds`. Its index is made once and shared by all of them, so
reading from the middle of an hour costs no more than decoding from the key frame before.
"""

from pathlib import Path

from densewalk.datasets.readers.clips.footage_clips import FootageClips
from densewalk.datasets.readers.clips.video_clips import open_files
from densewalk.datasets.readers.clips.videos import videos_below
from densewalk.datasets.readers.origin import Origin
from densewalk.datasets.storage.config import CacheConfig

__all__ = ["open_walking_tours"]

_ORIGIN = Origin(
    name="Walking Tours",
    site="shashankvkt.github.io (DoRA), which lists the ten videos at YouTube",
    licence="CC BY, as the videos say",
    layout=("<walk>.mp4, .webm or .mkv, such as Amsterdam, Bangkok, Venice",),
)


def open_walking_tours(path: Path | str, cache: CacheConfig, *, seconds: float = 10.0) -> FootageClips:
    """Return the walks below a folder, cut into clips of about `seconds`.

    Raises `DataError` when there is none that can be read.
    """
    folder = Path(path)
    return open_files(f"walking-tours:{path}", folder, videos_below(_ORIGIN, folder), cache, seconds=seconds)
