"""How clips are usually read: webdataset with decord on tars, decord on the videos themselves, frames stored as JPEG.

Each takes a plan's frames (two of a palindrome, sixteen of a window) at random places and yields RGB in bytes, neither
cropped nor scaled.

Shapes: T frames, H W rows and columns.
"""

import io
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import cv2
import decord
import numpy as np
import webdataset
from torch.utils.data import get_worker_info

from densewalk.datasets.dataset import Dataset
from densewalk.datasets.palindrome import draw_palindrome, frames_of, palindrome_fits
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.video import read_frames
from tests.benchmarks._stored_corpus import StoredCorpus, WebVideo

__all__ = ["JpegFrames", "decord_windows", "webdataset_loader"]


def webdataset_loader(shards: Sequence[Path], plan: PalindromePlan, *, workers: int) -> Iterator[np.ndarray]:
    """Yield windows of the tars' clips without end, decoded by decord in worker processes."""
    urls = [str(path) for path in shards]
    dataset = (
        webdataset.WebDataset(urls, shardshuffle=False, empty_check=False, nodesplitter=None, workersplitter=None)
        .shuffle(50, initial=50)
        .map(partial(_decoded, plan=plan))
        .select(_is_window)
        .repeat()
    )
    loader = webdataset.WebLoader(
        dataset, batch_size=None, num_workers=workers, multiprocessing_context=_spawn(workers)
    )
    return iter(loader)


def decord_windows(videos: Sequence[WebVideo], plan: PalindromePlan, *, seed: int) -> Iterator[np.ndarray]:
    """Yield windows of random videos as they came, each file opened for its window."""
    rng = np.random.default_rng(seed)
    usable = [video for video in videos if palindrome_fits(plan, num_frames=video.frames, fps=video.fps)]
    while True:
        video = usable[rng.integers(len(usable))]
        frames = _drawn(plan, video.frames, video.fps, rng)
        yield decord.VideoReader(str(video.path), num_threads=1).get_batch(frames).asnumpy()


class JpegFrames:
    """Every frame of the stored clips as JPEG of quality 85, in memory."""

    def __init__(self, corpus: StoredCorpus, most_clips: int = 8) -> None:
        dataset = Dataset.open(corpus.folder)
        self._clips: dict[str, list[np.ndarray]] = {}
        for row in list(dataset)[:most_clips]:
            video_THWC = read_frames(dataset.read_clip(row), range(row.frames))
            self._clips[row.key] = [_jpeg(frame_HWC) for frame_HWC in video_THWC]
        self.bytes = sum(len(jpeg) for clip in self._clips.values() for jpeg in clip)
        self.frames = sum(map(len, self._clips.values()))

    def windows(self, plan: PalindromePlan, *, fps: float, seed: int) -> Iterator[np.ndarray]:
        """Yield decoded windows of random clips."""
        rng = np.random.default_rng(seed)
        usable = [clip for clip in self._clips.values() if palindrome_fits(plan, num_frames=len(clip), fps=fps)]
        while True:
            clip = usable[rng.integers(len(usable))]
            frames = _drawn(plan, len(clip), fps, rng)
            yield np.stack([cv2.imdecode(clip[frame], cv2.IMREAD_COLOR_RGB) for frame in frames])


def _decoded(sample: dict[str, bytes], *, plan: PalindromePlan) -> np.ndarray:
    reader = decord.VideoReader(io.BytesIO(sample["mp4"]), num_threads=1)
    fps = float(reader.get_avg_fps())
    if not palindrome_fits(plan, num_frames=len(reader), fps=fps):
        return np.zeros(0, np.uint8)
    info = get_worker_info()
    rng = np.random.default_rng(None if info is None else np.random.randint(1 << 31))
    return reader.get_batch(_drawn(plan, len(reader), fps, rng)).asnumpy()


def _is_window(window: np.ndarray) -> bool:
    return window.size > 0


def _drawn(plan: PalindromePlan, num_frames: int, fps: float, rng: np.random.Generator) -> list[int]:
    views = draw_palindrome(plan, num_frames=num_frames, fps=fps, size_hw=(plan.size, plan.size), rng=rng)
    return list(frames_of(views))


def _jpeg(frame_HWC: np.ndarray) -> np.ndarray:
    bgr_HWC = cv2.cvtColor(frame_HWC, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr_HWC, [cv2.IMWRITE_JPEG_QUALITY, 85])[1]


def _spawn(workers: int) -> str | None:
    return "spawn" if workers else None
