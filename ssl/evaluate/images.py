"""Classification of whole images in a folder for each class: by nearest neighbours and by a linear classifier.

Every image becomes the mean over its map (`ssl/probe/pooled.py`). The training split answers for the val split.

Shapes: N training images, Q val images, D width, L classes, K neighbours.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Int
from torch import Tensor

from densewalk.datasets.config import require, to_mapping
from densewalk.datasets.errors import BenchmarkError
from densewalk.datasets.readers.image_folder import ClassifiedImages, open_image_folder
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.kind import BenchmarkKind
from densewalk.ssl.evaluate.notebook import FORGETFUL, Notebook
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.probe.image_classes import LinearClassesConfig, fit_linear_classes, ranked, votes
from densewalk.ssl.probe.neighbours import Backend, Nearest, Neighbours
from densewalk.ssl.probe.pooled import middle_square, pooled_features
from densewalk.ssl.report.table import Column
from densewalk.ssl.show.confusion import confusion_chart
from densewalk.ssl.show.still import jpeg_bytes
from densewalk.ssl.show.tiles import Tile, tiles

__all__ = ["KINDS", "ImageKnn", "ImageKnnConfig", "ImageLinear", "ImageLinearConfig"]

_NUM_DRAWN, _NUM_MATCHES, _MOST_CLASSES_DRAWN = 6, 5, 150


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
    fit: LinearClassesConfig = field(default_factory=LinearClassesConfig)
    """How the classifier is fitted."""

    def __post_init__(self) -> None:
        require(self.side < 1 and f"side={self.side} must be at least 1 pixel")


class _FolderBenchmark:
    """The two splits of a folder, encoded and scored.

    Raises `BenchmarkError` without data and `DataError` when it is not all there.
    """

    def __init__(self, name: str, data: Path | None) -> None:
        self.name = name
        if data is None:
            raise BenchmarkError(
                f"{name} needs --data PATH: a folder with train/<class>/<image> and val/<class>/<image>"
            )
        self._data, self._train, self._val = data, open_image_folder(data, "train"), open_image_folder(data, "val")
        self._num_classes = len(self._train.classes)
        self._true_Q = torch.from_numpy(self._val.class_number_N)

    def _encoded(self, matcher: Matcher, side: int, notebook: Notebook) -> tuple[Tensor, Tensor]:
        """Return pooled features of both splits."""
        total, done, encoded = len(self._train) + len(self._val), 0, []
        for images in (self._train, self._val):
            feature_ND = []
            for number in range(len(images)):
                item = images[number]
                feature_ND.append(pooled_features(matcher, item.image_HWC, side=side))
                done += 1
                notebook.progress(done, total, item.name)
            encoded.append(torch.stack(feature_ND))
        return encoded[0], encoded[1]

    def _top(self, rank_QL: Int[Tensor, "q l"]) -> dict[str, float]:
        """Return the share of images whose class is the first, and among the first five, in percent."""
        hit_QL = rank_QL.cpu() == self._true_Q[:, None]
        return {f"top{n}": 100 * float(hit_QL[:, :n].any(1).double().mean()) for n in (1, 5)}

    def _scores(
        self,
        rank_QL: Int[Tensor, "q l"],
        further: Mapping[str, float],
        *,
        subject: str,
        notebook: Notebook,
        protocol: Mapping[str, Any],
    ) -> Scores:
        count_LL = self._confusion(rank_QL)
        self._keep_confusion(count_LL, notebook)
        return Scores(
            name=self.name,
            subject=subject,
            headline="top1",
            scalars=self._top(rank_QL) | dict(further),
            protocol={key: value for key, value in protocol.items() if key not in ("data", "backend")}
            | {"classes": self._num_classes, "num_train": len(self._train), "num_val": len(self._val)}
            | {"features": "mean over the map", "truth_sha256": self._digest()},
            rows=self._rows(count_LL),
            provenance={"data": str(self._data)},
        )

    def _confusion(self, rank_QL: Int[Tensor, "q l"]) -> Int[np.ndarray, "l l"]:
        pair_Q = self._true_Q * self._num_classes + rank_QL[:, 0].cpu()
        return pair_Q.bincount(minlength=self._num_classes**2).unflatten(0, (self._num_classes, -1)).numpy()

    def _rows(self, count_LL: Int[np.ndarray, "l l"]) -> list[dict[str, Any]]:
        total_L = count_LL.sum(1)
        return [
            {"class": name, "top1": 100 * float(count_LL[i, i] / total_L[i]), "images": int(total_L[i])}
            for i, name in enumerate(self._val.classes)
        ]

    def _keep_confusion(self, count_LL: Int[np.ndarray, "l l"], notebook: Notebook) -> None:
        if notebook.keeps and self._num_classes <= _MOST_CLASSES_DRAWN:
            chart = confusion_chart(count_LL, self._val.classes).encode()
            notebook.picture("What each true class was taken for", "confusion.svg", chart)

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for images in (self._train, self._val):
            for name, number in zip(images.names, images.class_number_N.tolist(), strict=True):
                digest.update(f"{name} {number}\n".encode())
        return digest.hexdigest()[:16]


class ImageKnn(_FolderBenchmark):
    """Scalars: `top1` and `top5` in percent by the first number of neighbours; `top1_k10` and so on by the others."""

    def __init__(self, config: ImageKnnConfig) -> None:
        super().__init__("image-knn", config.data)
        self.config = config

    def __call__(self, matcher: Matcher, *, subject: str, notebook: Notebook = FORGETFUL) -> Scores:
        """Let training images vote on every val image; one row a class."""
        train_ND, val_QD = (F.normalize(f, dim=1) for f in self._encoded(matcher, self.config.side, notebook))
        most = min(max(self.config.neighbours), len(train_ND))
        near = Neighbours(train_ND, backend=self.config.backend).nearest(val_QD, most)
        first, *others = (self._ranked(near, count) for count in self.config.neighbours)
        further = {
            f"{key}_k{count}": value
            for count, rank_QL in zip(self.config.neighbours[1:], others, strict=True)
            for key, value in self._top(rank_QL).items()
        }
        self._draw(near, notebook)
        return self._scores(first, further, subject=subject, notebook=notebook, protocol=to_mapping(self.config))

    def _ranked(self, near: Nearest, count: int) -> Int[Tensor, "q l"]:
        class_N = torch.from_numpy(self._train.class_number_N).to(near.index_QK.device)
        temperature = self.config.temperature
        return ranked(votes(near, class_N, count=count, num_classes=self._num_classes, temperature=temperature))

    def _draw(self, near: Nearest, notebook: Notebook) -> None:
        if not notebook.keeps:
            return
        chosen = np.linspace(0, len(self._val) - 1, min(_NUM_DRAWN, len(self._val))).round().astype(int)
        rows = []
        for number in chosen.tolist():
            found = near.index_QK[number, :_NUM_MATCHES].tolist()
            rows.append([self._tile(self._val, number), *(self._tile(self._train, index) for index in found)])
        sheet = jpeg_bytes(tiles(rows, tile_height_px=140))
        notebook.picture("Val images and their nearest training images", "retrieval.jpg", sheet)

    def _tile(self, images: ClassifiedImages, number: int) -> Tile:
        item = images[number]
        picture_HWC = middle_square(item.image_HWC, side=self.config.side)
        return Tile(image_HWC=picture_HWC, title=images.classes[item.class_number])


class ImageLinear(_FolderBenchmark):
    """Scalars: `top1` and `top5` in percent."""

    def __init__(self, config: ImageLinearConfig) -> None:
        super().__init__("image-linear", config.data)
        self.config = config

    def __call__(self, matcher: Matcher, *, subject: str, notebook: Notebook = FORGETFUL) -> Scores:
        """Fit the classifier on the training split and score it on the val split; one row a class."""
        train_ND, val_QD = self._encoded(matcher, self.config.side, notebook)
        class_N = torch.from_numpy(self._train.class_number_N).to(train_ND.device)
        classifier = fit_linear_classes(train_ND, class_N, num_classes=self._num_classes, config=self.config.fit)
        rank_QL = ranked(classifier.logits(val_QD))
        return self._scores(rank_QL, {}, subject=subject, notebook=notebook, protocol=to_mapping(self.config))


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
