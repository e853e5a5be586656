"""Propagation of body parts on VIP: the 20 classes of the first frame are followed and scored by mIoU.

One 20 x 20 confusion matrix is counted over all frames of the data set, the first, given ones among them; mIoU is the
mean over the classes that occur in the truth or in the prediction (eval_vip.py of TimeCycle, UVC and CRW). Presets take
each work's settings with frames of 560 x 560 pixels; UVC's command for VIP has one preceding frame, SiamMAE's
comparison 880 x 880 and ten matches.

Shapes: T frames, L true classes x L predicted classes, H W rows and columns.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.labelled import IGNORED
from densewalk.datasets.readers.video_masks.masked_video import MaskedVideo
from densewalk.datasets.readers.video_masks.presence import Presence
from densewalk.datasets.readers.video_masks.vip import VIP, VIP_CLASSES, read_vip
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.followed_objects import following_settings, misfit_masks
from densewalk.ssl.evaluate.kind import BenchmarkKind
from densewalk.ssl.evaluate.mask_folder import MaskFolder
from densewalk.ssl.evaluate.mask_following import follow_masks
from densewalk.ssl.evaluate.mask_report import keep_masks, show_followed
from densewalk.ssl.evaluate.notebook import FORGETFUL, Notebook
from densewalk.ssl.evaluate.segmentation_scores import SEGMENTATION_COLUMNS, class_rows
from densewalk.ssl.evaluate.settings import data_for
from densewalk.ssl.evaluate.truth_hash import TruthHash
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.metrics.miou import confusion, segmentation_scores
from densewalk.ssl.propagate.config import PRESETS, PropagationConfig

__all__ = ["KIND", "Vip", "VipConfig"]

_SIZE_HW = (560, 560)
_NUM_CLASSES = len(VIP_CLASSES)


@dataclass(frozen=True, slots=True, kw_only=True)
class VipConfig:
    """What is followed, and how."""

    data: Path | None = None
    """The folder VIP_Fine, with Images, Annotations and lists in it."""
    split: str = "val"
    """List of videos, `lists/<split>_videos.txt`."""
    sequences: Presence = "all"
    """all: every listed video must be whole; present: those that are not are left out, as in no published number."""
    propagation: PropagationConfig = field(default_factory=lambda: PropagationConfig(size_hw=_SIZE_HW))
    """How labels are propagated; finished masks have no such settings."""


class Vip:
    """Scalars: `mIoU`, `fIoU`, `pixel_accuracy` and `mean_accuracy` in percent.

    Raises `BenchmarkError` without data and `DataError` when it is not all there.
    """

    name = "vip"

    def __init__(self, config: VipConfig) -> None:
        self.config = config
        data = data_for(self.name, config.data, VIP.expected)
        self._videos = read_vip(data, split=config.split, sequences=config.sequences)

    def __call__(self, matcher: Matcher | MaskFolder, *, subject: str, notebook: Notebook = FORGETFUL) -> Scores:
        """Follow the classes of every video's first frame; one row a class that occurs."""
        videos, truth_hash = self._videos.videos, TruthHash()
        count_LL = np.zeros((_NUM_CLASSES, _NUM_CLASSES), np.int64)
        of_video: dict[str, float] = {}
        for done, video in enumerate(videos, start=1):
            frames = range(len(video.frames))
            truth_THW = np.stack([_categories(video, frame) for frame in frames])
            truth_hash.add(f"{video.name} {video.frame_names}", truth_THW)
            masks_THW = follow_masks(
                matcher, video, self.config.propagation, scored=frames, num_labels=_NUM_CLASSES - 1
            )
            keep_masks(notebook, video, masks_THW)
            own_LL = confusion(masks_THW, truth_THW, num_classes=_NUM_CLASSES)
            of_video[video.name] = segmentation_scores(own_LL)["mIoU"]
            count_LL += own_LL
            notebook.progress(done, len(videos), video.name)
        show_followed(notebook, videos, of_video, matcher)
        notebook.table("videos.csv", [{"video": name, "mIoU": value} for name, value in of_video.items()])
        return Scores(
            name=self.name,
            subject=subject,
            headline="mIoU",
            scalars=segmentation_scores(count_LL),
            protocol=following_settings(self.config, matcher)
            | {"num_videos": len(videos), "left_out": list(self._videos.left_out), "classes": _NUM_CLASSES}
            | {"truth_sha256": truth_hash.digits, "scored": "all frames, the first among them"},
            rows=class_rows(count_LL, VIP_CLASSES),
            provenance={"data": str(self.config.data), **misfit_masks(matcher, self._videos, notebook)},
        )


def _categories(video: MaskedVideo, frame: int) -> UInt8[np.ndarray, "h w"]:
    label_HW = video.mask(frame)
    if label_HW.max(initial=0, where=label_HW != IGNORED) >= _NUM_CLASSES:
        raise DataError(
            f"{video.mask_files[frame]} holds category {label_HW[label_HW != IGNORED].max()}; expected 0 to "
            f"{_NUM_CLASSES - 1} (or {IGNORED}, which counts nowhere); {VIP.expected}"
        )
    return label_HW


_PROPAGATION = {name: replace(propagation, short_side=0, size_hw=_SIZE_HW) for name, propagation in PRESETS.items()}
_PROPAGATION["uvc"] = replace(_PROPAGATION["uvc"], context=1)
_PROPAGATION["siammae"] = replace(_PROPAGATION["siammae"], top_k=10, size_hw=(880, 880))
_PRESETS: dict[str, Callable[[], VipConfig]] = {
    name: partial(VipConfig, propagation=propagation) for name, propagation in _PROPAGATION.items()
}
KIND = BenchmarkKind(
    config=VipConfig,
    build=Vip,
    reads=frozenset(("matches", "displacement", "masks")),
    columns=SEGMENTATION_COLUMNS,
    text="Body parts on VIP: the 20 classes of the first frame are carried through the video. mIoU is the mean overlap "
    "over classes, counted over the whole data set (percent).",
    presets=_PRESETS,
    bars=("class", "iou"),
)
