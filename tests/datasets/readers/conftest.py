"""Items of TAP-Vid as each data set stores them, small."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image


def picture(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A smooth picture, so that JPEG hardly changes it."""
    small = Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8))
    return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))


def jpeg(frame: np.ndarray) -> bytes:
    """A frame as JPEG bytes."""
    stream = io.BytesIO()
    Image.fromarray(frame).save(stream, "JPEG", quality=95)
    return stream.getvalue()


@pytest.fixture
def video_item() -> Callable[..., dict[str, Any]]:
    """Make {video, points, occluded} of 3 tracks, the last never visible; frames as pixels or as JPEG."""

    def make(
        seed: int, *, frames: int = 5, size_hw: tuple[int, int] = (24, 40), encoded: bool = False
    ) -> dict[str, Any]:
        rng = np.random.default_rng(seed)
        video: Any = np.stack([picture(rng, *size_hw) for _ in range(frames)])
        occluded = rng.random((3, frames)) < 0.3
        occluded[:2, 0], occluded[2] = False, True
        return {
            "video": np.array([jpeg(frame) for frame in video]) if encoded else video,
            "points": rng.uniform(0.1, 0.9, (3, frames, 2)).astype(np.float64 if encoded else np.float32),
            "occluded": occluded,
        }

    return make


@pytest.fixture
def kubric_item() -> Callable[..., dict[str, Any]]:
    """Make a sample of Kubric's generator: a batch of one, floats from -1 to 1, pixels, queries (t, y, x)."""

    def make(seed: int, *, side: int = 256, tracks: int = 4) -> dict[str, Any]:
        rng = np.random.default_rng(seed)
        video = np.stack([picture(rng, side, side) for _ in range(24)])
        target = rng.uniform(0, side, (tracks, 24, 2)).astype(np.float32)
        frame = rng.integers(0, 24, tracks)
        occluded = rng.random((tracks, 24)) < 0.2
        occluded[np.arange(tracks), frame] = False
        query = np.concatenate((frame[:, None], target[np.arange(tracks), frame, ::-1]), axis=1)
        return {
            "video": (video / 255 * 2 - 1).astype(np.float32)[None],
            "query_points": query.astype(np.float32)[None],
            "target_points": target[None],
            "occluded": occluded[None],
        }

    return make
