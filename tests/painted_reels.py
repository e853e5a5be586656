"""Reels of painted frames, spooled without a codec, so that what they show is known to the pixel."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from densewalk.datasets.records import Source
from densewalk.pipelines.records import Reel
from densewalk.pipelines.spool import FRAMES, MOTION, THUMBNAIL_HW, THUMBNAILS, TIMES
from tests.known_reels import STREAM

BLACK, GREY, WHITE = 16, 126, 235


def texture(height: int, width: int, *, seed: int = 0, softness: float = 1.5) -> np.ndarray:
    """Return a luma picture of blobs, some pixels wide, that tiles the plane."""
    noise_HW = np.random.default_rng(seed).normal(size=(height, width)).astype(np.float32)
    smooth_HW = cv2.GaussianBlur(np.tile(noise_HW, (3, 3)), (0, 0), softness)[height : 2 * height, width : 2 * width]
    return np.clip(126 + 45 * smooth_HW / smooth_HW.std(), BLACK, WHITE).astype(np.uint8)


def drifting(num_frames: int, height: int, width: int, *, step_px: int = 1, seed: int = 0) -> list[np.ndarray]:
    """Return frames of a texture that drifts to the right."""
    picture_HW = texture(height, width, seed=seed)
    return [np.roll(picture_HW, step_px * frame, axis=1) for frame in range(num_frames)]


def framed(picture_HW: np.ndarray, top: int, bottom: int, left: int, right: int, level: int = BLACK) -> np.ndarray:
    """Return a picture with even bars around it."""
    return cv2.copyMakeBorder(picture_HW, top, bottom, left, right, cv2.BORDER_CONSTANT, value=level)


def painted_reel(
    folder: Path,
    luma_frames: Sequence[np.ndarray],
    *,
    fps: int = 30,
    times: Sequence[int] | None = None,
    motion: Sequence[float] | None = None,
) -> Reel:
    """Spool grey frames as a reel; `times` are in milliseconds, `motion` in pixels per frame (none: no vectors)."""
    folder.mkdir(parents=True, exist_ok=True)
    height, width = luma_frames[0].shape
    chroma_RW = np.full((height // 2, width), 128, dtype=np.uint8)
    frame_NRW = np.stack([np.concatenate((luma_HW, chroma_RW)) for luma_HW in luma_frames])
    frame_NRW.tofile(folder / FRAMES)
    np.stack([_thumbnail(luma_HW) for luma_HW in luma_frames]).tofile(folder / THUMBNAILS)
    ticks = [round(1000 * frame / fps) for frame in range(len(luma_frames))] if times is None else times
    np.save(folder / TIMES, np.array(ticks, dtype=np.int64))
    np.save(folder / MOTION, np.array([np.nan] * len(luma_frames) if motion is None else motion, dtype=np.float32))
    return Reel(
        source=Source(id="a" * 20, uri=str(folder), bytes=1, sha256="a" * 64),
        facts=STREAM,
        folder=str(folder),
        num_frames=len(luma_frames),
        width=width,
        height=height,
        time_base=(1, 1000),
        fps=float(fps),
    )


def _thumbnail(luma_HW: np.ndarray) -> np.ndarray:
    small = cv2.resize(luma_HW, THUMBNAIL_HW[::-1], interpolation=cv2.INTER_AREA).astype(np.float32)
    return np.clip(np.rint((small - 16) * (255 / 219)), 0, 255).astype(np.uint8)[..., None].repeat(3, axis=-1)
