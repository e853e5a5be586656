"""Mask propagation on DAVIS-2017 and DAVIS-2016: the first frame's objects are followed and scored by J&F.

DAVIS-2017 has several objects a sequence, DAVIS-2016 one, so that the mean over objects is the mean over sequences;
both are scored by the protocol of davis2017-evaluation (`ssl/metrics/davis.py`), whose two tables are written beside
the numbers. What moves them by points is how masks are propagated: presets are whole published settings. A split of
which the first masks alone are public is propagated and its masks are kept, not scored.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import get_args

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.video_masks.davis import (
    DAVIS_ORIGINS,
    DavisResolution,
    DavisSplit,
    DavisYear,
    read_davis,
)
from densewalk.datasets.readers.video_masks.masked_video import MaskedVideo
from densewalk.datasets.readers.video_masks.presence import Presence
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.followed_objects import ScoringRules, score_followed
from densewalk.ssl.evaluate.kind import BenchmarkKind
from densewalk.ssl.evaluate.mask_folder import MaskFolder
from densewalk.ssl.evaluate.notebook import FORGETFUL, Notebook
from densewalk.ssl.evaluate.scenes_propagation import PROPAGATION_COLUMNS
from densewalk.ssl.evaluate.settings import data_for
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.metrics.davis import largest_object
from densewalk.ssl.propagate.config import PRESETS, PropagationConfig

__all__ = ["KINDS", "Davis", "DavisConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DavisConfig:
    """What is followed, and how."""

    year: DavisYear = "2017"
    """DAVIS-2017 with several objects a sequence, or DAVIS-2016 with one."""
    data: Path | None = None
    """The data set's folder, with JPEGImages, Annotations and ImageSets in it."""
    split: DavisSplit = "val"
    """List of sequences; of the test splits nothing can be scored."""
    resolution: DavisResolution = "480p"
    """Folder of frames and masks (published numbers: 480p)."""
    sequences: Presence = "all"
    """all: every listed sequence must be whole; present: those that are not are left out, as in no published number."""
    propagation: PropagationConfig = field(default_factory=PropagationConfig)
    """How masks are propagated; finished masks have no such settings."""


class Davis:
    """Scalars: `J&F` and mean, recall and decay of J and F in percent.

    Raises `BenchmarkError` without data and `DataError` when it is not all there.
    """

    def __init__(self, config: DavisConfig) -> None:
        self.config, self.name = config, f"davis{config.year}"
        self._videos = read_davis(
            data_for(self.name, config.data, DAVIS_ORIGINS[config.year].expected),
            year=config.year,
            split=config.split,
            resolution=config.resolution,
            sequences=config.sequences,
        )

    def __call__(self, matcher: Matcher | MaskFolder, *, subject: str, notebook: Notebook = FORGETFUL) -> Scores:
        """Follow every sequence's first masks; one row an object."""
        rules = ScoringRules(
            objects=_objects,
            frames=lambda video, _: range(1, len(video.frames) - 1),
            text="all frames but the first and the last",
        )
        return score_followed(self.name, self._videos, rules, self.config, matcher, subject=subject, notebook=notebook)


def _objects(video: MaskedVideo) -> Sequence[int]:
    """Return the numbers from 1 to the largest of the first mask: also those that it lacks, as the official tool."""
    mask_HW = video.mask(0)
    largest = largest_object(mask_HW)
    if not largest:
        found = f"the first mask of {video.name}, {video.mask_files[0]}, shows no object"
        if mask_HW.any():
            raise DataError(f"{found} but is binary (0 and 255); expected numbered objects, or the benchmark davis2016")
        raise DataError(f"{found}; copy the file again")
    return range(1, largest + 1)


def _kind(year: DavisYear, text: str) -> BenchmarkKind:
    presets: dict[str, Callable[[], DavisConfig]] = {
        name: partial(DavisConfig, year=year, propagation=propagation) for name, propagation in PRESETS.items()
    }
    return BenchmarkKind(
        config=partial(DavisConfig, year=year),
        build=Davis,
        reads=frozenset(("matches", "displacement", "masks")),
        columns=PROPAGATION_COLUMNS,
        text=text,
        presets=presets,
        bars=("item", "J&F"),
    )


_TEXT = (
    "J is the overlap with the true mask, F the accuracy of its border (percent), by the official rules: the first and "
    "the last frame are not scored. Numbers compare only under the same propagation settings."
)
KINDS: dict[str, BenchmarkKind] = {
    f"davis{year}": _kind(year, f"Mask propagation on DAVIS-{year}: {what} {_TEXT}")
    for year, what in zip(
        get_args(DavisYear),
        ("the one object of the first frame is followed.", "all objects of the first frame are followed."),
        strict=True,
    )
}
