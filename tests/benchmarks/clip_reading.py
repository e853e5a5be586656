"""Two random frames of a stored clip: our reader against decord on the same bytes, and against a default web encode."""

import io
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import decord
import numpy as np

from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.scene import Scene
from densewalk.datasets.video import read_frames
from densewalk.pipelines.clips.encode import EncodeConfig, encode_clip

DEVICES = ("cpu",)
_NUM_FRAMES, _SIZE_HW, _TRIALS = 300, (256, 320), 60


def run(device: str) -> list[tuple[str, float, str]]:
    """Measure on a ten-second clip of a generated scene, in memory, CPU time of one process."""
    scene = Scene(SceneConfig(height=_SIZE_HW[0], width=_SIZE_HW[1], num_frames=_NUM_FRAMES), 0)
    video = scene.video()
    stored, web = _stored(video), _web(video)
    rng = np.random.default_rng(0)
    pairs = [np.sort(rng.choice(_NUM_FRAMES, 2, replace=False)).tolist() for _ in range(_TRIALS)]
    ours = _seconds(lambda pair: read_frames(stored, pair), pairs)
    theirs = _seconds(lambda pair: _decord(stored, pair), pairs)
    default = _seconds(lambda pair: _decord(web, pair), pairs)
    return [
        ("random pair of a stored clip, ours", ours * 1e3, "ms CPU"),
        ("decord on the same clip over ours", theirs / ours, "x"),
        ("decord on a default web encode over ours", default / ours, "x"),
        ("bytes of the stored clip over the web encode", len(stored) / len(web), "x"),
    ]


def _decord(mp4: bytes, pair: list[int]) -> None:
    decord.VideoReader(io.BytesIO(mp4), num_threads=1).get_batch(pair).asnumpy()


def _seconds(read: Callable[[list[int]], object], pairs: list[list[int]]) -> float:
    read(pairs[0])
    began = time.process_time()
    for pair in pairs:
        read(pair)
    return (time.process_time() - began) / len(pairs)


def _stored(video: np.ndarray) -> bytes:
    frames = (cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420) for frame in video)
    height, width = _SIZE_HW
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stored.mp4"
        encode_clip(frames, path, size_wh=(width, height), fps=Fraction(30), config=EncodeConfig())
        return path.read_bytes()


def _web(video: np.ndarray) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "web.mp4"
        with av.open(path, "w") as container:
            stream = container.add_stream("libx264", rate=30, options={"crf": "23", "preset": "medium"})
            stream.height, stream.width, stream.pix_fmt = *_SIZE_HW, "yuv420p"
            for frame in video:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            container.mux(stream.encode(None))
        return path.read_bytes()
