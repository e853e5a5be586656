"""In-context segmentation (Hummingbird): the nearest labelled patches of training images say what each patch shows.

Training images, cropped and recoloured at random as open-hummingbird-eval does it, fill a bounded memory
(`ssl/probe/patch_memory.py`); the soft labels read for every patch of a test image are enlarged bilinearly and the
largest wins. Images are resized to a square, and scored at that size. Colours are standardised by the subject itself,
so the released code's blue deviation of .255 is a matter of which subject is measured.

`released` scores as open-hummingbird-eval does, with four faults: pixels without a class teach class 0 (on ADE20K a
class of their own), labels are read half a pixel off when they are resized, predicted classes are matched to true ones
anew by the Hungarian method as if they were clusters, and a class that never occurs counts as 0. `corrected` leaves
unlabelled pixels out of the memory, reads labels at pixel centres, takes predictions as they are and averages over the
classes that occur. The published numbers of that code (VOC) come from ScaNN, an approximate search, and two rounds of
crops.

Shapes: H W rows and columns, L classes, N patches; 2 = (x, y) in pixels of the image.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from densewalk.datasets.config import require
from densewalk.datasets.readers.labelled import IGNORED, LabelledImage
from densewalk.datasets.readers.segmentation import SEGMENTATION_SETS
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.kind import BenchmarkKind
from densewalk.ssl.evaluate.label_pictures import LabelPictures
from densewalk.ssl.evaluate.labelled_split import LabelledSplit
from densewalk.ssl.evaluate.notebook import FORGETFUL, Notebook
from densewalk.ssl.evaluate.retrieval_pictures import FRAME_PX, retrieved
from densewalk.ssl.evaluate.segmentation_scores import SEGMENTATION_COLUMNS, class_rows
from densewalk.ssl.evaluate.settings import settings_of
from densewalk.ssl.evaluate.truth_hash import TruthHash
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.metrics.miou import class_iou, confusion, segmentation_scores
from densewalk.ssl.probe.cells import count_labels
from densewalk.ssl.probe.classify import upsampled_argmax
from densewalk.ssl.probe.features import image_features
from densewalk.ssl.probe.label_raster import ReadAt, read_labels
from densewalk.ssl.probe.matching import as_classes, classes_of_clusters
from densewalk.ssl.probe.memory_views import MemoryView, random_view, whole_view
from densewalk.ssl.probe.neighbours import Backend
from densewalk.ssl.probe.patch_memory import PatchMemory, PatchMemoryBuilder
from densewalk.ssl.probe.whole_image import resized
from densewalk.ssl.show.retrieval import RetrievalRow, retrieval_sheet
from densewalk.ssl.show.still import jpeg_bytes

__all__ = ["KINDS", "Hummingbird", "HummingbirdConfig"]

_OWN_CLASS = frozenset({"ade20k"})
"""Sets whose unlabelled pixels are a class to the released code, 0 of 151."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HummingbirdConfig:
    """What is segmented, and how."""

    dataset: str = "voc12"
    """Data set; its training split fills the memory, its val split is scored."""
    data: Path | None = None
    """The data set's folder."""
    memory_size: int = 1024 * 10**2
    """Most patches of the memory, as many of each training image (published: 1024 x 10^2, 10^3, 10^4); 0 keeps all."""
    neighbours: int = 30
    """Patches that vote."""
    temperature: float = 0.02
    """Divisor of cosines in the vote."""
    side: int = 512
    """Rows and columns that every image is resized to (published: 512, and 504 for patches of 14)."""
    epochs: int = 1
    """Rounds over the training images, each with other crops (published table: 2)."""
    augment: bool = True
    """Crop and recolour training images at random; False shows them whole."""
    rules: Literal["corrected", "released"] = "corrected"
    """Scoring: with the released code's faults or without them."""
    num_train: int = 0
    """Training images, from the first on; 0 means all."""
    num_test: int = 0
    """Images scored, from the first on; 0 means all."""
    seed: int = 0
    """Seed of crops, colours and of which patches stay."""
    backend: Backend = "auto"
    """Who searches; the result is the same."""

    def __post_init__(self) -> None:
        known = ", ".join(SEGMENTATION_SETS)
        require(
            self.dataset not in SEGMENTATION_SETS and f"dataset={self.dataset!r} is unknown; known: {known}",
            self.memory_size < 0 and f"memory_size={self.memory_size} must not be negative (0 keeps every patch)",
            self.neighbours < 1 and f"neighbours={self.neighbours} must be at least 1",
            self.temperature <= 0 and f"temperature={self.temperature} must be positive",
            self.side < 1 and f"side={self.side} must be at least 1 pixel",
            self.epochs < 1 and f"epochs={self.epochs} must be at least 1",
            min(self.num_train, self.num_test) < 0 and "num_train and num_test must not be negative (0 means all)",
        )


class Hummingbird:
    """Scalars: `mIoU`, `fIoU`, `pixel_accuracy` and `mean_accuracy` in percent.

    Raises `BenchmarkError` without data and `DataError` when it is not all there.
    """

    def __init__(self, config: HummingbirdConfig) -> None:
        self.config, self.name = config, f"hummingbird-{config.dataset}"
        split = partial(LabelledSplit, config.dataset, config.data, benchmark=self.name)
        self._train, self._test = split("train", count=config.num_train), split("val", count=config.num_test)
        self._own_class = config.rules == "released" and config.dataset in _OWN_CLASS
        self._num_labels = len(self._train.classes) + self._own_class
        self._read_at: ReadAt = "corner" if config.rules == "released" else "centre"

    def __call__(self, matcher: Matcher, *, subject: str, notebook: Notebook = FORGETFUL) -> Scores:
        """Fill the memory and read it for every test image; one row a class."""
        config, truth = self.config, TruthHash()
        memory = self._memory(matcher, truth, notebook)
        pictures = LabelPictures(notebook, self._class_names, len(self._test))
        count_LL = np.zeros((self._num_labels, self._num_labels), dtype=np.int64)
        found: list[RetrievalRow] = []
        for number, item in enumerate(self._test):
            truth.add(item.name, item.label_HW)
            feature_DHW = image_features(matcher, resized(item.image_HWC, self._size_hw))
            share_LHW = memory.read(feature_DHW, count=config.neighbours, temperature=config.temperature)
            predicted_HW = upsampled_argmax(share_LHW, self._size_hw).cpu().numpy()
            label_HW = read_labels(item.label_HW, self._size_hw, at=self._read_at)
            count_LL += confusion(predicted_HW, label_HW, num_classes=self._num_labels)
            if pictures.shows(number):
                pictures.add(item, predicted_HW, label_HW)
                found.append(retrieved(item, feature_DHW, memory, self._train, row=len(found)))
            self._tell(notebook, config.epochs * len(self._train) + number + 1, item)
        if config.rules == "released":
            count_LL = as_classes(count_LL, classes_of_clusters(count_LL, "one-to-one"))
        pictures.keep(count_LL)
        if found:
            sheet = jpeg_bytes(retrieval_sheet(found, patch_px=FRAME_PX))
            notebook.picture("Patches and their nearest training patches", "retrieval.jpg", sheet)
        return Scores(
            name=self.name,
            subject=subject,
            headline="mIoU",
            scalars=self._scalars(count_LL),
            protocol=self._protocol() | {"truth_sha256": truth.digits},
            rows=class_rows(count_LL, self._class_names),
            provenance={"data": str(config.data), "backend": config.backend, "memory_patches": len(memory)},
        )

    @property
    def _size_hw(self) -> tuple[int, int]:
        return self.config.side, self.config.side

    def _memory(self, matcher: Matcher, truth: TruthHash, notebook: Notebook) -> PatchMemory:
        config = self.config
        shown = config.epochs * len(self._train)
        per_image = max(1, config.memory_size // shown) if config.memory_size else 0
        builder = PatchMemoryBuilder(per_image=per_image, seed=config.seed)
        rng = np.random.default_rng(config.seed)
        for epoch in range(config.epochs):
            for number, item in enumerate(self._train):
                if not epoch:
                    truth.add(item.name, item.label_HW)
                view = self._view(item, rng)
                feature_DHW = image_features(matcher, view.image_SSC)
                grid_hw = (feature_DHW.shape[1], feature_DHW.shape[2])
                count_NL = self._counts(view, grid_hw)
                builder.add(feature_DHW, count_NL, source=number, place_N2=view.places(grid_hw))
                self._tell(notebook, epoch * len(self._train) + number + 1, item)
        return builder.build(config.backend)

    def _view(self, item: LabelledImage, rng: np.random.Generator) -> MemoryView:
        if self.config.augment:
            return random_view(item, self.config.side, rng, at=self._read_at)
        return whole_view(item, self.config.side, at=self._read_at)

    def _counts(self, view: MemoryView, grid_hw: tuple[int, int]) -> Int[Tensor, "n l"]:
        label_SS = view.label_SS
        if self.config.rules == "released":
            label_SS = label_SS.copy()
            label_SS[label_SS == IGNORED] = self._num_labels - 1 if self._own_class else 0
        return torch.from_numpy(count_labels(label_SS, grid_hw, num_classes=self._num_labels))

    def _scalars(self, count_LL: Int[np.ndarray, "l l"]) -> dict[str, float]:
        scalars = segmentation_scores(count_LL)
        if self.config.rules == "released":
            scalars["mIoU"] = sum(class_iou(count_LL).values()) / self._num_labels
        return scalars

    def _protocol(self) -> dict[str, Any]:
        return settings_of(self.config) | {
            "num_train": len(self._train),
            "num_test": len(self._test),
            "classes": self._num_labels,
            "resolution": f"squares of {self.config.side} px, scored at that size",
            "resize": "PIL bilinear, 8 bit",
            "mean_over": "all classes" if self.config.rules == "released" else "classes that occur",
        }

    @property
    def _class_names(self) -> list[str]:
        return [*self._train.classes, *(("unlabelled",) if self._own_class else ())]

    def _tell(self, notebook: Notebook, done: int, item: LabelledImage) -> None:
        notebook.progress(done, self.config.epochs * len(self._train) + len(self._test), item.name)


def _kind(dataset: str) -> BenchmarkKind:
    return BenchmarkKind(
        config=partial(HummingbirdConfig, dataset=dataset),
        build=Hummingbird,
        reads=frozenset(("features",)),
        columns=SEGMENTATION_COLUMNS,
        text="In-context segmentation: nothing is trained; each patch takes the labels of its 30 nearest patches of "
        "training images. mIoU is the mean overlap over classes (percent). It says whether patches of one class have "
        "alike features.",
        presets={
            "corrected": partial(HummingbirdConfig, dataset=dataset),
            "parity": partial(HummingbirdConfig, dataset=dataset, rules="released"),
        },
        bars=("class", "iou"),
    )


KINDS: dict[str, BenchmarkKind] = {f"hummingbird-{name}": _kind(name) for name in SEGMENTATION_SETS}
