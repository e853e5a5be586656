"""Samples a second of one core: our stream against the usual ways of reading clips, and against bare decoding.

The same videos, as prepared and as they came (`VIDEOS=DIR`, else the sample videos of a package). Two kinds of samples:
a pair of frames 0.04 to 0.34 s apart, and sixteen frames a quarter of a second apart. Our stream and webdataset run in
one worker process each and hand frames over to this one; everything else runs here in one thread. A rate is samples
by processor second of all processes together, so handing over counts and other work of the machine hardly does. All
take turns; what a worker made before its turn is thrown away.

Bare decoding decodes the very frames that our stream handed out, from clips that lie in memory.
"""

import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2

from densewalk.datasets.dataset import Dataset
from densewalk.datasets.loading.pool import SamplePool
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.rendering import render
from densewalk.datasets.samples import ClipSample
from densewalk.datasets.stream.batch_stream import BatchStream
from densewalk.datasets.stream.clip_source import ClipSource
from densewalk.datasets.video import read_frames
from tests.benchmarks._measuring import Row
from tests.benchmarks._process_tree import tree_cpu_seconds
from tests.benchmarks._rival_loaders import JpegFrames, decord_windows, webdataset_loader
from tests.benchmarks._stored_corpus import StoredCorpus, stored_corpus

DEVICES = ("cpu",)
_ROUNDS, _TASK, _TASKS_AHEAD, _BATCH = 4, 4, 4, 4
_THROWN = _TASK * (_TASKS_AHEAD + 2)
"""Samples at the head of a turn that do not count: more than any worker makes ahead."""
_JPEG_FPS, _REPEATS = 25.0, 5
_OURS, _RENDERED, _DRAWS = "our stream", "our stream, rendered in batches", "our stream, four samples a clip"
_BARE, _WEB, _DECORD, _JPEG = "bare decoding", "webdataset with decord", "decord on the source videos", "JPEG frames"
_IN_WORKERS = (_OURS, _RENDERED, _DRAWS, _WEB)
_SETTLE_SECONDS = 0.4
"""Time for workers to fill what they make ahead, before another's turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """A kind of sample."""

    what: str
    plan: PalindromePlan
    count: int
    """Samples of a turn that count."""


@dataclass(slots=True)
class _Spent:
    """What samples took."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0


_KINDS = (
    _Kind(what="pairs", plan=PalindromePlan(size=224), count=60),
    _Kind(what="clips", plan=PalindromePlan(size=224, num_frames=16, gap_seconds=(0.25, 0.25)), count=20),
)


def run(device: str) -> Iterator[Row]:
    """Prepare the videos, then measure pairs and sixteen-frame clips."""
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        corpus = stored_corpus(Path(folder))
        jpeg = JpegFrames(corpus)
        yield "videos prepared", len(corpus.videos), "videos"
        yield "a frame as JPEG of quality 85", jpeg.bytes / jpeg.frames / 1e3, "KB"
        for kind in _KINDS:
            yield from _rows(kind, _rates(kind, corpus, jpeg))


def _rows(kind: _Kind, rates: dict[str, float]) -> Iterator[Row]:
    for name, rate in rates.items():
        yield name, rate, f"{kind.what}/s of a core"
    for name in (_BARE, _WEB, _DECORD, _JPEG):
        yield f"{kind.what}: our stream over {name}", rates[_OURS] / rates[name], "x"


def _rates(kind: _Kind, corpus: StoredCorpus, jpeg: JpegFrames) -> dict[str, float]:
    dataset = Dataset.open(corpus.folder)
    sources = {draws: ClipSource(dataset, kind.plan, draws_per_clip=draws) for draws in (1, 4)}
    pools = [SamplePool(source, 1, deadline_seconds=60) for source in sources.values()]
    stream = BatchStream(sources[1], _BATCH, workers=1)
    ours, drawn = (_pooled(pool) for pool in pools)
    bare = _Bare(dataset)
    try:
        turns: dict[str, Callable[[int], object]] = {
            _OURS: lambda count: [bare.note(next(ours)) for _ in range(count)],
            _BARE: bare.decode,
            _RENDERED: lambda count: [next(stream) for _ in range(-(-count // _BATCH))],
            _DRAWS: lambda count: [next(drawn) for _ in range(count)],
            _WEB: _taking(webdataset_loader(corpus.shards, kind.plan, workers=1)),
            _DECORD: _taking(decord_windows(corpus.videos, kind.plan, seed=0)),
            _JPEG: _taking(jpeg.windows(kind.plan, fps=_JPEG_FPS, seed=0)),
        }
        spent = _in_turns(turns, kind.count)
    finally:
        stream.close()
        for pool in pools:
            pool.close()
    rates = {name: kind.count * _ROUNDS / each.cpu_seconds for name, each in spent.items()}
    rates[f"{_OURS}, by the clock"] = kind.count * _ROUNDS / spent[_OURS].seconds
    return rates | {"rendering alone": _rendering_rate(bare.newest)}


def _in_turns(turns: dict[str, Callable[[int], object]], count: int) -> dict[str, _Spent]:
    """Return what each takes for `count` samples in each of the rounds."""
    spent = {name: _Spent() for name in turns}
    for _ in range(_ROUNDS):
        for name, take in turns.items():
            time.sleep(_SETTLE_SECONDS)
            take(_THROWN if name in _IN_WORKERS else 1)
            cpu, began = tree_cpu_seconds(), time.perf_counter()
            take(count)
            spent[name].cpu_seconds += tree_cpu_seconds() - cpu
            spent[name].seconds += time.perf_counter() - began
    return spent


def _pooled(pool: SamplePool) -> Iterator[ClipSample]:
    tickets: deque[int] = deque()
    number = 0
    while True:
        while len(tickets) < _TASKS_AHEAD:
            tickets.append(pool.submit(range(number, number + _TASK)))
            number += _TASK
        yield from pool.take(tickets.popleft())


def _taking(windows: Iterator[object]) -> Callable[[int], object]:
    return lambda count: [next(windows) for _ in range(count)]


class _Bare:
    """Decodes again what the stream handed out."""

    def __init__(self, dataset: Dataset) -> None:
        self._mp4 = {row.key: dataset.read_clip(row) for row in dataset}
        self._handed_out: deque[tuple[str, tuple[int, ...]]] = deque()
        self.newest: deque[ClipSample] = deque(maxlen=_BATCH)

    def note(self, sample: ClipSample) -> None:
        """Remember what to decode."""
        self._handed_out.append((sample.key, sample.frames))
        self.newest.append(sample)

    def decode(self, count: int) -> None:
        """Decode the last `count` samples."""
        for key, frames in list(self._handed_out)[-count:]:
            read_frames(self._mp4[key], frames)


def _rendering_rate(samples: deque[ClipSample]) -> float:
    batch = list(samples)
    render(batch)
    began = time.process_time()
    for _ in range(_REPEATS):
        render(batch)
    return _REPEATS * len(batch) / (time.process_time() - began)
