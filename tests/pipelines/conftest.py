"""Small videos of known content, and what decoding them gives."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from densewalk.datasets.records import Source, file_sha256
from densewalk.pipelines.decoding.decode_child import decode
from densewalk.pipelines.decoding.limits import MediaLimits
from densewalk.pipelines.decoding.probe_child import probe
from densewalk.pipelines.records import Cutting, Reel, Segment, StreamFacts
from densewalk.pipelines.stages.probe import CODECS
from tests.known_reels import cutting_of_reel

MakeVideo = Callable[..., Path]


def _numbered_frame(number: int, size_wh: tuple[int, int], shade: int) -> np.ndarray:
    """Grey bars that name the frame (left to right, 5 bits) over a shade that names the video, a bright top left."""
    width, height = size_wh
    image_HWC = np.full((height, width, 3), shade, dtype=np.uint8)
    for bit in range(5):
        left = width * (1 + bit) // 7
        image_HWC[height // 4 : height * 3 // 4, left : width * (2 + bit) // 7] = 230 if number >> bit & 1 else 20
    image_HWC[: height // 8, : width // 8] = 255
    return image_HWC


def _write_video(
    path: Path,
    *,
    num_frames: int = 24,
    fps: int = 12,
    times: Sequence[int] | None = None,
    size_wh: tuple[int, int] = (96, 64),
    shade: int = 90,
    sample_aspect: Fraction = Fraction(1),
    rotation: int = 0,
) -> Path:
    """Write an H.264 video whose frames carry their number; `times` are PTS in milliseconds, any increasing ones."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stamps = list(times) if times is not None else [round(1000 * k / fps) for k in range(num_frames)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": "8", "preset": "ultrafast", "g": "8"})
        stream.width, stream.height, stream.pix_fmt = *size_wh, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        stream.codec_context.sample_aspect_ratio = sample_aspect
        if rotation:
            stream.set_display_rotation(rotation)
        for number, stamp in enumerate(stamps):
            frame = av.VideoFrame.from_ndarray(_numbered_frame(number, size_wh, shade), format="rgb24")
            frame.pts, frame.time_base = stamp, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="session")
def write_video() -> MakeVideo:
    """Write a video to a path."""
    return _write_video


@pytest.fixture
def make_video(tmp_path: Path) -> MakeVideo:
    """Write a video of a name below tmp_path."""

    def make(name: str = "video.mp4", **settings: Any) -> Path:
        return _write_video(tmp_path / name, **settings)

    return make


@pytest.fixture
def decode_reels() -> Callable[..., list[Reel]]:
    """Decode a video into a spool beside it, as reels of `reel_frames` frames."""

    def run(path: Path, *, reel_frames: int = 9000, segments: tuple[Segment, ...] = ()) -> list[Reel]:
        limits = asdict(MediaLimits(min_side_px=2, max_aspect=100))
        with path.open("rb") as file:
            facts = probe({"descriptor": file.fileno(), "limits": limits, "codecs": CODECS})["facts"]
            request = {
                "descriptor": file.fileno(),
                "folder": str(path.parent / f"{path.stem}-spool"),
                "rotation": facts["rotation"],
                "sample_aspect": Fraction(facts["sample_aspect"]).limit_denominator(10_000).as_integer_ratio(),
                "segments": [(segment.start_seconds, segment.end_seconds) for segment in segments],
                "short_side": 256,
                "reel_frames": reel_frames,
                "white_nits": 203.0,
                "motion_vectors": True,
                "limits": limits,
                "codecs": [facts["codec"]],
            }
            answers = list(decode(request))
        sha256 = file_sha256(path)
        source = Source(id=sha256[:20], uri=str(path), bytes=path.stat().st_size, sha256=sha256, licence="CC0")
        return [Reel(source=source, facts=StreamFacts(**facts), segments=segments, **answer) for answer in answers]

    return run


@pytest.fixture
def decode_video(decode_reels: Callable[..., list[Reel]]) -> Callable[[Path], Reel]:
    """Decode a video into a spool beside it, as a single reel."""

    def run(path: Path) -> Reel:
        (reel,) = decode_reels(path)
        return reel

    return run


@pytest.fixture
def cutting_of(decode_video: Callable[[Path], Reel]) -> Callable[..., Cutting]:
    """Decode a video and take it, or the given intervals of frames, for the clips to be made."""

    def run(path: Path, *intervals: tuple[int, int]) -> Cutting:
        return cutting_of_reel(decode_video(path), *intervals)

    return run


@pytest.fixture
def read_numbers() -> Callable[[np.ndarray], list[int]]:
    """Read the numbers that frames carry from RGB or luma frames (first axis: time)."""

    def read(frames: np.ndarray) -> list[int]:
        luma_THW = frames.mean(-1) if frames.ndim == 4 else frames
        height, width = luma_THW.shape[1:]
        row = luma_THW[:, height // 2]
        bits = [row[:, width * (3 + 2 * bit) // 14] > 125 for bit in range(5)]
        return [int(n) for n in sum(bit.astype(int) << place for place, bit in enumerate(bits))]

    return read
