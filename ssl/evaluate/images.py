"""Classification of whole images in a folder for each class: by nearest neighbours and by a linear classifier.

The training split answers for the val split.

Shapes: N training images, Q val images, D width, L classes, K neighbours.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Int
from torch import Tensor

from densewalk.datasets.config import require
from densewalk.datasets.readers.image_folder import ClassifiedImages
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.classified_folder import ClassifiedFolder
from densewalk.ssl.evaluate.kind import BenchmarkKind
from densewalk.ssl.evaluate.notebook import FORGETFUL, Notebook
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.probe.image_classes import fit_linear_classes, ranked, votes
from densewalk.ssl.probe.neighbours import Backend, Nearest, Neighbours
from densewalk.ssl.probe.optimum import OptimumConfig
from densewalk.ssl.probe.pooled import middle_square
from densewalk.ssl.report.table import Column
from densewalk.ssl.show.evenly import evenly
from densewalk.ssl.show.still import jpeg_bytes
from densewalk.ssl.show.tiles import Tile, tiles

__all__ = ["KINDS", "ImageKnn", "ImageKnnConfig", "ImageLinear", "ImageLinearConfig"]

_NUM_DRAWN, _NUM_MATCHES = 6, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageKnnConfig:
    """How images are compared; the defaults are DINO's evaluation."""

    data: Path | None = None
    """Folder with train/<class>/<image> and val/<class>/<image>."""
    side: int = 224
    """Rows and columns of the middle square that is shown."""
    neighbours: tuple[int, ...] = (20, 10, 100, 200)
    """Numbers of training images that vote, the first of which makes the headline (DINO: 20 is usually best)."""
    temperature: float = 0.07
    """Divisor of cosines in the vote."""
    backend: Backend = "auto"
    """Who searches; the result is the same."""

    def __post_init__(self) -> None:
        require(
            self.side < 1 and f"side={self.side} must be at least 1 pixel",
            min(self.neighbours, default=0) < 1
            and f"neighbours={self.neighbours} must be one number or more, positive",
            self.temperature <= 0 and f"temperature={self.temperature} must be positive",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageLinearConfig:
    """How images are shown and the classifier is fitted."""

    data: Path | None = None
    """Folder with train/<class>/<image> and val/<class>/<image>."""
    side: int = 224
    """Rows and columns of the middle square that is shown."""
    fit: OptimumConfig = field(default_factory=lambda: OptimumConfig(tolerance=1e-6, iterations=2000))
    """How the classifier is fitted."""

    def __post_init__(self) -> None:
        require(self.side < 1 and f"side={self.side} must be at least 1 pixel")


class ImageKnn(ClassifiedFolder):
    """Scalars: `top1` and `top5` in percent by the first number of neighbours; `top1_k10` and so on by the others.

    A number that exceeds the training images stands for all of them, and the protocol and the scalars say how many.
    """

    def __init__(self, config: ImageKnnConfig) -> None:
        super().__init__("image-knn", config.data)
        counts = dict.fromkeys(min(count, len(self.train)) for count in config.neighbours)
        self.config = replace(config, neighbours=tuple(counts))

    def __call__(self, matcher: Matcher, *, subject: str, notebook: Notebook = FORGETFUL) -> Scores:
        """Let training images vote on every val image; one row a class."""
        train_ND, val_QD = (F.normalize(f, dim=1) for f in self.encoded(matcher, self.config.side, notebook))
        near = Neighbours(train_ND, backend=self.config.backend).nearest(val_QD, max(self.config.neighbours))
        first, *others = (self._ranked(near, count) for count in self.config.neighbours)
        scalars = self.top(first) | {
            f"{key}_k{count}": value
            for count, rank_QL in zip(self.config.neighbours[1:], others, strict=True)
            for key, value in self.top(rank_QL).items()
        }
        self._draw(near, notebook)
        return self.scores(first, scalars, self.config, subject=subject, notebook=notebook)

    def _ranked(self, near: Nearest, count: int) -> Int[Tensor, "q l"]:
        class_N = torch.from_numpy(self.train.class_number_N).to(near.index_QK.device)
        temperature = self.config.temperature
        return ranked(votes(near, class_N, count=count, num_classes=self.num_classes, temperature=temperature))

    def _draw(self, near: Nearest, notebook: Notebook) -> None:
        if not notebook.keeps:
            return
        rows = []
        for number in evenly(len(self.val), _NUM_DRAWN):
            found = near.index_QK[number, :_NUM_MATCHES].tolist()
            rows.append([self._tile(self.val, number), *(self._tile(self.train, index) for index in found)])
        sheet = jpeg_bytes(tiles(rows, tile_height_px=140))
        notebook.picture("Val images and their nearest training images", "retrieval.jpg", sheet)

    def _tile(self, images: ClassifiedImages, number: int) -> Tile:
        item = images[number]
        picture_HWC = middle_square(item.image_HWC, side=self.config.side)
        return Tile(image_HWC=picture_HWC, title=images.classes[item.class_number])


class ImageLinear(ClassifiedFolder):
    """Scalars: `top1` and `top5` in percent."""

    def __init__(self, config: ImageLinearConfig) -> None:
        super().__init__("image-linear", config.data)
        self.config = config

    def __call__(self, matcher: Matcher, *, subject: str, notebook: Notebook = FORGETFUL) -> Scores:
        """Fit the classifier on the training split and score it on the val split; one row a class."""
        train_ND, val_QD = self.encoded(matcher, self.config.side, notebook)
        class_N = torch.from_numpy(self.train.class_number_N).to(train_ND.device)
        classifier = fit_linear_classes(train_ND, class_N, num_classes=self.num_classes, config=self.config.fit)
        rank_QL = ranked(classifier.logits(val_QD))
        return self.scores(rank_QL, self.top(rank_QL), self.config, subject=subject, notebook=notebook)


_COLUMNS = {"top1": Column(title="top-1", better="higher"), "top5": Column(title="top-5", better="higher")}
_FURTHER = {f"top1_k{count}": Column(title=f"top-1, k = {count}", better="higher") for count in (10, 100, 200)}

KINDS: dict[str, BenchmarkKind] = {
    "image-knn": BenchmarkKind(
        config=ImageKnnConfig,
        build=ImageKnn,
        reads=frozenset(("features",)),
        columns=_COLUMNS | _FURTHER,
        text="Image classification without training: each image is the mean of its features and takes the class that "
        "its 20 nearest training images vote for (percent right). It says whether images of one class look alike.",
        presets={"dino": ImageKnnConfig},
        bars=("class", "top1"),
    ),
    "image-linear": BenchmarkKind(
        config=ImageLinearConfig,
        build=ImageLinear,
        reads=frozenset(("features",)),
        columns=_COLUMNS,
        text="Image classification by one linear layer on the mean of each image's frozen features, fitted to its "
        "optimum (percent right).",
        bars=("class", "top1"),
    ),
}
