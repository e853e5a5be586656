"""What an interrupted preparation keeps of sources that have to go: staged reels, verdicts and downloads."""

import hashlib
import json
import shutil
from collections.abc import Container, Iterable
from pathlib import Path

__all__ = ["forget_downloads", "forget_staged"]


def forget_staged(staged: Path, *, ids: Container[str], uris: Container[str]) -> None:
    """Remove what is staged, under whatever recipe, of sources with these ids or names."""
    for part in staged.glob("*/*"):
        for folder in list(part.iterdir()):
            if folder.name.partition("-")[0] in ids or any(uri in uris for uri in _uris(folder)):
                shutil.rmtree(folder)


def forget_downloads(fetched: Path, uris: Iterable[str]) -> None:
    """Remove what was fetched of these names, whole or in part."""
    for uri in uris:
        for path in fetched.glob(f"{hashlib.sha256(uri.encode()).hexdigest()[:20]}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _uris(folder: Path) -> set[str]:
    """Return the names that outcomes and verdicts in a source's folder speak of."""
    contents = (json.loads(path.read_bytes()) for path in folder.glob("*.json"))
    return {content.get("source", content)["uri"] for content in contents}
