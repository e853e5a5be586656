"""Mask propagation on JHMDB: a person's puppet mask of the first frame is carried through the clip, scored by J and F.

Nobody has published this one; it has the clips and the frames of the benchmark on joints (`jhmdb.py`).

Shapes: T frames, H W rows and columns.
"""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from densewalk.datasets.readers.joints.jhmdb import JHMDB, find_clips
from densewalk.datasets.readers.video_masks.presence import Presence
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.jhmdb import at_published_size
from densewalk.ssl.evaluate.kind import BenchmarkKind
from densewalk.ssl.evaluate.notebook import FORGETFUL, Notebook
from densewalk.ssl.evaluate.scenes_propagation import PROPAGATION_COLUMNS
from densewalk.ssl.evaluate.settings import data_for, settings_of
from densewalk.ssl.evaluate.truth_hash import TruthHash
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.metrics.davis import mean_over_objects, score_sequence
from densewalk.ssl.propagate.config import PropagationConfig
from densewalk.ssl.propagate.propagate import propagate_labels
from densewalk.ssl.show.still import jpeg_bytes
from densewalk.ssl.show.strips import mask_strip

__all__ = ["KIND", "JhmdbMasks", "JhmdbMasksConfig"]

_STRIPS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class JhmdbMasksConfig:
    """What is propagated, and how."""

    data: Path | None = None
    """Folder of JHMDB."""
    sequences: Presence = "all"
    """All 268 test clips of split 1, or those that are present."""
    propagation: PropagationConfig = field(default_factory=lambda: at_published_size("crw"))
    """The propagation (default: CRW's)."""


class JhmdbMasks:
    """Scalars: `J&F` and mean, recall and decay of J and F in percent.

    Raises `BenchmarkError` without data and `DataError` when it is not all there or a file is damaged.
    """

    name = "jhmdb-masks"

    def __init__(self, config: JhmdbMasksConfig) -> None:
        data = data_for(self.name, config.data, JHMDB.expected)
        self.config = config
        self._clips, self._left_out = find_clips(data, "masks", sequences=config.sequences)

    def __call__(self, matcher: Matcher, *, subject: str, notebook: Notebook = FORGETFUL) -> Scores:
        """Propagate the first mask of every clip; one row a clip."""
        rows: list[dict[str, Any]] = []
        truth_hash = TruthHash()
        for number, clip in enumerate(self._clips):
            video_THWC, truth_THW = clip.with_masks()
            truth_hash.add(clip.name, truth_THW)
            predicted_THW = propagate_labels(matcher, video_THWC, truth_THW[0], self.config.propagation)
            rows += [{"video": clip.name, **row} for row in score_sequence(predicted_THW, truth_THW)]
            if notebook.keeps and number < _STRIPS:
                strip = jpeg_bytes(mask_strip(video_THWC, predicted_THW, truth_THW))
                notebook.picture(f"{clip.name}: mask carried on", f"strip-{number}.jpg", strip)
            notebook.progress(number + 1, len(self._clips), clip.name)
        return Scores(
            name=self.name,
            subject=subject,
            headline="J&F",
            scalars=mean_over_objects(rows),
            protocol=settings_of(self.config)
            | {"num_videos": len(self._clips), "left_out": list(self._left_out), "truth_sha256": truth_hash.digits},
            rows=rows,
            provenance={"data": str(self.config.data)},
        )


def _configured(preset: str) -> JhmdbMasksConfig:
    return JhmdbMasksConfig(propagation=at_published_size(preset))


KIND = BenchmarkKind(
    config=JhmdbMasksConfig,
    build=JhmdbMasks,
    reads=frozenset(("matches", "displacement")),
    columns=PROPAGATION_COLUMNS,
    text="Mask propagation on JHMDB: the person's mask of the first frame is carried through the clip. J is the "
    "overlap with the true mask, F the accuracy of its border (percent).",
    presets={name: partial(_configured, name) for name in ("crw", "uvc", "dino")},
    bars=("video", "J_mean"),
)
