"""The versions that numbers depend on, for runs and scores."""

import platform
from importlib.metadata import version

from densewalk import __version__

__all__ = ["versions"]

_PACKAGES = ("torch", "numpy", "safetensors", "opencv-python-headless", "av")


def versions() -> dict[str, str]:
    """Return the versions of densewalk, Python and the packages that compute."""
    return {"densewalk": __version__, "python": platform.python_version(), **{p: version(p) for p in _PACKAGES}}
