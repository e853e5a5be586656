"""Settings every test runs under: one thread a process, no Ray authentication files, real videos where they exist."""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("RAY_AUTH_MODE", "disabled")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest
import torch

cv2.setNumThreads(1)
torch.set_num_threads(1)

REAL_DATA = Path(os.environ.get("DENSEWALK_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real videos beside the project, or skip."""
    if not (REAL_DATA / "MANIFEST.csv").is_file():
        pytest.skip(f"no real videos at {REAL_DATA} (set DENSEWALK_TEST_DATA)")
    return REAL_DATA


@pytest.fixture(scope="session", autouse=True)
def cache_folder() -> Iterator[None]:
    """Keep what is cached of datasets in a folder that ends with the tests."""
    with tempfile.TemporaryDirectory(prefix="dw-cache-") as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        yield


@pytest.fixture(scope="session", autouse=True)
def ray_folder() -> Iterator[None]:
    """Let Ray keep its sessions in a folder that ends with the tests; its sockets allow no long path."""
    folder = tempfile.mkdtemp(prefix="dw-ray-")
    os.environ["RAY_TMPDIR"] = folder
    yield
    shutil.rmtree(folder, ignore_errors=True)
