"""A disk of a few hundred kibibytes, to be filled or closed by tests."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = ["filled", "read_only", "small_disk"]


@contextmanager
def small_disk(folder: Path, *, kibibytes: int) -> Iterator[Path]:
    """Mount a disk in memory at `folder`, gone at the end; skips the test where that is not allowed."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts a small disk")
    folder.mkdir(parents=True, exist_ok=True)
    options = f"size={kibibytes}k"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def filled(folder: Path, *, leave: int = 0) -> Iterator[None]:
    """Leave that many bytes of the disk of `folder` free while the block runs."""
    ballast = folder / "ballast"
    state = os.statvfs(folder)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, state.f_bavail * state.f_frsize - leave))
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Close a disk that `small_disk` made for writing while the block runs."""
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
