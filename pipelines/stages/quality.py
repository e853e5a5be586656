"""Quality: scores of each clip that is to be made, its bars cropped away, what is worth nothing rejected.

Whatever changes from frame to frame is read from the thumbnails of all frames; whatever needs pixels from a few frames,
spread evenly. Every score becomes a column of the index, so that a corpus can be chosen from again by other thresholds;
what broke a threshold stands in the verdict. Defaults leave out what teaches nothing or does harm, and no more: of 72
clips of Panda-70M, UCF, HMDB and other collections they reject the three in which all stands still for a second and
more. The docstrings of the thresholds say what the others reach.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import cv2

from densewalk.datasets.config import require
from densewalk.datasets.quality import ClipQuality
from densewalk.pipelines.quality.measuring import ClipMeter
from densewalk.pipelines.quality.text import TextDetector
from densewalk.pipelines.records import Candidate, Cutting, Refusal
from densewalk.pipelines.stage import Stage

__all__ = ["Quality", "QualityConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityConfig:
    """Which clips are rejected; a threshold of 0 rejects none."""

    samples: int = 8
    """Frames of a clip that are looked at in full at most; a clip of few seconds has one each half second."""
    max_black: float = 0.5
    """Largest share of black frames. Clips of the wild reach 0.2, in a film of an eclipse."""
    max_frozen_seconds: float = 1.0
    """Longest standstill. Clips of the wild reach 0.3 s."""
    max_repeated: float = 0.8
    """Largest share of frames shown again; 0.8 leaves 6 new frames of 30 a second. Clips of the wild reach 0.62."""
    min_changing: float = 0.02
    """Smallest share of the picture in which something changes. Clips of the wild begin at 0.1."""
    min_motion: float = 0.1
    """Slowest motion, per cent of the shorter side per second; 0.1 is a quarter of a pixel of 256 in a second. Clips of
    the wild begin at 0.3, in a video game."""
    max_motion: float = 0.0
    """Fastest motion. Clips of the wild reach 100, filmed from the hand."""
    min_sharpness: float = 0.22
    """Softest contours: at 256 rows, what a Gaussian of 2 px leaves. Clips of the wild begin at 0.28, in a fast pan;
    blurred by 2 px, half of them fall below 0.22, by 3 px all."""
    min_contrast: float = 0.1
    """Smallest range of brightness of a frame. Clips of the wild begin at 0.29."""
    max_dark: float = 0.9
    """Largest share of black pixels. Clips of the wild reach 0.6."""
    max_bright: float = 0.9
    """Largest share of white pixels. Clips of the wild reach 0.28."""
    max_combing: float = 1.0
    """Most combing. Clips of the wild reach 0.75, moving slats 0.96; of woven ones nine in ten pass 1."""
    bars: Literal["crop", "reject", "keep"] = "crop"
    """What becomes of a clip with letterbox or pillarbox bars."""
    min_side_px: int = 64
    """Shorter side that cropping must leave."""
    text: bool = False
    """Whether the share of text is measured, at some 0.3 s a clip; needs the extra `text`."""
    max_text: float = 0.0
    """Largest share of text; a subtitle of two lines covers 0.1."""

    def __post_init__(self) -> None:
        limits = [name for name in self.__slots__ if name.startswith(("min_", "max_"))]
        shares = ("max_black", "max_repeated", "min_changing", "min_contrast", "max_dark", "max_bright", "max_text")
        require(
            self.samples < 1 and f"quality.samples={self.samples} must be at least 1",
            self.min_side_px < 2 and f"quality.min_side_px={self.min_side_px} must be at least 2",
            *(
                getattr(self, name) < 0 and f"quality.{name}={getattr(self, name):g} must not be negative"
                for name in limits
            ),
            *(
                getattr(self, name) > 1 and f"quality.{name}={getattr(self, name):g} must be at most 1"
                for name in shares
            ),
            self.max_text > 0 and not self.text and f"quality.max_text={self.max_text:g} needs quality.text=true",
        )


_LIMITS = (
    ("black", "max_black", "black"),
    ("dark", "max_dark", "under-exposed"),
    ("bright", "max_bright", "over-exposed"),
    ("frozen_seconds", "max_frozen_seconds", "frozen"),
    ("repeated", "max_repeated", "repeated frames"),
    ("changing", "min_changing", "static"),
    ("motion", "min_motion", "too little motion"),
    ("motion", "max_motion", "too much motion"),
    ("sharpness", "min_sharpness", "blurred"),
    ("contrast", "min_contrast", "flat"),
    ("combing", "max_combing", "combed"),
    ("text", "max_text", "covered by text"),
)
"""Score, option and reason; the first that a clip breaks names its verdict."""


class Quality(Stage[Cutting, Cutting]):
    """Measures candidates; crops them, or moves them to the rejected ones."""

    name = "quality"
    version = 1

    def __init__(self, config: QualityConfig) -> None:
        self.config = config
        self._text: TextDetector | None = None

    def setup(self) -> None:
        """Load the network that finds text, if asked for; raises `ConfigError` when its package is missing."""
        cv2.setNumThreads(1)  # optical flow divides an image among threads, so their number shows in its result
        self._text = TextDetector() if self.config.text else None

    def __call__(self, records: Sequence[Cutting]) -> Iterator[Cutting]:
        """Yield each reel with its candidates measured."""
        for cutting in records:
            yield self._judge_all(cutting)

    def _judge_all(self, cutting: Cutting) -> Cutting:
        if not cutting.clips:
            return cutting
        crop = self.config.bars == "crop"
        meter = ClipMeter(cutting.shots.reel, samples=self.config.samples, crop=crop, text=self._text)
        kept: list[Candidate] = []
        rejected: list[tuple[Candidate, Refusal]] = []
        for candidate in cutting.clips:
            measured = meter.measured(candidate)
            refusal = self._refusal(candidate, measured)
            if refusal is None:
                kept.append(measured)
            else:
                rejected.append((measured, refusal))
        return replace(cutting, clips=tuple(kept), rejected=(*cutting.rejected, *rejected))

    def _refusal(self, candidate: Candidate, measured: Candidate) -> Refusal | None:
        """Return why a clip is not wanted, None when it is; the detail names everything that speaks against it."""
        broken = list(self._broken_limits(measured.quality))
        share, (width, height) = measured.quality.bars, measured.crop_xywh[2:]
        if share and self.config.bars == "reject":
            broken.append(("bars", f"bars {share:g}; quality.bars=reject"))
        if measured.crop_xywh != candidate.crop_xywh and min(width, height) < self.config.min_side_px:
            detail = f"{width}x{height}; quality.min_side_px={self.config.min_side_px}"
            broken.append(("too small without bars", detail))
        if not broken:
            return None
        return Refusal(outcome="rejected", reason=broken[0][0], detail=", ".join(detail for _, detail in broken))

    def _broken_limits(self, quality: ClipQuality) -> Iterator[tuple[str, str]]:
        for score, option, reason in _LIMITS:
            value, limit = getattr(quality, score), getattr(self.config, option)
            if value is None or not limit:
                continue
            if value < limit if option.startswith("min_") else value > limit:
                yield reason, f"{score} {value:g}; quality.{option}={limit:g}"
