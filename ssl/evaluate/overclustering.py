"""Overclustering: features of a whole split fall into K clusters; how well do clusters coincide with classes?

Images are resized to a square, features standardised, reduced to their principal axes and clustered by k-means; each
cluster is taken for a class, one to one or many to one, and scored by mIoU over a few seeds. Every image is encoded
twice, so that what is held is the reduced maps and nothing else.

`pixels` clusters what features become when they are enlarged to `raster` x `raster` (Leopart's evaluation during
training); `nodes` clusters the nodes themselves and enlarges cluster numbers by nearest neighbour (the script that
Leopart and NeCo release, 100 rounds, labels read at corners). Neither says how points are drawn: see
`ssl/probe/clusters.py`. The released script counts a class that never occurs as 0 and drops the images of a last
incomplete batch; here classes that occur are averaged, over all images.

Shapes: P axes, K clusters, L classes, R = rows and columns of the raster, gh gw grid rows and columns.
"""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from densewalk.datasets.config import require
from densewalk.datasets.readers.labelled import IGNORED
from densewalk.datasets.readers.segmentation import SEGMENTATION_SETS
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.kind import BenchmarkKind
from densewalk.ssl.evaluate.label_pictures import LabelPictures
from densewalk.ssl.evaluate.labelled_split import LabelledSplit
from densewalk.ssl.evaluate.notebook import FORGETFUL, Notebook
from densewalk.ssl.evaluate.settings import settings_of
from densewalk.ssl.evaluate.truth_hash import TruthHash
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.metrics.miou import class_iou, segmentation_scores
from densewalk.ssl.probe.clusters import Clusters, KMeansConfig, draw_sample, k_means
from densewalk.ssl.probe.features import image_features
from densewalk.ssl.probe.label_raster import ReadAt, read_labels
from densewalk.ssl.probe.matching import Matching, as_classes, classes_of_clusters
from densewalk.ssl.probe.neighbours import Backend
from densewalk.ssl.probe.principal_axes import VectorSums
from densewalk.ssl.probe.whole_image import resized
from densewalk.ssl.report.table import Column

__all__ = ["KINDS", "Overclustering", "OverclusteringConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OverclusteringConfig:
    """What is clustered, and how."""

    dataset: str = "voc12"
    """Data set, whose val split is clustered and scored."""
    data: Path | None = None
    """The data set's folder."""
    clusters: int = 0
    """Number of clusters (published: that of the classes, 300, 500); 0 is the number of classes."""
    matching: Matching = "one-to-one"
    """How clusters become classes: by Hungarian matching, the rest class 0, or each the class it holds most of."""
    side: int = 448
    """Rows and columns that every image is resized to."""
    raster: int = 100
    """Rows and columns that are scored."""
    cluster: Literal["pixels", "nodes"] = "pixels"
    """What is clustered: features enlarged to the raster, or the nodes."""
    read_at: ReadAt = "centre"
    """Where labels of the raster are read; `corner`, by way of `side`, as the released script does."""
    axes: int = 50
    """Principal axes that are kept; fewer where features are not as wide."""
    axes_vectors: int = 4_000_000
    """Vectors that the axes are fitted to, from the first on."""
    k_means: KMeansConfig = field(default_factory=KMeansConfig)
    """The clustering."""
    seeds: int = 5
    """Clusterings, with seeds from 0 on, over which scores are averaged."""
    num_images: int = 0
    """Images, from the first on; 0 means all."""
    backend: Backend = "auto"
    """Who searches nearest centres; the result is the same."""

    def __post_init__(self) -> None:
        known = ", ".join(SEGMENTATION_SETS)
        positive = ("side", "raster", "axes", "axes_vectors", "seeds")
        require(
            self.dataset not in SEGMENTATION_SETS and f"dataset={self.dataset!r} is unknown; known: {known}",
            self.clusters < 0 and f"clusters={self.clusters} must not be negative (0 is the number of classes)",
            *(getattr(self, name) < 1 and f"{name}={getattr(self, name)} must be at least 1" for name in positive),
            self.num_images < 0 and f"num_images={self.num_images} must not be negative (0 means all)",
        )


class Overclustering:
    """Scalars: `mIoU`, `fIoU`, `pixel_accuracy` and `mean_accuracy` in percent, means over seeds; `mIoU_sd`.

    Raises `BenchmarkError` without data and `DataError` when it is not all there.
    """

    def __init__(self, config: OverclusteringConfig) -> None:
        self.config, self.name = config, f"cluster-{config.dataset}"
        self._images = LabelledSplit(config.dataset, config.data, "val", count=config.num_images, benchmark=self.name)
        self._num_classes = len(self._images.classes)
        self._num_clusters = config.clusters or self._num_classes

    def __call__(self, matcher: Matcher, *, subject: str, notebook: Notebook = FORGETFUL) -> Scores:
        """Cluster all images with every seed; one row a class, its IoU a mean over seeds."""
        maps, labels, digest = self._reduced(matcher, notebook)
        counts_SLL = []
        for seed in range(self.config.seeds):
            clusters = self._clusters(maps, seed)
            found = [self._cluster_map(map_PHW, clusters) for map_PHW in maps]
            count_LK = sum(map(self._count, found, labels), np.zeros((), dtype=np.int64))
            class_K = classes_of_clusters(count_LK, self.config.matching)
            counts_SLL.append(as_classes(count_LK, class_K))
            if not seed:
                self._draw([class_K[cluster_RR] for cluster_RR in found], labels, counts_SLL[0], notebook)
            notebook.progress(2 * len(maps) + seed + 1, 2 * len(maps) + self.config.seeds, f"seed {seed}")
        scores = [segmentation_scores(count_LL) for count_LL in counts_SLL]
        return Scores(
            name=self.name,
            subject=subject,
            headline="mIoU",
            scalars={key: float(np.mean([score[key] for score in scores])) for key in scores[0]}
            | {"mIoU_sd": float(np.std([score["mIoU"] for score in scores]))},
            protocol=self._protocol() | {"truth_sha256": digest},
            rows=self._rows(counts_SLL),
            provenance={"data": str(self.config.data), "backend": self.config.backend},
        )

    def _reduced(self, matcher: Matcher, notebook: Notebook) -> tuple[list[Tensor], list[np.ndarray], str]:
        """Return every image's reduced map and its labels at the raster, and the hash of the labels."""
        truth, sums = TruthHash(), VectorSums(axes_vectors=self.config.axes_vectors)
        total, labels = 2 * len(self._images) + self.config.seeds, []
        for number, item in enumerate(self._images):
            truth.add(item.name, item.label_HW)
            labels.append(self._labels(item.label_HW))
            feature_DHW = image_features(matcher, resized(item.image_HWC, self._size_hw))
            sums.add(self._enlarged(feature_DHW).flatten(1).T)
            notebook.progress(number + 1, total, item.name)
        axes, maps = sums.axes(self.config.axes), []
        for number, item in enumerate(self._images):
            maps.append(axes.reduce(image_features(matcher, resized(item.image_HWC, self._size_hw))))
            notebook.progress(len(labels) + number + 1, total, item.name)
        return maps, labels, truth.digits

    @property
    def _size_hw(self) -> tuple[int, int]:
        return self.config.side, self.config.side

    def _labels(self, label_HW: UInt8[np.ndarray, "h w"]) -> UInt8[np.ndarray, "r r"]:
        raster_hw = (self.config.raster, self.config.raster)
        if self.config.read_at == "corner":
            label_HW = read_labels(label_HW, self._size_hw, at="corner")
        return read_labels(label_HW, raster_hw, at=self.config.read_at)

    def _enlarged(self, map_DHW: Float[Tensor, "d gh gw"]) -> Float[Tensor, "d ph pw"]:
        """Return what is clustered of a map."""
        if self.config.cluster == "nodes":
            return map_DHW
        raster_hw = (self.config.raster, self.config.raster)
        return F.interpolate(map_DHW[None], raster_hw, mode="bilinear", align_corners=False)[0]

    def _clusters(self, maps: list[Tensor], seed: int) -> Clusters:
        config = self.config
        each = self._enlarged(maps[0]).shape[1:].numel()
        drawn_N = draw_sample(each * len(maps), self._num_clusters, config.k_means, seed=seed)
        image_N, place_N = drawn_N.div(each, rounding_mode="floor"), (drawn_N % each).to(maps[0].device)
        point_ND = torch.cat(
            [self._enlarged(map_PHW).flatten(1).T[place_N[image_N == number]] for number, map_PHW in enumerate(maps)]
        )
        return k_means(point_ND, self._num_clusters, config.k_means, seed=seed, backend=config.backend)

    def _cluster_map(self, map_PHW: Float[Tensor, "p gh gw"], clusters: Clusters) -> Int[np.ndarray, "r r"]:
        enlarged_PHW = self._enlarged(map_PHW)
        cluster_HW = clusters.assign(enlarged_PHW.flatten(1).T).unflatten(0, enlarged_PHW.shape[1:])
        raster_hw = (self.config.raster, self.config.raster)
        return F.interpolate(cluster_HW[None, None].double(), raster_hw, mode="nearest")[0, 0].long().cpu().numpy()

    def _count(self, cluster_RR: Int[np.ndarray, "r r"], label_RR: UInt8[np.ndarray, "r r"]) -> Int[np.ndarray, "l k"]:
        """Return pixel counts by (true class, cluster); ignored pixels are left out."""
        kept = label_RR != IGNORED
        pair = label_RR[kept].astype(np.int64) * self._num_clusters + cluster_RR[kept]
        count = np.bincount(pair, minlength=self._num_classes * self._num_clusters)
        return count.reshape(self._num_classes, self._num_clusters)

    def _draw(
        self, predicted: list[np.ndarray], labels: list[np.ndarray], count_LL: np.ndarray, notebook: Notebook
    ) -> None:
        pictures = LabelPictures(notebook, list(self._images.classes), len(labels))
        for number in filter(pictures.shows, range(len(labels))):
            pictures.add(self._images[number], predicted[number].astype(np.uint8), labels[number])
        pictures.keep(count_LL)

    def _protocol(self) -> dict[str, Any]:
        return settings_of(self.config) | {
            "num_images": len(self._images),
            "classes": self._num_classes,
            "clusters": self._num_clusters,
            "resolution": f"squares of {self.config.side} px, scored at {self.config.raster} x {self.config.raster}",
            "resize": "PIL bilinear, 8 bit",
            "first_centres": "points drawn without replacement",
        }

    def _rows(self, counts_SLL: list[np.ndarray]) -> list[dict[str, Any]]:
        iou = [class_iou(count_LL) for count_LL in counts_SLL]
        occurring = sorted(set().union(*iou))
        return [
            {"class": self._images.classes[i], "iou": float(np.mean([of_seed.get(i, 0.0) for of_seed in iou]))}
            for i in occurring
        ]


_COLUMNS = {
    "mIoU": Column(title="mIoU", better="higher"),
    "mIoU_sd": Column(title="sd over seeds"),
    "fIoU": Column(title="fIoU", better="higher"),
    "pixel_accuracy": Column(title="pixel accuracy", better="higher"),
}


def _released(dataset: str, clusters: int) -> OverclusteringConfig:
    """Return the settings of Leopart's and NeCo's released script."""
    return OverclusteringConfig(
        dataset=dataset,
        clusters=clusters,
        matching="one-to-one" if clusters == len(SEGMENTATION_SETS[dataset].classes) else "many-to-one",
        cluster="nodes",
        read_at="corner",
        k_means=KMeansConfig(iterations=100),
    )


def _kind(dataset: str) -> BenchmarkKind:
    of_interest = (len(SEGMENTATION_SETS[dataset].classes), 300, 500)
    many = partial(OverclusteringConfig, dataset=dataset, matching="many-to-one")
    return BenchmarkKind(
        config=partial(OverclusteringConfig, dataset=dataset),
        build=Overclustering,
        reads=frozenset(("features",)),
        columns=_COLUMNS,
        text="Overclustering: all features of a split fall into clusters without a look at any label, clusters are "
        "taken for classes, and mIoU is the mean overlap over classes (percent), over five seeds. Scores rise with the "
        "number of clusters.",
        presets={f"neco-k{count}": partial(_released, dataset, count) for count in of_interest}
        | {f"k{count}": partial(many, clusters=count) for count in of_interest[1:]},
        bars=("class", "iou"),
    )


KINDS: dict[str, BenchmarkKind] = {f"cluster-{name}": _kind(name) for name in SEGMENTATION_SETS}
