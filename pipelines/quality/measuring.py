"""Measuring one clip: which frames are looked at, and what is asked of them.

Shapes: S frames looked at, K frames of the clip, H W rows and columns.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import UInt8

from densewalk.datasets.quality import ClipQuality
from densewalk.pipelines.clips.frames import ClipFrames
from densewalk.pipelines.quality import appearance, speed, stillness
from densewalk.pipelines.quality.bars import find_bars
from densewalk.pipelines.quality.reducing import reduced
from densewalk.pipelines.quality.text import TextDetector
from densewalk.pipelines.records import Candidate, Reel
from densewalk.pipelines.spool import frame_seconds, read_motion, read_thumbnails

__all__ = ["ClipMeter"]

_LEAST_SAMPLES = 3
_SAMPLE_SECONDS = 0.5
_TEXT_FRAMES = 3
_SIDE = 256
"""Sharpness and exposure are measured at no more than this, so that thresholds mean the same at any raster."""
_DIGITS = 4
"""Decimals of a score: enough to choose by, too few to show how a processor rounds."""


class ClipMeter:
    """Measures the clips of a reel."""

    def __init__(self, reel: Reel, *, samples: int, crop: bool, text: TextDetector | None) -> None:
        self._reel, self._samples, self._crop, self._text = reel, samples, crop, text
        self._thumbnails = read_thumbnails(reel)
        self._motion = read_motion(reel)
        self._seconds = np.diff(frame_seconds(reel), prepend=np.nan)[reel.lead : reel.lead + reel.num_frames]

    def measured(self, candidate: Candidate) -> Candidate:
        """Return the candidate with its scores, and without its bars when they are to be cropped."""
        frames = ClipFrames(self._reel, candidate)
        gap = min(len(frames) - 1, max(1, round(speed.PAIR_SECONDS * frames.fps)))
        sample_S = self._spread(frames, gap)
        luma_SHW = np.stack([frames.luma(frame) for frame in sample_S])
        x, y, width, height = find_bars(luma_SHW)
        share = 1 - width * height / (frames.width * frames.height)
        if self._crop and share:
            luma_SHW = luma_SHW[:, y : y + height, x : x + width]
            left, top = candidate.crop_xywh[:2]
            candidate = replace(candidate, crop_xywh=(left + x, top + y, width, height))
            frames = ClipFrames(self._reel, candidate)
        pairs = [(now, frames.luma(frame + gap)) for now, frame in zip(luma_SHW, sample_S, strict=True)] if gap else []
        scores = {
            "bars": share,
            "combing": appearance.combing(pairs),
            "text": self._text_share(frames, sample_S),
            **self._stillness(candidate, frames),
            **self._motion_scores(candidate, pairs, gap / float(frames.fps)),
            **_looks(luma_SHW),
        }
        known = {name: value if value is None else round(value, _DIGITS) for name, value in scores.items()}
        return replace(candidate, quality=ClipQuality(**known))

    def _spread(self, frames: ClipFrames, gap: int) -> list[int]:
        """Return the frames to look at; each has another one `gap` frames behind it."""
        num_frames = len(frames) - gap
        wanted = round(len(frames) / float(frames.fps) / _SAMPLE_SECONDS)
        num_samples = min(self._samples, num_frames, max(_LEAST_SAMPLES, wanted))
        return [(2 * sample + 1) * num_frames // (2 * num_samples) for sample in range(num_samples)]

    def _stillness(self, candidate: Candidate, frames: ClipFrames) -> dict[str, float | None]:
        reel = self._reel
        shown_K = frames.source_frame_K - (reel.first_frame - reel.lead)
        cell_KP = stillness.thumbnail_cells(self._thumbnails[shown_K], candidate.crop_xywh, (reel.width, reel.height))
        return {
            "black": stillness.black_share(cell_KP),
            "frozen_seconds": stillness.longest_freeze(cell_KP, float(frames.fps)),
            "repeated": stillness.repeated_share(cell_KP),
            "changing": stillness.changing_share(cell_KP),
        }

    def _motion_scores(
        self, candidate: Candidate, pairs: Sequence[tuple[np.ndarray, np.ndarray]], pair_seconds: float
    ) -> dict[str, float | None]:
        start, end = (frame - self._reel.first_frame for frame in candidate.interval)
        width, height = candidate.crop_xywh[2:]
        # The first frame moved against one that does not belong to the clip.
        inner = slice(start + 1, end)
        by_vectors = speed.vector_speed(
            self._motion[inner],
            self._seconds[inner],
            (width, height),
            share=width * height / (self._reel.width * self._reel.height),
        )
        if by_vectors is not None:
            return {"motion": by_vectors, "motion_by_vectors": 1.0}
        by_flow = speed.flow_speed(pairs, pair_seconds)
        return {"motion": by_flow, "motion_by_vectors": None if by_flow is None else 0.0}

    def _text_share(self, frames: ClipFrames, samples: Sequence[int]) -> float | None:
        if self._text is None:
            return None
        middle = samples[:: max(1, len(samples) // _TEXT_FRAMES)][:_TEXT_FRAMES]
        return self._text.covered_share([frames.rgb(frame) for frame in middle])


def _looks(luma_SHW: UInt8[np.ndarray, "s h w"]) -> dict[str, float | None]:
    small = [reduced(frame_HW, _SIDE) for frame_HW in luma_SHW]
    brightness, contrast, dark, bright = appearance.exposure(small)
    return {
        "sharpness": appearance.sharpness(small),
        "brightness": brightness,
        "contrast": contrast,
        "dark": dark,
        "bright": bright,
    }
