"""Mask propagation on YouTube-VOS: objects come in at different frames, and every fifth frame is annotated.

Of the validation split the first masks alone are public: it is propagated and its masks are kept for the server. A
split with all its masks, such as train, is scored here: J and F of every object in the annotated frames after the one
it comes in with, mean over objects. This is not the server's number, which averages objects of seen and of unseen
categories apart and whose truth nobody else has.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from densewalk.datasets.config import require
from densewalk.datasets.readers.video_masks.masked_video import MaskedVideo
from densewalk.datasets.readers.video_masks.presence import Presence
from densewalk.datasets.readers.video_masks.youtube_vos import YOUTUBE_VOS, read_youtube_vos
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.followed_objects import ScoringRules, score_followed
from densewalk.ssl.evaluate.kind import BenchmarkKind
from densewalk.ssl.evaluate.mask_folder import MaskFolder
from densewalk.ssl.evaluate.notebook import FORGETFUL, Notebook
from densewalk.ssl.evaluate.scenes_propagation import PROPAGATION_COLUMNS
from densewalk.ssl.evaluate.settings import data_for
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.propagate.config import PRESETS, PropagationConfig

__all__ = ["KIND", "YoutubeVos", "YoutubeVosConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class YoutubeVosConfig:
    """What is followed, and how."""

    data: Path | None = None
    """The data set's folder, with a folder of every split in it."""
    split: str = "valid"
    """Folder of the split: valid is kept for the server, train is scored."""
    sequences: Presence = "all"
    """all: every video of meta.json must be whole; present: those that are not are left out."""
    propagation: PropagationConfig = field(default_factory=PropagationConfig)
    """How masks are propagated; finished masks have no such settings."""

    def __post_init__(self) -> None:
        is_name = Path(self.split).name == self.split != ""
        require(not is_name and f"split={self.split!r} must be the name of a folder")


class YoutubeVos:
    """Scalars: `J&F` and mean, recall and decay of J and F in percent; `masks`, a number of files, without truth.

    Raises `BenchmarkError` without data and `DataError` when it is not all there.
    """

    name = "youtube-vos"

    def __init__(self, config: YoutubeVosConfig) -> None:
        self.config = config
        data = data_for(self.name, config.data, YOUTUBE_VOS.expected)
        self._videos = read_youtube_vos(data, split=config.split, sequences=config.sequences)

    def __call__(self, matcher: Matcher | MaskFolder, *, subject: str, notebook: Notebook = FORGETFUL) -> Scores:
        """Follow every object from where it comes in; one row an object that is annotated again."""
        rules = ScoringRules(
            objects=lambda video: sorted(video.entries),
            frames=_annotated_later,
            text="annotated frames after the one an object comes in with",
        )
        return score_followed(self.name, self._videos, rules, self.config, matcher, subject=subject, notebook=notebook)


def _annotated_later(video: MaskedVideo, number: int) -> Sequence[int]:
    return [frame for frame in sorted(video.mask_files) if frame > video.entries[number]]


_PRESETS: dict[str, Callable[[], YoutubeVosConfig]] = {
    name: partial(YoutubeVosConfig, propagation=propagation) for name, propagation in PRESETS.items()
}
KIND = BenchmarkKind(
    config=YoutubeVosConfig,
    build=YoutubeVos,
    reads=frozenset(("matches", "displacement", "masks")),
    columns=PROPAGATION_COLUMNS,
    text="Mask propagation on videos in the layout of YouTube-VOS, objects followed from where they come in: J is the "
    "overlap with the true mask, F the accuracy of its border (percent). Where the first masks alone are public the "
    "masks are made for the server and nothing is scored.",
    presets=_PRESETS,
    bars=("item", "J&F"),
)
