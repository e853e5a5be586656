"""Linear segmentation on held-out generated scenes: classes are shape and texture families."""

from dataclasses import dataclass, field

from densewalk.datasets.config import require, to_mapping
from densewalk.datasets.readers.labelled import LabelledImage
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.layers import CLASS_NAMES
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.kind import BenchmarkKind
from densewalk.ssl.evaluate.notebook import FORGETFUL, Notebook
from densewalk.ssl.evaluate.probed_segmentation import probe_segmentation
from densewalk.ssl.evaluate.scenes import BENCHMARK_SCENE, SCENE_PROTOCOL, held_out_scenes
from densewalk.ssl.evaluate.segmentation_scores import SEGMENTATION_COLUMNS, class_rows
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.metrics.miou import segmentation_scores
from densewalk.ssl.probe.optimum import OptimumConfig
from densewalk.ssl.probe.whole_image import WholeImageConfig

__all__ = ["KIND", "SceneImages", "ScenesSegmentation", "ScenesSegmentationConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenesSegmentationConfig:
    """What is segmented, and how."""

    num_train: int = 48
    """Scenes whose first frame the probe is fitted on."""
    num_test: int = 32
    """Further scenes whose first frame is scored."""
    scene: SceneConfig = field(default_factory=lambda: BENCHMARK_SCENE)
    """The scenes."""
    fit: OptimumConfig = field(default_factory=OptimumConfig)
    """How the linear layer is fitted."""

    def __post_init__(self) -> None:
        require(
            self.num_train < 1 and f"num_train={self.num_train} must be at least 1",
            self.num_test < 1 and f"num_test={self.num_test} must be at least 1",
        )


class SceneImages:
    """The first frames of held-out scenes number `first` to `first + count - 1`."""

    classes = CLASS_NAMES

    def __init__(self, scene: SceneConfig, *, count: int, first: int = 0) -> None:
        self._scenes = list(held_out_scenes(scene, count=count, first=first))

    def __len__(self) -> int:
        return len(self._scenes)

    def __getitem__(self, number: int, /) -> LabelledImage:
        scene = self._scenes[number]
        return LabelledImage(name=f"scene-{scene.seed}", image_HWC=scene.frame(0), label_HW=scene.semantics(0))


class ScenesSegmentation:
    """Scalars: `mIoU`, `fIoU`, `pixel_accuracy` and `mean_accuracy` in percent."""

    name = "scenes-segmentation"

    def __init__(self, config: ScenesSegmentationConfig) -> None:
        self.config = config

    def __call__(self, matcher: Matcher, *, subject: str, notebook: Notebook = FORGETFUL) -> Scores:
        """Fit a linear probe on `matcher.encode`'s maps and score it on other scenes; one row a class."""
        config = self.config
        found = probe_segmentation(
            matcher,
            SceneImages(config.scene, count=config.num_train),
            SceneImages(config.scene, count=config.num_test, first=config.num_train),
            fit=config.fit,
            image=WholeImageConfig(),
            notebook=notebook,
        )
        return Scores(
            name=self.name,
            subject=subject,
            headline="mIoU",
            scalars=segmentation_scores(found.count_LL),
            protocol=SCENE_PROTOCOL | to_mapping(config) | found.protocol,
            rows=class_rows(found.count_LL, CLASS_NAMES),
        )


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
