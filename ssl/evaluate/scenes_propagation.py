"""Mask propagation on held-out generated scenes: the first frame's objects are followed and scored by J&F."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from densewalk.datasets.config import require, to_mapping
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.kind import BenchmarkKind
from densewalk.ssl.evaluate.notebook import FORGETFUL, Notebook
from densewalk.ssl.evaluate.scenes import BENCHMARK_SCENE, SCENE_PROTOCOL, held_out_scenes
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.metrics.davis import mean_over_objects, score_sequence
from densewalk.ssl.propagate.config import PropagationConfig
from densewalk.ssl.propagate.propagate import propagate_labels
from densewalk.ssl.report.table import Column

__all__ = ["KIND", "ScenesPropagation", "ScenesPropagationConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenesPropagationConfig:
    """What is propagated, and how."""

    num_videos: int = 8
    """Scenes."""
    scene: SceneConfig = field(default_factory=lambda: BENCHMARK_SCENE)
    """The scenes."""
    propagation: PropagationConfig = field(default_factory=lambda: PropagationConfig(context=2))
    """The read-out; a shorter context than DINO's 7 costs half the time and changes scores by about a point."""

    def __post_init__(self) -> None:
        require(
            self.num_videos < 1 and f"num_videos={self.num_videos} must be at least 1",
            self.scene.num_frames < 3 and f"scene.num_frames={self.scene.num_frames}; J&F needs at least 3",
            self.scene.num_layers[0] < 1 and f"scene.num_layers={self.scene.num_layers}; every scene needs an object",
        )


class ScenesPropagation:
    """Scalars: `J&F` and mean, recall and decay of J and F in percent."""

    name = "scenes-propagation"

    def __init__(self, config: ScenesPropagationConfig) -> None:
        self.config = config

    def __call__(self, matcher: Matcher, *, subject: str, notebook: Notebook = FORGETFUL) -> Scores:
        """Propagate every scene's first mask; one row an object. A scene that opens without an object is left out."""
        rows = []
        for number, scene in enumerate(held_out_scenes(self.config.scene, count=self.config.num_videos)):
            truth_THW = np.stack([scene.instances(t) for t in range(self.config.scene.num_frames)])
            if truth_THW[0].any():
                predicted_THW = propagate_labels(matcher, scene.video(), truth_THW[0], self.config.propagation)
                objects = np.unique(truth_THW[0][truth_THW[0] > 0]).tolist()
                scored = score_sequence(predicted_THW, truth_THW, objects=objects)
                rows += [{"video": number, **row} for row in scored]
        return Scores(
            name=self.name,
            subject=subject,
            headline="J&F",
            scalars=mean_over_objects(rows),
            protocol=SCENE_PROTOCOL | to_mapping(self.config),
            rows=rows,
        )


PROPAGATION_COLUMNS: Mapping[str, Column] = {
    "J&F": Column(title="J&F", better="higher"),
    "J_mean": Column(title="J", better="higher"),
    "F_mean": Column(title="F", better="higher"),
}
"""What tables show of mask propagation."""

KIND = BenchmarkKind(
    config=ScenesPropagationConfig,
    build=ScenesPropagation,
    reads=frozenset(("matches", "displacement")),
    columns=PROPAGATION_COLUMNS,
    text="Mask propagation: the objects of the first frame are carried through the video. J is the overlap with the "
    "true mask, F the accuracy of its border (percent).",
    bars=("video", "J_mean"),
)
