"""What flow and tracks of a corpus cost: fields and tracks a second on one core beside the bare estimator, bytes and
error of every encoding.

Real clips where they exist beside the project (or at DENSEWALK_TEST_DATA), at 256 pixels of the shorter side, strides
of 1 and 6 frames; generated scenes otherwise. Processor time of one thread; the bare estimator gets the same frames,
decoded and grey already, and its results go nowhere. Networks have the weights they begin training with, which cost
what trained ones do; on a CUDA device they are all that is measured, against DIS on one core.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import torch

from densewalk.datasets.motion.flow_code import FLOW_CODES
from densewalk.datasets.motion.track_file import read_tracks
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.scene import Scene
from densewalk.pipelines.motion.estimators import FlowEstimator, Flows, load_estimator
from densewalk.pipelines.motion.flow_report import FlowEncoding, ResidualEncoding, flow_report, residual_report
from densewalk.pipelines.records import Cutting
from densewalk.pipelines.stage import Stage
from densewalk.pipelines.stages.flow import Flow, FlowConfig
from densewalk.pipelines.stages.tracks import Tracks, TracksConfig
from densewalk.ssl.flow.inverse_search import dis_estimator, dis_flow
from densewalk.ssl.flow.raft import Raft
from tests.filmed_scene import film
from tests.untrained_flow import write_untrained

DEVICES = ("cpu", "cuda")

_SHORT_SIDE, _NUM_CLIPS, _NUM_TIMED, _NUM_FRAMES = 256, 12, 3, 26
_STRIDES = (1, 6)
_PAIRS_AT_ONCE = 8
_ENCODINGS = [
    FlowEncoding("fp16"),
    FlowEncoding("png16"),
    FlowEncoding("jpeg", 95),
    FlowEncoding("jpeg", 85),
    FlowEncoding("jpeg", 75),
]
_RESIDUALS = [
    ResidualEncoding("fp16"),
    ResidualEncoding("log8"),
    ResidualEncoding("log8", 2),
    ResidualEncoding("log8", 4),
]


def run(device: str) -> Iterator[tuple[str, float, str]]:
    """Measure stages with DIS, medium, on the CPU, and what networks cost on the device."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    yield from _network_speed(device)
    if device == "cuda":
        return
    clips, origin = _clips()
    with tempfile.TemporaryDirectory() as folder:
        filmed = [film(clip, Path(folder) / str(place)) for place, clip in enumerate(clips[:_NUM_TIMED])]
        yield f"origin: {origin}; clips", len(clips), ""
        yield from _flow_speed(clips[:_NUM_TIMED], filmed)
        yield from _track_speed(clips[:_NUM_TIMED], filmed, Path(folder))
    estimator = load_estimator("dis", "flow.estimator")
    pairs = [estimator(clip[t], clip[t + stride]) for clip in clips for t in (0, 6, 12) for stride in _STRIDES]
    yield from _sizes(pairs)


def _network_speed(device: str) -> Iterator[tuple[str, float, str]]:
    """Yield pairs a second, both ways, by wall-clock time; of RAFT on a GPU also several pairs at once."""
    pair = Scene(SceneConfig(height=_SHORT_SIDE, width=456, num_frames=2), 0).video()
    count = 30 if device == "cuda" else 1
    with tempfile.TemporaryDirectory() as folder:
        names = {"DIS": "dis"} | write_untrained(Path(folder))
        seconds = {
            name: _seconds_a_pair(load_estimator(of, "flow.estimator"), pair, count) for name, of in names.items()
        }
    if device == "cuda":
        seconds[f"RAFT, {_PAIRS_AT_ONCE} pairs at once"] = _seconds_a_pair_of_many(pair)
    for name, spent in seconds.items():
        yield f"{name}, 456 x 256, both ways", 1 / spent, "pairs/s"
        if name != "DIS":
            yield f"{name}, against DIS on one core", seconds["DIS"] / spent, "x"


def _seconds_a_pair(estimator: FlowEstimator, pair_2HWC: np.ndarray, count: int) -> float:
    estimator(*pair_2HWC)
    return _wall_seconds(lambda: [estimator(*pair_2HWC) for _ in range(count)]) / count


def _seconds_a_pair_of_many(pair_2HWC: np.ndarray) -> float:
    """What RAFT would take if the stage gave it several pairs at once."""
    network = Raft().eval().cuda()
    image_BCHW = torch.from_numpy(pair_2HWC).cuda().permute(0, 3, 1, 2).float().div(255).repeat(_PAIRS_AT_ONCE, 1, 1, 1)

    def work() -> None:
        with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False), torch.inference_mode():
            network(image_BCHW, image_BCHW.flip(0)).cpu()

    work()
    return _wall_seconds(work) / _PAIRS_AT_ONCE


def _wall_seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _flow_speed(clips: list[np.ndarray], filmed: list[Cutting]) -> Iterator[tuple[str, float, str]]:
    num_fields = sum(2 * (len(clip) - stride) for clip in clips for stride in _STRIDES)
    bare = _seconds(lambda: _estimate(clips, _STRIDES))
    yield "fields, DIS alone", num_fields / bare, "fields/s"
    for encoding in FLOW_CODES:
        seconds = _stage_seconds(Flow(FlowConfig(strides=_STRIDES, encoding=encoding)), filmed)
        yield f"fields, stage flow, {encoding}, with residuals", num_fields / seconds, "fields/s"
        yield f"stage flow, {encoding}, against DIS alone", bare / seconds, "x"


def _track_speed(clips: list[np.ndarray], filmed: list[Cutting], folder: Path) -> Iterator[tuple[str, float, str]]:
    for file in folder.rglob("*.flow.npz"):
        file.unlink()  # or the stage would read fields from it
    bare = _seconds(lambda: _estimate(clips, (1,)))
    for density in (4.0, 40.0):
        seconds = _stage_seconds(Tracks(TracksConfig(starts_per_frame=density)), filmed)
        files = list(folder.rglob("*.tracks.npz"))
        tracks = [read_tracks(file) for file in files]
        count = sum(len(found) for found in tracks)
        yield f"tracks, {density:g} starts a frame", count / seconds, "tracks/s"
        yield f"stage tracks against DIS alone, {density:g} starts a frame", bare / seconds, "x"
        yield f"size, {density:g} starts a frame", sum(file.stat().st_size for file in files) / count, "B/track"
        length = sum(int(found.cut().alive_KT.sum()) for found in tracks) / count
        yield f"length at alpha 0.01, beta 0.5, {density:g} starts a frame", length, "frames"


def _sizes(pairs: list[Flows]) -> Iterator[tuple[str, float, str]]:
    fields = [flow_2HW for pair in pairs for flow_2HW in pair]
    speed_N = np.concatenate([np.hypot(*flow_2HW.reshape(2, -1)) for flow_2HW in fields])
    yield "mean length of motion", float(speed_N.mean()), "px"
    yield "99th percentile", float(np.quantile(speed_N, 0.99)), "px"
    for choice, row in zip(_ENCODINGS, flow_report(fields, _ENCODINGS), strict=True):
        name = f"{choice.encoding} q{choice.quality}" if choice.encoding == "jpeg" else choice.encoding
        yield f"{name}: size of a field", row.bytes_per_field / 1024, "KiB"
        yield f"{name}: bits", row.bits_per_pixel, "bit/px"
        yield f"{name}: mean error", row.epe_mean, "px"
        yield f"{name}: 99th percentile of error", row.epe_p99, "px"
        yield f"{name}: error above half a pixel", 100 * row.share_above_half_px, "%"
    for kept, cost in zip(_RESIDUALS, residual_report(pairs, _RESIDUALS), strict=True):
        name = f"residual {kept.residual}, cells of {kept.stride}"
        yield f"{name}: size of a field's", cost.bytes_per_field / 1024, "KiB"
        yield f"{name}: verdicts changed", 100 * cost.share_changed, "%"


def _estimate(clips: list[np.ndarray], strides: tuple[int, ...]) -> None:
    """Both ways between all pairs, nothing else."""
    estimator = dis_estimator()
    for clip in clips:
        grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in clip]
        for source in range(len(grey)):
            for target in (source + stride for stride in strides if source + stride < len(grey)):
                dis_flow(grey[source], grey[target], estimator)
                dis_flow(grey[target], grey[source], estimator)


def _stage_seconds(stage: Stage, filmed: list[Cutting]) -> float:
    stage.setup()
    return _seconds(lambda: list(stage(filmed)))


def _seconds(work: Callable[[], object], *, repeats: int = 3) -> float:
    """Return the least processor time of a few repeats."""
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return min(seconds)


def _clips() -> tuple[list[np.ndarray], str]:
    """Return clips of RGB frames and where they are from."""
    data = Path(os.environ.get("DENSEWALK_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
    files = sorted((data / "videos" / "panda70m").glob("*.mp4"))[:_NUM_CLIPS]
    if files:
        return [_first_frames(file) for file in files], "real clips"
    config = SceneConfig(height=_SHORT_SIDE, width=456, num_frames=_NUM_FRAMES)
    return [Scene(config, seed).video() for seed in range(_NUM_CLIPS)], "generated scenes"


def _first_frames(file: Path) -> np.ndarray:
    frames = []
    with av.open(str(file)) as container:
        for frame in container.decode(video=0):
            scale = _SHORT_SIDE / min(frame.width, frame.height)
            width, height = (2 * round(side * scale / 2) for side in (frame.width, frame.height))
            picture = frame.to_ndarray(format="rgb24")
            frames.append(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA))
            if len(frames) == _NUM_FRAMES:
                break
    return np.stack(frames)
