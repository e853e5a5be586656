"""A dataset prepared from real videos, and the videos themselves, for measuring what reads them.

`VIDEOS=DIR` names a folder of videos; without it the sample videos of a package are taken. Of a large folder a few are
taken, spread evenly over the names, so that preparing them stays short.
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import decord

from densewalk.pipelines.samples import sample_videos
from tests.benchmarks._densewalk_command import ENVIRONMENT, densewalk

__all__ = ["StoredCorpus", "WebVideo", "stored_corpus"]

_MOST_VIDEOS = 24
_MOST_BYTES = 3_000_000
_PREPARE_SECONDS = 200
_SETTINGS = ("shots.detector=none", "flow.enabled=false", "tracks.enabled=false")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebVideo:
    """A source as it came."""

    path: Path
    frames: int
    fps: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCorpus:
    """What was prepared, and from what."""

    folder: Path
    videos: tuple[WebVideo, ...]
    """Those that decord can open."""

    @property
    def shards(self) -> list[Path]:
        """The tars of the dataset."""
        return sorted((self.folder / "shards").glob("*.tar"))


def stored_corpus(folder: Path) -> StoredCorpus:
    """Prepare a dataset below `folder`."""
    paths, out = _chosen(), folder / "corpus"
    command = densewalk("prepare", *paths, "--out", out, "--engine", "local", *_SETTINGS)
    done = subprocess.run(
        command,
        check=False,
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
        text=True,
        timeout=_PREPARE_SECONDS,
    )
    if done.returncode:
        raise RuntimeError(f"preparing the videos of the benchmark failed:\n{done.stdout}\n{done.stderr}")
    return StoredCorpus(folder=out, videos=tuple(filter(None, map(_opened, paths))))


def _chosen() -> list[Path]:
    named = os.environ.get("VIDEOS")
    paths = sorted(Path(named).rglob("*.[mMawW][pPoOvVkKeE][4vVbBiI]*")) if named else sample_videos()
    paths = [path for path in paths if path.is_file() and (not named or path.stat().st_size <= _MOST_BYTES)]
    if not paths:
        raise RuntimeError(f"no videos of at most {_MOST_BYTES / 1e6:g} MB in VIDEOS={named}")
    step = -(-len(paths) // _MOST_VIDEOS)
    return paths[::step]


def _opened(path: Path) -> WebVideo | None:
    try:
        reader = decord.VideoReader(str(path), num_threads=1)
    except (decord.DECORDError, RuntimeError):
        return None
    return WebVideo(path=path, frames=len(reader), fps=float(reader.get_avg_fps()))
