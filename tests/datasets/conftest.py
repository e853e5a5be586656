"""A tiny dataset on disk, built as `prepare` builds one, and the stored clips it is made of."""

import hashlib
import json
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from densewalk.datasets.dataset import Dataset
from densewalk.datasets.dataset_card import CARD, INDEX, SHARDS, write_card
from densewalk.datasets.ledger import Verdict
from densewalk.datasets.records import ClipRow, clip_key
from densewalk.datasets.shards.index import write_index
from densewalk.datasets.shards.tar import write_shard
from tests.cards import card_of

FPS, HEIGHT, WIDTH = 12, 48, 64

EncodeClip = Callable[..., bytes]
BuildDataset = Callable[..., Dataset]


def _flat_frame(clip: int, frame: int) -> np.ndarray:
    """A flat colour that names the clip (blue) and the frame (red): 8 levels apart, beyond what coding changes."""
    image_HWC = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    image_HWC[...] = (16 + 8 * frame % 224, 120, 40 + 24 * clip % 192)
    return image_HWC


@pytest.fixture(scope="session")
def encode_clip(tmp_path_factory: pytest.TempPathFactory) -> EncodeClip:
    """Encode a clip as it is stored: H.264, GOP 12, no B-frames, faststart."""

    def encode(clip: int = 0, num_frames: int = 24, **options: str) -> bytes:
        path = tmp_path_factory.mktemp("encode") / "clip.mp4"
        settings = {"g": "12", "bf": "0", "tune": "fastdecode", "crf": "12", "preset": "veryfast", **options}
        with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
            stream = container.add_stream("libx264", rate=FPS, options=settings)
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            stream.codec_context.thread_count = 1
            for index in range(num_frames):
                frame = av.VideoFrame.from_ndarray(_flat_frame(clip, index), format="rgb24")
                frame.pts, frame.time_base = index, Fraction(1, FPS)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        content = path.read_bytes()
        shutil.rmtree(path.parent)
        return content

    return encode


@pytest.fixture(scope="session")
def build_dataset(encode_clip: EncodeClip) -> BuildDataset:
    """Build a dataset folder of `num_clips` clips, `per_shard` in a shard; `num_frames` lists the clips' lengths."""
    clips: dict[tuple[int, int], bytes] = {}

    def build(folder: Path, num_clips: int = 6, per_shard: int = 4, num_frames: list[int] | None = None) -> Dataset:
        lengths = num_frames or [24] * num_clips
        for clip, length in enumerate(lengths):
            if (clip, length) not in clips:
                clips[clip, length] = encode_clip(clip, length)
        rows: list[ClipRow] = []
        shards: dict[str, str] = {}
        for first in range(0, len(lengths), per_shard):
            name = f"clips-{first // per_shard:05d}.tar"
            members = [(clip, clips[clip, lengths[clip]]) for clip in range(len(lengths))[first : first + per_shard]]
            rows += _pack(folder / SHARDS / name, members, lengths)
            shards[name] = hashlib.sha256((folder / SHARDS / name).read_bytes()).hexdigest()
        write_index(folder / INDEX, rows)
        verdicts = [
            Verdict(kind="clip", id=row.key, source_id=row.source_id, uri="a.mp4", outcome="written") for row in rows
        ]
        write_card(folder, card_of(rows, verdicts, shard_sha256=shards))
        return Dataset.open(folder)

    return build


def _pack(path: Path, clips: list[tuple[int, bytes]], lengths: list[int]) -> list[ClipRow]:
    keys = {clip: clip_key(f"{clip // 2:020x}", 0, clip % 2) for clip, _ in clips}
    members: list[tuple[str, bytes]] = []
    for clip, mp4 in clips:
        members.append((f"{keys[clip]}.mp4", mp4))
        members.append((f"{keys[clip]}.json", json.dumps({"clip": clip}).encode()))
    return [
        ClipRow(
            key=keys[clip],
            shard=path.name,
            offset=place.offset,
            bytes=place.bytes,
            sha256=place.sha256,
            source_id=f"{clip // 2:020x}",
            shot=0,
            start_seconds=0.0,
            end_seconds=lengths[clip] / FPS,
            start_frame=0,
            end_frame=lengths[clip],
            frames=lengths[clip],
            fps=float(FPS),
            width=WIDTH,
            height=HEIGHT,
            licence="CC0",
        )
        for (clip, _), place in zip(clips, write_shard(path, members).places[::2], strict=True)
    ]


@pytest.fixture(scope="session")
def shared_dataset(build_dataset: BuildDataset, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Six clips in two shards, for tests that only read."""
    return build_dataset(tmp_path_factory.mktemp("dataset"))


@pytest.fixture
def own_dataset(shared_dataset: Dataset, tmp_path: Path) -> Dataset:
    """A copy of the six clips that a test may damage."""
    folder = tmp_path / "dataset"
    shutil.copytree(shared_dataset.folder, folder)
    assert (folder / CARD).is_file()
    return Dataset.open(folder)


@pytest.fixture
def damage() -> Callable[[Dataset, int], ClipRow]:
    """Flip one bit in the middle of a clip's mp4."""

    def flip(dataset: Dataset, clip: int) -> ClipRow:
        row = dataset.row(clip)
        path = dataset.folder / SHARDS / row.shard
        content = bytearray(path.read_bytes())
        content[row.offset + row.bytes // 2] ^= 1
        path.write_bytes(content)
        return row

    return flip
