"""A prepared dataset to train on: clips of noise that drifts to the right, two seconds at 12 frames a second."""

import io
from pathlib import Path

import av
import numpy as np

from densewalk.datasets.dataset_card import INDEX, SHARDS, write_card
from densewalk.datasets.records import ClipRow, file_sha256
from densewalk.datasets.shards.index import write_index
from densewalk.datasets.shards.tar import MemberPlace, write_shard
from tests.cards import card_of

__all__ = ["drifting_frames", "write_drifting"]

_FPS, _FRAMES, _HEIGHT, _WIDTH = 12, 24, 48, 64


def write_drifting(folder: Path, clips: int = 3, *, per_shard: int = 3, first: int = 0) -> Path:
    """Write a dataset of `clips` clips whose noise is numbered from `first`, and return its folder."""
    rows: list[ClipRow] = []
    shards: dict[str, str] = {}
    for start in range(0, clips, per_shard):
        shard = folder / SHARDS / f"clips-{start // per_shard:05d}.tar"
        numbers = [first + clip for clip in range(clips)[start : start + per_shard]]
        members = [(f"{clip:020x}-0000-0000.mp4", _encoded(drifting_frames(clip))) for clip in numbers]
        rows += [_row(shard.name, place) for place in write_shard(shard, members).places]
        shards[shard.name] = file_sha256(shard)
    write_index(folder / INDEX, rows)
    write_card(folder, card_of(rows, [], shard_sha256=shards))
    return folder


def drifting_frames(clip: int) -> list[np.ndarray]:
    """Return the frames of a clip."""
    texture_HWC = np.random.default_rng(clip).integers(0, 256, (6, 8, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    return [np.ascontiguousarray(np.roll(texture_HWC, shift, axis=1)) for shift in range(_FRAMES)]


def _row(shard: str, place: MemberPlace) -> ClipRow:
    return ClipRow(
        key=place.name.removesuffix(".mp4"),
        shard=shard,
        offset=place.offset,
        bytes=place.bytes,
        sha256=place.sha256,
        source_id=place.name[:20],
        shot=0,
        start_seconds=0.0,
        end_seconds=_FRAMES / _FPS,
        start_frame=0,
        end_frame=_FRAMES,
        frames=_FRAMES,
        fps=float(_FPS),
        width=_WIDTH,
        height=_HEIGHT,
        licence="CC0",
    )


def _encoded(frames: list[np.ndarray]) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=_FPS, options={"g": "12", "bf": "0", "threads": "1"})
        stream.height, stream.width, stream.pix_fmt = _HEIGHT, _WIDTH, "yuv420p"
        for frame_HWC in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame_HWC, format="rgb24")))
        container.mux(stream.encode(None))
    return file.getvalue()
