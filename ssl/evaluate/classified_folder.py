"""A folder of classified images, encoded and scored: what nearest neighbours and a linear classifier have in common.

Every image becomes the mean over its map (`ssl/probe/pooled.py`).

Shapes: N training images, Q val images, D width, L classes.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from densewalk.datasets.readers.image_folder import open_image_folder
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.label_pictures import keep_confusion
from densewalk.ssl.evaluate.notebook import Notebook
from densewalk.ssl.evaluate.settings import data_for, settings_of
from densewalk.ssl.evaluate.truth_hash import TruthHash
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.probe.pooled import pooled_features

__all__ = ["ClassifiedFolder"]

_MOST_CLASSES_DRAWN = 150


class ClassifiedFolder:
    """The two splits of a folder, encoded and scored.

    Raises `BenchmarkError` without data and `DataError` when it is not all there.
    """

    def __init__(self, name: str, data: Path | None) -> None:
        self.name = name
        folder = data_for(name, data, "a folder with train/<class>/<image> and val/<class>/<image>")
        self.train, self.val = open_image_folder(folder, "train"), open_image_folder(folder, "val")
        self.num_classes = len(self.train.classes)
        self._true_Q = torch.from_numpy(self.val.class_number_N)

    def encoded(self, matcher: Matcher, side: int, notebook: Notebook) -> tuple[Tensor, Tensor]:
        """Return pooled features of both splits."""
        total, done, encoded = len(self.train) + len(self.val), 0, []
        for images in (self.train, self.val):
            feature_ND = []
            for number in range(len(images)):
                item = images[number]
                feature_ND.append(pooled_features(matcher, item.image_HWC, side=side))
                done += 1
                notebook.progress(done, total, item.name)
            encoded.append(torch.stack(feature_ND))
        return encoded[0], encoded[1]

    def top(self, rank_QL: Int[Tensor, "q l"]) -> dict[str, float]:
        """Return the share of images whose class is the first, and among the first five, in percent."""
        hit_QL = rank_QL.cpu() == self._true_Q[:, None]
        return {f"top{n}": 100 * float(hit_QL[:, :n].any(1).double().mean()) for n in (1, 5)}

    def scores(
        self,
        rank_QL: Int[Tensor, "q l"],
        scalars: Mapping[str, float],
        config: Any,
        *,
        subject: str,
        notebook: Notebook,
    ) -> Scores:
        """Return `scalars` with a row a class, by the first class of every val image's ranking; `config` is the
        benchmark's.
        """
        count_LL = self._confusion(rank_QL)
        if self.num_classes <= _MOST_CLASSES_DRAWN:
            keep_confusion(notebook, count_LL, self.val.classes)
        return Scores(
            name=self.name,
            subject=subject,
            headline="top1",
            scalars=scalars,
            protocol=settings_of(config)
            | {"classes": self.num_classes, "num_train": len(self.train), "num_val": len(self.val)}
            | {"features": "mean over the map", "truth_sha256": self._truth().digits},
            rows=self._rows(count_LL),
            provenance={"data": str(config.data)},
        )

    def _truth(self) -> TruthHash:
        truth_hash = TruthHash()
        for split, images in (("train", self.train), ("val", self.val)):
            truth_hash.add(f"{split} {list(images.names)}", images.class_number_N)
        return truth_hash

    def _confusion(self, rank_QL: Int[Tensor, "q l"]) -> Int[np.ndarray, "l l"]:
        pair_Q = self._true_Q * self.num_classes + rank_QL[:, 0].cpu()
        return pair_Q.bincount(minlength=self.num_classes**2).unflatten(0, (self.num_classes, -1)).numpy()

    def _rows(self, count_LL: Int[np.ndarray, "l l"]) -> list[dict[str, Any]]:
        total_L = count_LL.sum(1)
        return [
            {"class": name, "top1": 100 * float(count_LL[i, i] / total_L[i]), "images": int(total_L[i])}
            for i, name in enumerate(self.val.classes)
        ]
