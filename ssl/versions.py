"""The versions that numbers depend on, for runs and scores."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from densewalk import __version__

__all__ = ["commit", "versions"]

_PACKAGES = ("torch", "numpy", "safetensors", "opencv-python-headless", "av")


def versions() -> dict[str, str]:
    """Return the versions of densewalk, Python and the packages that compute."""
    return {"densewalk": __version__, "python": platform.python_version(), **{p: version(p) for p in _PACKAGES}}


def commit() -> str | None:
    """Return the commit this code stands at, marked when files differ from it; None outside a checkout."""
    root = Path(__file__).resolve().parents[1]
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None
