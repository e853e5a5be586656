"""Many small videos for measuring what does not depend on pixels: drifting textures, no two alike."""

from pathlib import Path

import av
import cv2
import numpy as np

__all__ = ["write_tiny_videos"]

_STEP_XY = (3, 1)


def write_tiny_videos(
    folder: Path, count: int, *, size_wh: tuple[int, int] = (128, 96), num_frames: int = 32, fps: int = 24
) -> list[Path]:
    """Write `count` H.264 videos of one shot each; their bytes follow from their numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"film-{number:06d}.mp4" for number in range(count)]
    for number, path in enumerate(paths):
        _write(path, np.random.default_rng(number), size_wh, num_frames, fps)
    return paths


def _write(path: Path, rng: np.random.Generator, size_wh: tuple[int, int], num_frames: int, fps: int) -> None:
    width, height = size_wh
    reach_wh = (width + _STEP_XY[0] * num_frames, height + _STEP_XY[1] * num_frames)
    cells_HWC = rng.integers(0, 256, (reach_wh[1] // 12, reach_wh[0] // 12, 3), dtype=np.uint8)
    texture_HWC = cv2.resize(cells_HWC, reach_wh, interpolation=cv2.INTER_NEAREST)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"preset": "ultrafast", "x264-params": "threads=1"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in range(num_frames):
            left, top = (step * frame for step in _STEP_XY)
            image_HWC = np.ascontiguousarray(texture_HWC[top : top + height, left : left + width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image_HWC, format="rgb24")))
        container.mux(stream.encode(None))
