"""Linear segmentation on published data sets: one linear layer on frozen features says what every pixel shows.

Published settings, as presets; none of them picks the best of several heads on the images it is scored on, as their
released code does:

* `small` (the default): features of the images as they are, computed once; the convex problem solved to its optimum.
* `neco`: Leopart, TimeT and NeCo. ADE20K has 151 classes there, the first ignored and always wrong: 150/151 of ours.
* `dinov3`: DINOv3's ADE20K settings.
* `pico`: PiCo's COCO settings, those of Detectron2's semantic FPN. The size of its crops is lost; 512 is our choice.
  Its networks are dilated to stride 4, which is the subject's business.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from densewalk.datasets.config import require
from densewalk.datasets.readers.segmentation import SEGMENTATION_SETS
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.kind import BenchmarkKind
from densewalk.ssl.evaluate.labelled_split import LabelledSplit
from densewalk.ssl.evaluate.notebook import FORGETFUL, Notebook
from densewalk.ssl.evaluate.probed_segmentation import probe_segmentation
from densewalk.ssl.evaluate.segmentation_scores import SEGMENTATION_COLUMNS, class_rows
from densewalk.ssl.evaluate.settings import settings_of
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.metrics.miou import segmentation_scores
from densewalk.ssl.probe.augmented import ScaledCropConfig
from densewalk.ssl.probe.linear import FitConfig
from densewalk.ssl.probe.optimum import OptimumConfig
from densewalk.ssl.probe.stepwise import StepwiseConfig
from densewalk.ssl.probe.whole_image import WholeImageConfig

__all__ = ["KINDS", "LinearSegmentation", "LinearSegmentationConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearSegmentationConfig:
    """What is segmented, and how."""

    dataset: str = "camvid"
    """Data set, which decides the layout of the files."""
    data: Path | None = None
    """The data set's folder."""
    split: str = "val"
    """Split that is scored; CamVid has a `test` split too."""
    num_train: int = 0
    """Training images, from the first on; 0 means all."""
    num_test: int = 0
    """Images scored, from the first on; 0 means all."""
    fit: FitConfig = field(default_factory=OptimumConfig)
    """How the head is fitted; the preset decides whether to the optimum or in steps."""
    image: WholeImageConfig = field(default_factory=WholeImageConfig)
    """How whole images are shown and scored; to the optimum, training images are shown so too, in one piece."""

    def __post_init__(self) -> None:
        known = SEGMENTATION_SETS.get(self.dataset)
        require(
            known is None and f"dataset={self.dataset!r} is unknown; known: {', '.join(SEGMENTATION_SETS)}",
            known is not None
            and self.split not in known.splits
            and f"split={self.split!r} is no split of {self.dataset}; known: {', '.join(known.splits)}",
            min(self.num_train, self.num_test) < 0 and "num_train and num_test must not be negative (0 means all)",
        )


class LinearSegmentation:
    """Scalars: `mIoU`, `fIoU`, `pixel_accuracy` and `mean_accuracy` in percent.

    Raises `BenchmarkError` without data and `DataError` when it is not all there.
    """

    def __init__(self, config: LinearSegmentationConfig) -> None:
        self.config, self.name = config, f"linear-{config.dataset}"
        split = partial(LabelledSplit, config.dataset, config.data, benchmark=self.name)
        self._train = split("train", count=config.num_train)
        self._test = split(config.split, count=config.num_test)

    def __call__(self, matcher: Matcher, *, subject: str, notebook: Notebook = FORGETFUL) -> Scores:
        """Fit a head on the training split and score it; one row a class."""
        config = self.config
        found = probe_segmentation(
            matcher, self._train, self._test, fit=config.fit, image=config.image, notebook=notebook
        )
        return Scores(
            name=self.name,
            subject=subject,
            headline="mIoU",
            scalars=segmentation_scores(found.count_LL),
            protocol=settings_of(config) | found.protocol,
            rows=class_rows(found.count_LL, self._test.classes),
            provenance={"data": str(config.data)},
        )


_NECO = StepwiseConfig()
_DINOV3 = StepwiseConfig(
    view=ScaledCropConfig(largest_share=0.75, recolour=True, labels_at="corner"),
    loss_side=0,
    count_ignored=True,
    dropout=0.1,
    batch_norm=True,
    initial="normal",
    optimiser="adamw",
    lr=1e-3,
    weight_decay=1e-3,
    batch_size=16,
    length=40_000,
    unit="steps",
    schedule="one-cycle",
    drop_at=(),
    warmup_steps=1500,
)
_PICO = StepwiseConfig(
    view=ScaledCropConfig(shorter=(640, 800), shorter_step=32, longest=1333),
    loss_side=0,
    initial="normal",
    lr=0.02,
    batch_size=16,
    length=90_000,
    unit="steps",
    drop_at=(60_000, 80_000),
    warmup_steps=1000,
)
_SETTINGS: Mapping[str, tuple[FitConfig, WholeImageConfig]] = {
    "small": (OptimumConfig(), WholeImageConfig()),
    "neco": (_NECO, WholeImageConfig(side=448, square=True, score_side=100)),
    "dinov3": (_DINOV3, WholeImageConfig(side=512, window=512, window_stride=341)),
    "pico": (_PICO, WholeImageConfig(side=800, longest=1333)),
}


def _kind(dataset: str) -> BenchmarkKind:
    presets: dict[str, Callable[[], LinearSegmentationConfig]] = {
        name: partial(LinearSegmentationConfig, dataset=dataset, fit=fit, image=image)
        for name, (fit, image) in _SETTINGS.items()
    }
    return BenchmarkKind(
        config=presets["small"],
        build=LinearSegmentation,
        reads=frozenset(("features",)),
        columns=SEGMENTATION_COLUMNS,
        text="Linear segmentation: one linear layer on frozen features says what every pixel shows. mIoU is the mean "
        "overlap over classes, fIoU weighs classes by their pixels, mean accuracy is the mean share of each class that "
        "is found (percent).",
        presets=presets,
        bars=("class", "iou"),
    )


KINDS: dict[str, BenchmarkKind] = {f"linear-{name}": _kind(name) for name in SEGMENTATION_SETS}
