"""rejected.tar: what was rejected, to look at. A few pictures for each reason, with what the ledger says of them.

    <key>.jpg    first, middle and last frame of the candidate, side by side
    <key>.json   outcome, reason and detail, source id, uri, start and end in seconds

The sample is a function of the candidates: of each reel the few, and of all reels together the 32 with the smallest
SHA-256 of their key are kept for each reason, whatever the order they come in. Clips that give way to another when the
books are closed are shown by what was staged of them.
"""

import hashlib
import heapq
import json
import tarfile
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from densewalk.datasets.errors import DataError
from densewalk.datasets.ledger import Outcome, Verdict
from densewalk.datasets.records import ClipRow
from densewalk.datasets.shards.tar import write_shard
from densewalk.datasets.storage.folder_store import FolderStore
from densewalk.datasets.video import read_frames
from densewalk.pipelines.clips.frames import ClipFrames
from densewalk.pipelines.records import Candidate, Cutting, Reel, Refusal
from densewalk.ssl.show.still import jpeg_bytes, resized

__all__ = [
    "REJECTED",
    "LateRejection",
    "Rejection",
    "gather_rejected",
    "picture_strip",
    "read_rejected",
    "rejected_path",
    "write_reel_rejections",
]

REJECTED = "rejected.tar"
_OF_ALL, _OF_REEL = 32, 4
"""Pictures for each reason."""
_HEIGHT_PX, _WIDTH_PX, _GAP_PX = 96, 256, 2
_QUALITY = 80

_Picture = Callable[[], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A rejected candidate; all but the picture is the content of its json member."""

    key: str
    source_id: str
    uri: str
    outcome: Outcome
    reason: str
    detail: str
    start_seconds: float
    """Presentation time of the first frame in the source."""
    end_seconds: float
    """Presentation time at which the last frame's display ends."""
    strip: bytes = b""
    """JPEG of the first, middle and last frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LateRejection:
    """A finished clip that is refused when the books are closed."""

    verdict: Verdict
    row: ClipRow
    """`offset` says where its mp4 begins in the tar."""
    tar: Path


def rejected_path(tar: Path) -> Path:
    """Return where the pictures of a reel's rejected candidates lie, beside the tar of its clips."""
    return tar.with_name(f"{tar.stem}.{REJECTED}")


def picture_strip(frames: Sequence[UInt8[np.ndarray, "h w 3"]]) -> UInt8[np.ndarray, "gh gw 3"]:
    """Return frames of one size side by side, at most 96 px high and each at most 256 px wide."""
    height, width = frames[0].shape[:2]
    scale = min(1.0, _HEIGHT_PX / height, _WIDTH_PX / width)
    size_hw = max(1, round(height * scale)), max(1, round(width * scale))
    gap = np.zeros((size_hw[0], _GAP_PX, 3), np.uint8)
    parts = [part for frame_HWC in frames for part in (gap, resized(frame_HWC, size_hw))]
    return np.concatenate(parts[1:], axis=1)


def write_reel_rejections(path: Path, cutting: Cutting) -> None:
    """Write the sample of a reel; nothing when no candidate that has frames in the reel was rejected."""
    reel = cutting.shots.reel
    last = reel.first_frame + reel.num_frames
    sample = _Sample(_OF_REEL)
    for clip, refusal in cutting.rejected:
        if reel.first_frame <= clip.interval[0] and clip.interval[1] <= last:
            sample.offer(_rejection(clip, refusal, cutting), partial(_strip, reel, clip))
    if members := list(sample.members()):
        write_shard(path, members)


def gather_rejected(
    out: Path,
    tars: Iterable[Path],
    late: Iterable[LateRejection] = (),
    *,
    without: Container[str] = frozenset(),
) -> None:
    """Write the sample of everything in `tars`, of reels or datasets, and of clips refused late to `out`, atomically.

    Tars that do not exist are passed over; sources whose ids are in `without` are left out. Pictures are read when they
    are sure to be among the few, so memory does not grow. Raises `DataError` when a tar or a clip is damaged.
    """
    sample = _Sample(_OF_ALL)
    for tar in tars:
        for rejection, picture in _members_of(tar):
            if rejection.source_id not in without:
                sample.offer(rejection, picture)
    for refused in late:
        if refused.verdict.source_id not in without:
            sample.offer(_late(refused), partial(_staged_strip, refused))
    write_shard(out, sample.members())


def read_rejected(tar: Path) -> Iterator[Rejection]:
    """Yield the rejected candidates with their pictures, by reason; none when there is no file.

    Raises `DataError` when it is damaged.
    """
    for rejection, picture in _members_of(tar):
        yield Rejection(**{**asdict(rejection), "strip": picture()})


class _Sample:
    """The few with the smallest draws for each reason, a key once; their pictures are made at the end."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._heaps: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
        self._kept: dict[str, tuple[Rejection, _Picture]] = {}

    def offer(self, rejection: Rejection, picture: _Picture) -> None:
        key, heap = rejection.key, self._heaps[rejection.reason]
        if key in self._kept:
            return
        drawn = (-int.from_bytes(hashlib.sha256(key.encode()).digest()), key)
        if len(heap) < self._most:
            heapq.heappush(heap, drawn)
        else:
            _, dropped = heapq.heappushpop(heap, drawn)
            if dropped == key:
                return
            del self._kept[dropped]
        self._kept[key] = rejection, picture

    def members(self) -> Iterator[tuple[str, bytes]]:
        """Yield jpg and json of each, by reason and key."""
        for rejection, picture in sorted(self._kept.values(), key=lambda kept: (kept[0].reason, kept[0].key)):
            facts = asdict(rejection)
            del facts["strip"]
            yield f"{rejection.key}.jpg", picture()
            yield f"{rejection.key}.json", json.dumps(facts, sort_keys=True, ensure_ascii=False).encode()


def _members_of(path: Path) -> Iterator[tuple[Rejection, _Picture]]:
    """Yield what a tar of pictures holds; a picture is read when it is asked for."""
    if not path.is_file():
        return
    store = FolderStore(path.parent)
    try:
        with tarfile.open(path, "r:") as tar:
            jpeg: tarfile.TarInfo | None = None
            for member in tar:
                if member.name.endswith(".jpg"):
                    jpeg = member
                elif jpeg is not None:
                    facts = json.loads(store.read(path.name, member.offset_data, member.size))
                    yield Rejection(**facts), partial(store.read, path.name, jpeg.offset_data, jpeg.size)
    except (OSError, tarfile.TarError, ValueError, TypeError) as error:
        raise DataError(
            f"the pictures of rejected clips in {path} cannot be read: {error}; delete that file"
        ) from error


def _rejection(clip: Candidate, refusal: Refusal, cutting: Cutting) -> Rejection:
    source = cutting.shots.reel.source
    return Rejection(
        key=clip.key,
        source_id=source.id,
        uri=source.uri,
        outcome=refusal.outcome,
        reason=refusal.reason,
        detail=refusal.detail,
        start_seconds=clip.start_seconds,
        end_seconds=clip.end_seconds,
    )


def _late(refused: LateRejection) -> Rejection:
    verdict, row = refused.verdict, refused.row
    return Rejection(
        key=row.key,
        source_id=row.source_id,
        uri=verdict.uri,
        outcome=verdict.outcome,
        reason=verdict.reason,
        detail=verdict.detail,
        start_seconds=row.start_seconds,
        end_seconds=row.end_seconds,
    )


def _strip(reel: Reel, clip: Candidate) -> bytes:
    frames = ClipFrames(reel, clip)
    shown = (0, len(frames) // 2, len(frames) - 1)
    return jpeg_bytes(picture_strip([frames.rgb(frame) for frame in shown]), quality=_QUALITY)


def _staged_strip(refused: LateRejection) -> bytes:
    row = refused.row
    mp4 = FolderStore(refused.tar.parent).read(refused.tar.name, row.offset, row.bytes)
    frames = read_frames(mp4, (0, row.frames // 2, row.frames - 1))
    return jpeg_bytes(picture_strip(list(frames)), quality=_QUALITY)
