"""How labels are carried through a video, and what published works chose.

Numbers of label propagation compare only under the same settings: context, radius and resolution alone move DAVIS by
several points. `PRESETS` holds the settings of works whose numbers are quoted, as their released code has them. What is
of the subject stays the subject's: features, stride, normalisation of colours. Where sides are no multiples of the
stride, frames are padded here and label maps stretched there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from densewalk.datasets.config import require
from densewalk.ssl.propagate.adaptation import AdaptationConfig

__all__ = ["PRESETS", "PropagationConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PropagationConfig:
    """How labels are carried on; a subject without matches is followed by its flow, which has no settings."""

    context: int = 7
    """Preceding frames that give labels beside the first one (DINO: 7, CRW: 20)."""
    first_copies: int = 0
    """How many of the preceding frames are copies of the first one at the start (DINO: 0, VFS: 1, CRW: 20)."""
    top_k: int = 5
    """Strongest matches whose labels a node mixes (DINO: 5, CRW: 10)."""
    mixing: Literal["joint", "per-frame"] = "joint"
    """joint: chosen among all context frames together, weights are a softmax over the chosen; per-frame: chosen in each
    frame, weights are the softmax over all its nodes, averaged over frames (UVC)."""
    radius: int | None = 12
    """Reach of a match, nodes (DINO, CRW: 12); none lets a node match any other (UVC)."""
    shape: Literal["square", "disk"] = "square"
    """square: at most `radius` rows and columns away (DINO); disk: Euclidean distance below `radius` (CRW)."""
    first_within_radius: bool = True
    """Whether the radius holds for the first frame too (DINO: yes, CRW: no)."""
    features: Literal["related", "unit", "raw"] = "related"
    """What is multiplied: what the matcher makes of a pair, that at unit length (DINO, CRW), `encode`'s maps (UVC)."""
    temperature: float | None = None
    """Divisor of inner products (DINO: 0.1, CRW: 0.05); none takes the matcher's own."""
    short_side: int = 0
    """Shorter side of the frames that are encoded, pixels (DINO: 480); 0 leaves frames at their own size."""
    long_multiple: int = 1
    """With `short_side`, the longer side is floored to a multiple of this (DINO: 64); 1 rounds it to whole pixels."""
    size_hw: tuple[int, int] | None = None
    """Rows and columns of the frames that are encoded, whatever the video's shape (VIP: 560 x 560)."""
    upsample: int = 1
    """Factor by which frames are enlarged before they are encoded, where no size is given."""
    antialias: bool = True
    """Whether frames that shrink are smoothed (in the published codes, which use OpenCV: no)."""
    first_labels: Literal["area", "bilinear", "nearest"] = "area"
    """A node's first labels: its area's shares, bilinear at its centre (CRW), the pixel at its centre (DINO)."""
    stretch: bool = False
    """Whether every class is stretched to 0-1 over the frame before the largest is taken (DINO: yes)."""
    stretch_carried: bool = False
    """Stretch every class to 0-1 over the frame before it is carried on or read (UVC on JHMDB)."""
    decode_at: Literal["video", "network"] = "video"
    """Raster on which the largest class is taken; from the network's, a mask goes to the video's by nearest pixel."""
    adaptation: AdaptationConfig = field(default_factory=AdaptationConfig)
    """What the matcher learns on each video before it propagates; nothing by default (CRW: optional)."""

    def __post_init__(self) -> None:
        chosen_sizes = (self.short_side > 0, self.size_hw is not None, self.upsample > 1)
        least_radius = int(self.shape == "disk")
        require(
            self.context < 0 and f"propagation.context={self.context} must not be negative",
            not 0 <= self.first_copies <= max(self.context, 0)
            and f"propagation.first_copies={self.first_copies} must be in 0 to propagation.context={self.context}",
            self.top_k < 1 and f"propagation.top_k={self.top_k} must be at least 1",
            (self.radius is not None and self.radius < least_radius)
            and f"propagation.radius={self.radius} must be at least {least_radius}, or none for all nodes",
            (self.temperature is not None and self.temperature <= 0)
            and f"propagation.temperature={self.temperature} must be positive, or none for the matcher's own",
            self.short_side < 0 and f"propagation.short_side={self.short_side} must not be negative",
            self.long_multiple < 1 and f"propagation.long_multiple={self.long_multiple} must be at least 1",
            (self.size_hw is not None and min(self.size_hw) < 1)
            and f"propagation.size_hw={self.size_hw} must be at least 1 x 1",
            self.upsample < 1 and f"propagation.upsample={self.upsample} must be at least 1",
            sum(chosen_sizes) > 1 and "propagation: give one of short_side, size_hw and upsample, not several",
        )

    def network_hw(self, video_hw: tuple[int, int]) -> tuple[int, int]:
        """Return rows and columns at which frames of `video_hw` are encoded, before padding."""
        if self.size_hw is not None:
            return self.size_hw[0], self.size_hw[1]
        if self.short_side == 0:
            return video_hw[0] * self.upsample, video_hw[1] * self.upsample
        exact = self.short_side * max(video_hw) / min(video_hw)
        in_multiples = int(exact // self.long_multiple) * self.long_multiple
        longer = int(exact + 0.5) if self.long_multiple == 1 else max(in_multiples, self.long_multiple)
        return (longer, self.short_side) if video_hw[0] > video_hw[1] else (self.short_side, longer)


_DINO = PropagationConfig(
    features="unit",
    temperature=0.1,
    short_side=480,
    long_multiple=64,
    antialias=False,
    first_labels="nearest",
    stretch=True,
    decode_at="network",
)
_UVC = replace(_DINO, mixing="per-frame", radius=None, features="raw", temperature=1.0)
_CRW = PropagationConfig(
    context=20,
    first_copies=20,
    top_k=10,
    shape="disk",
    first_within_radius=False,
    features="unit",
    temperature=0.05,
    antialias=False,
    first_labels="bilinear",
    decode_at="network",
)
_SIAMMAE = replace(_CRW, top_k=7, radius=20, temperature=0.7, size_hw=(480, 880))
_VFS = PropagationConfig(
    context=20,
    first_copies=1,
    top_k=10,
    radius=18,
    shape="disk",
    features="unit",
    temperature=0.07,
    short_side=480,
    antialias=False,
    first_labels="nearest",
    stretch=True,
)

PRESETS: Mapping[str, PropagationConfig] = {
    "dino": _DINO,
    "crw": _CRW,
    "dul": _CRW,
    "vfs": _VFS,
    "vfs-r18": replace(_VFS, radius=12),
    "uvc": _UVC,
    "siammae": _SIAMMAE,
}
"""Settings on DAVIS by the work that published them.

* `dino`: facebookresearch/dino, eval_video_segmentation.py. Its exp, top-k and normalisation are the softmax over the
  top-k; only the longer side is floored to a multiple of 64.
* `crw`: ajabri/videowalk, test.py with the README's arguments; the radius is Euclidean, nodes at it are too far.
* `dul`: visinf/dense-ulearn-vos, infer_vos.py: CRW's settings. Objects may arrive later; label maps are aligned by
  corners there, by centres here.
* `vfs`, `vfs-r18`: xvjiarui/VFS, vanilla_tracker.py. Its neighbor_range is a diameter: 36 for ResNet-50, 24 for
  ResNet-18.
* `uvc`: Liusifei/UVC, test.py without boxes.
* `siammae`: alexandre-eymael/CropMAE, the code in which SiamMAE and CropMAE are compared; both papers' settings.
"""
