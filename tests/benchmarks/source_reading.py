"""Pictures of videos as they come from elsewhere: our reader against decord on the same files, and what an index costs.

The videos are those beside the project, clips of some seconds as they are found on the web (mostly H.264 with B-frames
and a key frame every 4 to 10 seconds); without them, generated ones with the settings of x264.
"""

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import decord
import numpy as np

from densewalk.datasets.readers.clips.any_video import read_at
from densewalk.datasets.readers.clips.indexing import index_video
from densewalk.datasets.readers.clips.video_index import VideoIndex
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.scene import Scene

DEVICES = ("cpu",)
_VIDEOS = 12
_PAIR_SECONDS = 0.5
_REAL = Path(os.environ.get("DENSEWALK_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))

Videos = Sequence[tuple[Path, VideoIndex]]


def run(device: str) -> list[tuple[str, float, str]]:
    """Measure random pairs half a second apart and sixteen frames of each video, CPU time of one process."""
    with tempfile.TemporaryDirectory() as folder:
        paths = sorted((_REAL / "videos" / "panda70m").glob("*.mp4"))[:_VIDEOS] or _generated(Path(folder))
        for path in paths:
            index_video(path)
        began = time.process_time()
        videos = [(path, index_video(path)) for path in paths]
        indexing = (time.process_time() - began) / len(videos)
        rows = [
            ("index of a video of some seconds", indexing * 1e3, "ms CPU"),
            ("bytes of an index", float(np.mean([len(index.to_bytes()) for _, index in videos])), "B"),
        ]
        for what, choose in (("random pair", _pair), ("sixteen frames", _sixteen)):
            asked = [(path, index, choose(index, seed)) for seed in range(3) for path, index in videos]
            ours = _seconds(read_at, asked)
            theirs = _seconds(_decord, asked)
            rows += [
                (f"{what} of a web video, ours", ours * 1e3, "ms CPU"),
                (f"{what}, calls a second and core", 1 / ours, "1/s"),
                (f"{what}, decord over ours", theirs / ours, "x"),
            ]
        return rows


def _pair(index: VideoIndex, seed: int) -> list[int]:
    gap = max(1, round(_PAIR_SECONDS * index.fps))
    first = int(np.random.default_rng(seed).integers(0, index.frames - gap))
    return [first, first + gap]


def _sixteen(index: VideoIndex, seed: int) -> list[int]:
    step = max(1, min(round(index.fps / 8), (index.frames - 1) // 16))
    first = int(np.random.default_rng(seed).integers(0, index.frames - 15 * step))
    return [first + step * number for number in range(16)]


def _decord(path: Path, index: VideoIndex, frames: list[int]) -> None:
    reader = decord.VideoReader(str(path), num_threads=1)
    reader.get_batch([min(frame, len(reader) - 1) for frame in frames]).asnumpy()


def _seconds(
    read: Callable[[Path, VideoIndex, list[int]], object], asked: Sequence[tuple[Path, VideoIndex, list[int]]]
) -> float:
    read(*asked[0])
    began = time.process_time()
    for each in asked:
        read(*each)
    return (time.process_time() - began) / len(asked)


def _generated(folder: Path) -> list[Path]:
    paths = []
    for seed in range(4):
        video = Scene(SceneConfig(height=360, width=640, num_frames=150), seed).video()
        path = folder / f"{seed}.mp4"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=Fraction(30), options={"crf": "23", "preset": "medium"})
            stream.height, stream.width, stream.pix_fmt = 360, 640, "yuv420p"
            for picture in video:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode(None))
        paths.append(path)
    return paths
