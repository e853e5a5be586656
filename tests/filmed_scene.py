"""A generated scene as a reel of decoded frames with one clip, its exact flow as an estimator."""

from dataclasses import replace
from pathlib import Path

import av
import numpy as np

from densewalk.datasets.records import Source
from densewalk.datasets.scenes.scene import Scene
from densewalk.pipelines.records import Cutting, Reel
from densewalk.pipelines.spool import FRAMES, TIMES
from tests.known_reels import STREAM, cutting_of_reel

__all__ = ["ExactFlow", "film"]


def film(frames_THWC: np.ndarray, folder: Path, *, crop_xywh: tuple[int, int, int, int] | None = None) -> Cutting:
    """Spool RGB frames (even sides, 12 a second) as a reel whose only clip is all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    num_frames, height, width, _ = frames_THWC.shape
    pictures = (av.VideoFrame.from_ndarray(frame, format="rgb24") for frame in np.ascontiguousarray(frames_THWC))
    planes = [
        picture.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG").to_ndarray()
        for picture in pictures
    ]
    (folder / FRAMES).write_bytes(b"".join(plane.tobytes() for plane in planes))
    np.save(folder / TIMES, np.arange(num_frames, dtype=np.int64))
    reel = Reel(
        source=Source(id="0" * 20, uri="scene", bytes=0, sha256="0" * 64),
        facts=STREAM,
        folder=str(folder),
        num_frames=num_frames,
        width=width,
        height=height,
        time_base=(1, 12),
        fps=12.0,
    )
    cutting = cutting_of_reel(reel)
    return replace(cutting, clips=(replace(cutting.clips[0], crop_xywh=crop_xywh or (0, 0, width, height)),))


class ExactFlow:
    """Knows which frames of a scene it is shown and returns their exact flow."""

    weights_sha256 = ""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._video_THWC = scene.video().astype(np.int16)

    def __call__(self, source_HWC: np.ndarray, target_HWC: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        source, target = self._number(source_HWC), self._number(target_HWC)
        return self._scene.flow(source, target)[0], self._scene.flow(target, source)[0]

    def _number(self, frame_HWC: np.ndarray) -> int:
        return int(np.abs(self._video_THWC - frame_HWC).mean((1, 2, 3)).argmin())
