"""Linear segmentation: the cached convex fit against epochs of SGD that compute the features again and again.

A random ResNet-18 of stride 8 on generated scenes of 192 x 192 pixels. SGD has NeCo's settings with batches of 8, on
whole images mirrored at random; both fits are scored on the same images.
"""

import time
from collections.abc import Iterator

import torch

from densewalk.datasets.readers.labelled import LabelledImage
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.ssl.encoders.resnet import ResNet, ResNetConfig
from densewalk.ssl.evaluate.notebook import FORGETFUL
from densewalk.ssl.evaluate.probed_segmentation import probe_segmentation
from densewalk.ssl.evaluate.scenes_segmentation import SceneImages
from densewalk.ssl.matchers.cosine import CosineMatcher
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.metrics.miou import segmentation_scores
from densewalk.ssl.probe.augmented import ResizedCropConfig
from densewalk.ssl.probe.features import image_features
from densewalk.ssl.probe.linear import FitConfig
from densewalk.ssl.probe.optimum import OptimumConfig
from densewalk.ssl.probe.stepwise import StepwiseConfig
from densewalk.ssl.probe.whole_image import WholeImageConfig
from tests.benchmarks._measuring import Row

DEVICES = ("cpu", "cuda")

_SCENE = SceneConfig(height=192, width=192, num_frames=1)
_TRAIN, _TEST = 24, 12
_SGD = StepwiseConfig(view=ResizedCropConfig(crop=192, area=(1.0, 1.0)), batch_size=8)


def run(device: str) -> Iterator[Row]:
    """Yield seconds and mIoU of both fits, and how many times longer SGD takes."""
    train, test = _Painted(_TRAIN), _Painted(_TEST, first=_TRAIN)
    torch.manual_seed(0)
    matcher = CosineMatcher(ResNet(ResNetConfig(stages=3))).to(device).eval()
    image_features(matcher, train[0].image_HWC)  # loads kernels
    seconds = {}
    for name, fit in (("optimum", OptimumConfig()), (f"SGD, {_SGD.length} epochs", _SGD)):
        seconds[name], score = _measured(matcher, train, test, fit)
        yield f"{name}, end to end", seconds[name], "s"
        yield f"{name}, mIoU", score, "%"
    first, last = seconds.values()
    yield "SGD over optimum", last / first, "x"


class _Painted(list[LabelledImage]):
    """Scenes painted once, so that their painting is not part of what is measured."""

    classes = SceneImages.classes

    def __init__(self, count: int, *, first: int = 0) -> None:
        images = SceneImages(_SCENE, count=count, first=first)
        super().__init__(images[number] for number in range(count))


def _measured(matcher: Matcher, train: _Painted, test: _Painted, fit: FitConfig) -> tuple[float, float]:
    began = time.perf_counter()
    found = probe_segmentation(matcher, train, test, fit=fit, image=WholeImageConfig(), notebook=FORGETFUL)
    return time.perf_counter() - began, segmentation_scores(found.count_LL)["mIoU"]
