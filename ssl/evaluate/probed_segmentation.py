"""Linear segmentation of any labelled images: a head is fitted on some, scored on others, and shown at work.

To the optimum, frozen features of the whole training images are computed once and kept; in steps, random views of them
are encoded anew. Either way whole test images are read as `WholeImageConfig` says.

Shapes: L classes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int

from densewalk.datasets.config import to_mapping
from densewalk.datasets.readers.labelled import LabelledImage, LabelledImages
from densewalk.ssl.evaluate.label_pictures import LabelPictures
from densewalk.ssl.evaluate.notebook import Notebook
from densewalk.ssl.evaluate.truth_hash import TruthHash
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.metrics.miou import confusion
from densewalk.ssl.probe.features import image_features
from densewalk.ssl.probe.linear import FitConfig, LinearHead
from densewalk.ssl.probe.node_store import NodeStore
from densewalk.ssl.probe.optimum import OptimumConfig, fit_to_optimum
from densewalk.ssl.probe.stepwise import StepwiseConfig, fit_in_steps, num_steps
from densewalk.ssl.probe.whole_image import WholeImageConfig, predict_labels, scored_labels, show
from densewalk.ssl.show.principal import fit_principal
from densewalk.ssl.show.still import jpeg_bytes
from densewalk.ssl.show.tiles import Tile, tiles
from densewalk.ssl.track.frames import module_device

__all__ = ["ProbedSegmentation", "probe_segmentation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbedSegmentation:
    """What came out."""

    count_LL: Int[np.ndarray, "l l"]
    """Pixels by true and predicted class."""
    protocol: dict[str, Any]
    """Everything that moves the numbers."""


def probe_segmentation(
    matcher: Matcher,
    train: LabelledImages,
    test: LabelledImages,
    *,
    fit: FitConfig,
    image: WholeImageConfig,
    notebook: Notebook,
) -> ProbedSegmentation:
    """Fit a head on `train` and count on `test`; pictures and the confusion matrix go into the notebook.

    Raises `BenchmarkError` on a label that is no class, without a labelled pixel, or when the fit fails.
    """
    seen, scored = _Witness(train), _Witness(test)
    head = _fit(matcher, seen, fit, image, notebook, num_test=len(test))
    classes, count_LL = list(test.classes), np.zeros((len(test.classes),) * 2, np.int64)
    pictures = LabelPictures(notebook, classes, len(test))
    painted = []
    before = _num_fitting(train, fit)
    for number in range(len(test)):
        item = scored[number]
        predicted_HW = predict_labels(matcher, head, item.image_HWC, _size(item), image)
        truth_HW = scored_labels(item.label_HW, image)
        count_LL += confusion(predicted_HW, truth_HW, num_classes=len(classes))
        if pictures.shows(number):
            pictures.add(item, predicted_HW, truth_HW)
            painted.append(item)
        notebook.progress(before + number + 1, before + len(test), item.name)
    pictures.keep(count_LL)
    if painted:
        notebook.picture(
            "Main directions of the features as colours", "features.jpg", _painted(matcher, painted, image)
        )
    return ProbedSegmentation(count_LL=count_LL, protocol=_protocol(seen, scored, fit, image))


def _fit(
    matcher: Matcher,
    train: LabelledImages,
    fit: FitConfig,
    image: WholeImageConfig,
    notebook: Notebook,
    *,
    num_test: int,
) -> LinearHead:
    total = _num_fitting(train, fit) + num_test
    if isinstance(fit, StepwiseConfig):
        what = "training step of the probe"
        return fit_in_steps(matcher, train, fit, on_step=lambda done, _: notebook.progress(done, total, what))
    assert isinstance(fit, OptimumConfig), "there are two ways to fit a head"
    with NodeStore(num_classes=len(train.classes)) as store:
        for number in range(len(train)):
            item = train[number]
            store.add(image_features(matcher, show(item.image_HWC, image)), item.label_HW)
            notebook.progress(number + 1, total, item.name)
        return fit_to_optimum(store, fit, device=module_device(matcher))


def _num_fitting(train: LabelledImages, fit: FitConfig) -> int:
    """Return how many steps of progress come before the first test image."""
    return num_steps(fit, len(train)) if isinstance(fit, StepwiseConfig) else len(train)


def _protocol(train: "_Witness", test: "_Witness", fit: FitConfig, image: WholeImageConfig) -> dict[str, Any]:
    return {
        "fit": to_mapping(fit),
        "image": to_mapping(image),
        "num_train": len(train),
        "num_test": len(test),
        "classes": len(test.classes),
        "features": "encode",
        "resize": "PIL bilinear, 8 bit",
        "head": "of the last step" if isinstance(fit, StepwiseConfig) else "of the optimum",
        "mean_over": "classes that occur",
        "train_sha256": train.truth.digits,
        "truth_sha256": test.truth.digits,
    }


def _painted(matcher: Matcher, items: list[LabelledImage], image: WholeImageConfig) -> bytes:
    """Return images beside their features' first three principal components, fitted on all of them together."""
    maps = [image_features(matcher, show(item.image_HWC, image)).float() for item in items]
    painter = fit_principal(maps)
    return jpeg_bytes(
        tiles(
            [
                [
                    Tile(image_HWC=item.image_HWC, title=item.name),
                    Tile(image_HWC=painter.paint(feature_DHW, _size(item)), title="features"),
                ]
                for item, feature_DHW in zip(items, maps, strict=True)
            ]
        )
    )


def _size(item: LabelledImage) -> tuple[int, int]:
    return item.label_HW.shape[0], item.label_HW.shape[1]


class _Witness:
    """Images that keep a hash of the names and labels of those that were read."""

    def __init__(self, images: LabelledImages) -> None:
        self.classes = images.classes
        self.truth = TruthHash()
        self._images = images

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, number: int, /) -> LabelledImage:
        item = self._images[number]
        self.truth.add(item.name, item.label_HW)
        return item
