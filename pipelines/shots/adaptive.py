"""Hard cuts without a network: PySceneDetect's adaptive detector on thumbnails.

A frame begins a shot when its difference to the one before stands out from the mean difference of its neighbours. It
sees no gradual transition and takes flashes and fast motion for cuts more often than TransNetV2, at a hundredth of the
cost. Frames are counted, never timed, so that a variable rate changes nothing; only `min_shot_seconds` is turned into
frames, at the source's usual rate.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from densewalk.datasets.config import require
from densewalk.datasets.errors import ConfigError

__all__ = ["AdaptiveConfig", "AdaptiveDetector"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptiveConfig:
    """How the adaptive detector decides; the defaults are PySceneDetect's, but for `min_shot_seconds`."""

    threshold: float = 3.0
    """How many times the mean difference around it a frame's difference must be."""
    min_content: float = 15.0
    """Smallest difference that counts, mean change of hue, saturation and brightness, 0 to 255."""
    min_shot_seconds: float = 0.0
    """Time after a cut in which no other is sought. 0 lets every cut depend on its neighbours alone; otherwise a cut
    near a reel's start may depend on where the reel begins."""

    def __post_init__(self) -> None:
        require(
            self.threshold <= 1 and f"shots.adaptive.threshold={self.threshold:g} must be above 1",
            self.min_content < 0 and f"shots.adaptive.min_content={self.min_content:g} must not be negative",
            self.min_shot_seconds < 0
            and f"shots.adaptive.min_shot_seconds={self.min_shot_seconds:g} must not be negative",
        )


class AdaptiveDetector:
    """Finds hard cuts in thumbnails. Raises `ConfigError` when PySceneDetect is not installed."""

    def __init__(self, config: AdaptiveConfig) -> None:
        try:
            from scenedetect import FrameTimecode
            from scenedetect.detectors import AdaptiveDetector as Detector
        except ImportError as error:
            raise ConfigError("shots.detector=adaptive needs `pip install densewalk[scenedetect]`") from error
        self.config = config
        self._detector, self._timecode = Detector, FrameTimecode

    def cuts(self, thumbnail_NHWC: UInt8[np.ndarray, "n 27 48 3"], *, fps: float) -> list[int]:
        """Return the first frames of new shots; `fps` is the usual rate."""
        return list(self._found(thumbnail_NHWC, fps))

    def _found(self, thumbnail_NHWC: UInt8[np.ndarray, "n 27 48 3"], fps: float) -> Iterator[int]:
        detector = self._detector(
            adaptive_threshold=self.config.threshold,
            min_content_val=self.config.min_content,
            min_scene_len=round(self.config.min_shot_seconds * fps),
        )
        for number, thumbnail_HWC in enumerate(thumbnail_NHWC):
            frame_bgr = np.ascontiguousarray(thumbnail_HWC[..., ::-1])
            for cut in detector.process_frame(self._timecode(number, float(fps)), frame_bgr):
                yield cut.frame_num
