"""Preparing the same files with video2dataset: the same short side, the source's rate, cuts found, clips of 1 to 10 s.

`VIDEO2DATASET=DIR` names a virtual environment of its own: `python3 -m venv DIR`, `DIR/bin/pip install
video2dataset==1.3.0 "pyarrow<20" "pandas<3"`, with an `ffmpeg` on the PATH or in `DIR/bin`. `VIDEOS=DIR` names the
files (default: the real ones beside the project); those that are not landscape or smaller than the stored size are left
out, since the other enlarges them.

It cuts by PySceneDetect's content detector at its default and encodes by FFmpeg's defaults (x264 medium, crf 23), its
clips being encoded twice where cuts are exact, as ours are. `low` copies packets instead and cuts at key frames, so its
clips begin before or behind their cuts. Ours measures quality, motion and signatures as well, rejects nothing here
and runs with its usual x264 settings; `adaptive` is the detector of the same class. Both use all processors given to
this process; what starting up takes is measured on a short film and taken off in the rows that say so.
"""

import json
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pandas as pd
from jaxtyping import UInt8

from densewalk.datasets.dataset_card import INDEX
from densewalk.pipelines.decoding.raster import RasterMaker, plan_raster
from densewalk.pipelines.samples import sample_videos
from densewalk.pipelines.stages.decode import DecodeConfig
from tests.benchmarks._densewalk_command import ENVIRONMENT, cores, densewalk
from tests.benchmarks._measuring import Row
from tests.benchmarks._process_tree import TreeCost, watch
from tests.benchmarks._tiny_videos import write_tiny_videos
from tests.benchmarks._video_likeness import PlacedClip, likeness

DEVICES = ("cpu",)

Scaler = Callable[[av.VideoFrame], UInt8[np.ndarray, "r w"]]
_SHORT_SIDE = 256
_SUFFIXES = (".mp4", ".webm", ".mkv")
_DATA = Path(__file__).parents[3] / "shared" / "data"
_REJECTIONS = (
    *("max_black", "max_frozen_seconds", "max_repeated", "min_changing", "min_motion", "min_sharpness"),
    *("min_contrast", "max_dark", "max_bright", "max_combing"),
)
_ALL_KEPT = (*(f"quality.{name}=0" for name in _REJECTIONS), "quality.bars=keep", "clips.max_fps=240")
_OURS = {
    "adaptive": (*_ALL_KEPT, "shots.detector=adaptive", "shots.adaptive.min_shot_seconds=0.5"),
    "adaptive, no near-duplicates": (
        *(*_ALL_KEPT, "shots.detector=adaptive", "shots.adaptive.min_shot_seconds=0.5"),
        "dedup.near=false",
    ),
    "TransNetV2": _ALL_KEPT,
}
_THEIRS = ("exact", "low")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What one way of preparing took and gave."""

    cost: TreeCost
    start: TreeCost
    """The same with one short film alone."""
    clips: int
    frames: int
    bytes: int
    psnr_db: float
    """Median likeness of stored frames and their sources' at the stored size."""

    @property
    def net_seconds(self) -> float:
        """Wall clock without starting up."""
        return self.cost.seconds - self.start.seconds


def run(device: str) -> Iterator[Row]:
    """Yield what each took and gave, then ratios; one row of not a number when the other is not there."""
    if not (named := os.environ.get("VIDEO2DATASET")):
        yield "video2dataset: name its environment in VIDEO2DATASET", float("nan"), ""
        return
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        videos = _usable()
        yield "videos", len(videos), "files"
        yield "frames", sum(_num_frames(path) for path in videos), "frames"
        (film,) = write_tiny_videos(folder / "film", 1, size_wh=(640, 360))
        theirs = {way: _theirs(Path(named), way, videos, film, folder / f"their-{way}") for way in _THEIRS}
        for way, result in theirs.items():
            yield from _rows(f"video2dataset, {way} cuts", result)
        for way, options in _OURS.items():
            result = _ours(options, videos, film, folder / f"our-{way}")
            yield from _rows(f"ours, {way}", result)
            for other, peer in theirs.items():
                yield f"{way} against {other} cuts: wall clock", peer.cost.seconds / result.cost.seconds, "x"
                yield f"{way} against {other} cuts: without start-up", peer.net_seconds / result.net_seconds, "x"
                yield f"{way} against {other} cuts: processor", peer.cost.cpu_seconds / result.cost.cpu_seconds, "x"


def _rows(name: str, result: _Run) -> Iterator[Row]:
    yield f"{name}: wall clock", result.cost.seconds, "s"
    yield f"{name}: of that starting up", result.start.seconds, "s"
    yield f"{name}: processor", result.cost.cpu_seconds, "s"
    yield f"{name}: peak memory", result.cost.peak_mib, "MiB"
    yield f"{name}: clips", result.clips, "clips"
    yield f"{name}: frames stored", result.frames, "frames"
    yield f"{name}: bytes a stored frame", result.bytes / result.frames, "bytes"
    yield f"{name}: likeness to the source", result.psnr_db, "dB"


def _usable() -> list[Path]:
    """Return the landscape videos that need no enlarging, the largest first, so that no core idles long."""
    named = os.environ.get("VIDEOS")
    places = [Path(named)] if named else [_DATA / "videos" / "panda70m", _DATA / "shots"]
    videos = [path for place in places for path in place.rglob("*") if path.suffix in _SUFFIXES] or sample_videos()
    sizes = {path: _size_wh(path) for path in videos}
    usable = [path for path, (width, height) in sizes.items() if width >= height >= _SHORT_SIDE]
    return sorted(usable, key=lambda path: (-path.stat().st_size, path))


def _size_wh(path: Path) -> tuple[int, int]:
    with av.open(path) as container:
        return container.streams.video[0].width, container.streams.video[0].height


def _num_frames(path: Path) -> int:
    with av.open(path) as container:
        return sum(packet.size > 0 for packet in container.demux(video=0))


def _theirs(environment: Path, precision: str, videos: Sequence[Path], film: Path, folder: Path) -> _Run:
    script = Path(__file__).with_name("_video2dataset_run.py")

    def prepare(files: Sequence[Path], out: Path) -> TreeCost:
        listing = out.with_suffix(".txt")
        listing.write_text("".join(f"{path}\n" for path in files))
        command = [environment / "bin" / "python", script, listing, out, precision, len(cores()), 3, _SHORT_SIDE]
        path = f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return watch([str(word) for word in command], environment={"PATH": path})

    folder.mkdir()
    start = prepare([film], folder / "start")
    cost = prepare(videos, folder / "all")
    clips = list(_their_clips(folder / "all", folder / "clips"))
    return _result(cost, start, clips, _bicubic)


def _their_clips(shards: Path, folder: Path) -> Iterator[PlacedClip]:
    for shard in sorted(shards.glob("*.tar")):
        with tarfile.open(shard) as tar:
            tar.extractall(folder / shard.stem, filter="data")
    for path in sorted(folder.rglob("*.mp4")):
        lineage = json.loads(path.with_suffix(".json").read_text())
        yield PlacedClip(path, Path(lineage["url"]), float(lineage["clips"][0][0]))


def _ours(options: Sequence[str], videos: Sequence[Path], film: Path, folder: Path) -> _Run:
    options = (*options, f"decode.short_side_px={_SHORT_SIDE}", "--engine", "ray" if len(cores()) > 1 else "local")
    start = watch(densewalk("prepare", film, "--out", folder / "start", *options), environment=ENVIRONMENT)
    cost = watch(densewalk("prepare", *videos, "--out", folder / "all", *options), environment=ENVIRONMENT)
    return _result(cost, start, list(_our_clips(folder / "all", folder / "clips")), _as_stored)


def _our_clips(dataset: Path, folder: Path) -> Iterator[PlacedClip]:
    sources = pd.read_parquet(dataset / "sources.parquet").set_index("id")["uri"]
    folder.mkdir()
    for row in pd.read_parquet(dataset / INDEX).itertuples():
        with (dataset / "shards" / str(row.shard)).open("rb") as shard:
            shard.seek(row.offset)
            (folder / f"{row.key}.mp4").write_bytes(shard.read(row.bytes))
        yield PlacedClip(folder / f"{row.key}.mp4", Path(sources[row.source_id]), row.start_seconds)


def _result(cost: TreeCost, start: TreeCost, clips: Sequence[PlacedClip], scaler: Scaler) -> _Run:
    return _Run(
        cost=cost,
        start=start,
        clips=len(clips),
        frames=sum(_num_frames(clip.path) for clip in clips),
        bytes=sum(clip.path.stat().st_size for clip in clips),
        psnr_db=likeness(clips, scaler),
    )


def _as_stored(frame: av.VideoFrame) -> UInt8[np.ndarray, "r w"]:
    """Return what ours hands to the encoder."""
    size_wh = (frame.width, frame.height)
    raster = plan_raster(size_wh, sample_aspect=Fraction(1), rotation=0, short_side=_SHORT_SIDE)
    return RasterMaker(raster, white_nits=DecodeConfig().white_nits)(frame)[0]


def _bicubic(frame: av.VideoFrame) -> UInt8[np.ndarray, "r w"]:
    """Return what FFmpeg's scale filter makes at its default."""
    width = 2 * round(frame.width * _SHORT_SIDE / frame.height / 2)
    small = frame.reformat(width=width, height=_SHORT_SIDE, format="yuv420p", interpolation="BICUBIC")
    return small.to_ndarray()
