"""Linear segmentation on held-out generated scenes: classes are shape and texture families."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from densewalk.datasets.config import require, to_mapping
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.layers import CLASS_NAMES, NUM_CLASSES
from densewalk.datasets.scenes.scene import Scene
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.kind import BenchmarkKind
from densewalk.ssl.evaluate.notebook import FORGETFUL, Notebook
from densewalk.ssl.evaluate.scenes import BENCHMARK_SCENE, SCENE_PROTOCOL, held_out_scenes
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.metrics.miou import class_iou, confusion, segmentation_scores
from densewalk.ssl.probe.features import image_features
from densewalk.ssl.probe.linear import LinearProbeConfig, fit_linear_probe
from densewalk.ssl.report.table import Column

__all__ = ["KIND", "ScenesSegmentation", "ScenesSegmentationConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenesSegmentationConfig:
    """What is segmented, and how."""

    num_train: int = 48
    """Scenes whose first frame the probe is fitted on."""
    num_test: int = 32
    """Further scenes whose first frame is scored."""
    scene: SceneConfig = field(default_factory=lambda: BENCHMARK_SCENE)
    """The scenes."""
    probe: LinearProbeConfig = field(default_factory=LinearProbeConfig)
    """The probe."""

    def __post_init__(self) -> None:
        require(
            self.num_train < 1 and f"num_train={self.num_train} must be at least 1",
            self.num_test < 1 and f"num_test={self.num_test} must be at least 1",
        )


class ScenesSegmentation:
    """Scalars: `mIoU`, `fIoU` and `pixel_accuracy` in percent."""

    name = "scenes-segmentation"

    def __init__(self, config: ScenesSegmentationConfig) -> None:
        self.config = config

    def __call__(self, matcher: Matcher, *, subject: str, notebook: Notebook = FORGETFUL) -> Scores:
        """Fit a linear probe on `matcher.encode`'s maps and score it on other scenes; one row a class."""
        config = self.config
        scenes = list(held_out_scenes(config.scene, count=config.num_train + config.num_test))
        train, test = scenes[: config.num_train], scenes[config.num_train :]
        feature, mask = _features(matcher, train), _masks(train)
        probe = fit_linear_probe(
            feature, torch.from_numpy(mask).to(feature.device), num_classes=NUM_CLASSES, config=config.probe
        )
        predicted = probe.predict(_features(matcher, test), (config.scene.height, config.scene.width))
        count_LL = confusion(predicted.cpu().numpy(), _masks(test), num_classes=NUM_CLASSES)
        return Scores(
            name=self.name,
            subject=subject,
            headline="mIoU",
            scalars=segmentation_scores(count_LL),
            protocol=SCENE_PROTOCOL | {"classes": NUM_CLASSES, "features": "encode"} | to_mapping(config),
            rows=[{"class": CLASS_NAMES[i], "iou": iou} for i, iou in class_iou(count_LL).items()],
        )


def _features(matcher: Matcher, scenes: Sequence[Scene]) -> Float[Tensor, "b d gh gw"]:
    return torch.stack([image_features(matcher, scene.frame(0)) for scene in scenes])


def _masks(scenes: Sequence[Scene]) -> UInt8[np.ndarray, "b h w"]:
    return np.stack([scene.semantics(0) for scene in scenes])


SEGMENTATION_COLUMNS: Mapping[str, Column] = {
    "mIoU": Column(title="mIoU", better="higher"),
    "fIoU": Column(title="fIoU", better="higher"),
    "pixel_accuracy": Column(title="pixel accuracy", better="higher"),
}
"""What tables show of segmentation."""

KIND = BenchmarkKind(
    config=ScenesSegmentationConfig,
    build=ScenesSegmentation,
    reads=frozenset(("features",)),
    columns=SEGMENTATION_COLUMNS,
    text="Linear segmentation: one linear layer on frozen features says what every pixel shows. mIoU is the mean "
    "overlap over classes (percent). A walk teaches where a point went, not what it is, so a small run need not lead "
    "here.",
    bars=("class", "iou"),
)
