"""The records that travel between the stages of a corpus: numbers, names and paths, never pixels.

    Entry -> Fetched -> Held -> Probed -> Reel... -> ShotList -> Cutting -> Staged        (or a Verdict at any step)

A source of any length is decoded into reels, so that no record stands for hours of video. Frames lie in the scratch
folder that `Reel.folder` names; the last stage removes it. Frames are numbered within their source, in presentation
order, everywhere; intervals are [start, end).
"""

from dataclasses import dataclass, field
from fractions import Fraction

from densewalk.datasets.ledger import Outcome, Verdict, name_verdict, source_verdict
from densewalk.datasets.quality import ClipQuality
from densewalk.datasets.records import Source

__all__ = [
    "Candidate",
    "Cutting",
    "Entry",
    "Fetched",
    "Held",
    "Interval",
    "Probed",
    "Reel",
    "Refusal",
    "Segment",
    "ShotList",
    "Staged",
    "StreamFacts",
    "blamed",
    "identity",
]


Interval = tuple[int, int]
"""Frames [start, end) of a source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A part of a video that somebody asked for."""

    start_seconds: float = 0.0
    """After the first frame."""
    end_seconds: float | None = None
    """None: to the end of the video."""
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why an entry is not looked at: its list says that it is absent, or its row is broken."""

    outcome: Outcome
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A video as a source specification names it; nobody has looked at it yet."""

    uri: str
    """An absolute path, a URL, or `youtube:` and an id; no two entries of a corpus share it."""
    licence: str = ""
    """Empty: that of the corpus."""
    label: str = ""
    segments: tuple[Segment, ...] = ()
    """Parts that are wanted, in order of time; empty for the whole video."""
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """An entry whose bytes lie in a file of this machine."""

    entry: Entry
    path: str
    temporary: bool = False
    """Whether the file belongs to the corpus's work folder and goes once it is decoded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A source, named by its content, and the file that holds it."""

    source: Source
    path: str
    temporary: bool = False
    segments: tuple[Segment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFacts:
    """What the container and the first frame say of a source's video stream."""

    container: str
    codec: str
    pixel_format: str
    coded_width: int
    coded_height: int
    rotation: int
    """Degrees counter-clockwise, a multiple of 90, that show the frames upright."""
    sample_aspect: float
    """Width of a coded pixel over its height."""
    colour_range: str = "unknown"
    """`limited`, `full` or `unknown`."""
    colour_matrix: str = "unknown"
    """As FFmpeg names it, such as `bt709`, `bt2020nc`."""
    colour_transfer: str = "unknown"
    """As FFmpeg names it; `smpte2084` (PQ) and `arib-std-b67` (HLG) are HDR."""
    colour_primaries: str = "unknown"
    field_order: str = "unknown"
    """`progressive`, `top` or `bottom` (the field shown first), `unknown`."""
    streams: str = ""
    """Types and codecs of all streams, such as `video:h264 audio:aac`."""
    declared_seconds: float = 0.0
    """Duration the container claims; 0 when it claims none. Nothing relies on it."""
    packets: int = 0
    """Of the video stream."""
    first_seconds: float = 0.0
    """Smallest presentation time."""
    last_seconds: float = 0.0
    """Largest presentation time."""
    packet_fps: float = 0.0
    """Usual rate by the packets' presentation times; 0 when it cannot be told."""
    variable_rate: bool = False
    """Whether more than one step in a hundred differs from the usual one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """A source that may be decoded."""

    held: Held
    facts: StreamFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Reel:
    """Consecutive decoded frames of a source: upright, progressive, square pixels, 8 bit, at the stored size."""

    source: Source
    facts: StreamFacts
    segments: tuple[Segment, ...] = ()
    folder: str
    """Holds frames, thumbnails, times and motion (see spool.py)."""
    number: int = 0
    """Reels of a source count from 0."""
    is_last: bool = True
    first_frame: int = 0
    """Number of the reel's first frame in the source."""
    num_frames: int
    lead: int = 0
    """Thumbnails and times of frames before the first that are spooled too."""
    trail: int = 0
    """The same behind the last."""
    width: int
    height: int
    time_base: tuple[int, int]
    """Seconds of one tick, as numerator and denominator."""
    zero_seconds: float = 0.0
    """Presentation time of the source's first frame."""
    fps: float
    """Rate at which frames usually follow each other, the same for all reels of a source."""
    fault: str = ""
    """Why decoding stopped early, in the last reel only; empty for a whole file."""

    @property
    def rate(self) -> Fraction:
        """`fps` as the fraction it stands for."""
        return Fraction(self.fps).limit_denominator(1001)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotList:
    """A reel and its shots."""

    reel: Reel
    cuts: tuple[int, ...]
    """First frame of each new shot behind a hard cut."""
    transitions: tuple[tuple[int, int], ...]
    """Gradual transitions, cut off at the reel's ends; no shot contains their frames."""
    shots: tuple[tuple[int, int], ...]
    """What lies between cuts, transitions, holes in time and the reel's ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A clip that is to be made, and what is known of it so far."""

    key: str
    shot: int
    """First frame of its shot."""
    interval: tuple[int, int]
    """Its source frames."""
    start_seconds: float
    """Presentation time of the first frame."""
    end_seconds: float
    """Presentation time at which the display of the last one ends."""
    fps: tuple[int, int]
    """Constant rate of the clip, as numerator and denominator."""
    label: str = ""
    crop_xywh: tuple[int, int, int, int]
    """Columns left of it, rows above it, width and height in the reel's raster, all even."""
    quality: ClipQuality = field(default_factory=ClipQuality)
    signature: str = ""
    """What near-duplicates are known by (see dedup/film.py); empty when not asked for."""
    frames: int = 0
    """Of the encoded clip; 0 before it is encoded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutting:
    """A reel with the clips that are to be made of it; their files lie in its folder as <key>.<extension>."""

    shots: ShotList
    clips: tuple[Candidate, ...]
    rejected: tuple[tuple[Candidate, Refusal], ...] = ()
    """Candidates that no later stage looks at, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A reel whose clips and verdicts are safe on disk."""

    source: Source
    reel: int
    is_last: bool
    num_clips: int
    seconds: float = 0.0
    """Length of the reel, by its usual rate."""


def identity(record: Entry | Fetched | Held | Probed | Reel | ShotList | Cutting) -> str:
    """Return what names a record over runs: the uri of an entry, the content and number of a reel."""
    reel = _reel_of(record)
    if reel is not None:
        return f"{reel.source.uri} {reel.source.id} {reel.number}"
    entry = record.entry if isinstance(record, Fetched) else record
    return entry.uri if isinstance(entry, Entry) else _source_of(entry).uri


def blamed(record: Entry | Fetched | Held | Probed | Reel | ShotList | Cutting, reason: str, detail: str) -> Verdict:
    """Return the verdict on the source of a record that no worker survived."""
    entry = record.entry if isinstance(record, Fetched) else record
    if isinstance(entry, Entry):
        return name_verdict(entry.uri, "failed", reason, detail)
    return source_verdict(_source_of(entry), "failed", reason, detail)


def _source_of(record: Held | Probed | Reel | ShotList | Cutting) -> Source:
    reel = _reel_of(record)
    if reel is not None:
        return reel.source
    held = record.held if isinstance(record, Probed) else record
    assert isinstance(held, Held)
    return held.source


def _reel_of(record: object) -> Reel | None:
    record = record.shots if isinstance(record, Cutting) else record
    record = record.reel if isinstance(record, ShotList) else record
    return record if isinstance(record, Reel) else None
