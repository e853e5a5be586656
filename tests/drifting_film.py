"""A small film of soft noise that drifts to the right, two pixels a frame."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np


def write_film(
    path: Path, seed: int = 1, *, num_frames: int = 20, fps: int = 10, size_hw: tuple[int, int] = (72, 96)
) -> Path:
    """Write an H.264 mp4."""
    coarse = np.random.default_rng(seed).integers(0, 255, (size_hw[0] // 4, size_hw[1] // 4, 3)).astype(np.uint8)
    shade = cv2.resize(coarse, size_hw[::-1], interpolation=cv2.INTER_CUBIC)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(fps))
        stream.height, stream.width, stream.pix_fmt = *size_hw, "yuv420p"
        for step in range(num_frames):
            frame_HWC = np.roll(shade, 2 * step, axis=1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame_HWC, format="rgb24")))
        container.mux(stream.encode())
    return path
