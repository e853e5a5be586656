"""Random views of labelled images on which published probes are trained, as pure functions of a random generator.

`ResizedCropConfig` is torchvision's random resized crop (Leopart, NeCo): a box of random area and shape, resized to a
square. `ScaledCropConfig` resizes the shorter side to a random length and cuts a square (DINOv3, Detectron2); a crop is
drawn anew, up to ten times, while one class fills too much of it. What is missing to the square is the mean colour of
ImageNet without a label. Both mirror every second view.

Shapes: H W rows and columns, S side of the crop.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from densewalk.datasets.config import require
from densewalk.datasets.photometric import ColourChange, recolour
from densewalk.datasets.readers.labelled import IGNORED
from densewalk.ssl.encoders.colours import IMAGENET_MEAN
from densewalk.ssl.probe.label_raster import ReadAt, read_labels
from densewalk.ssl.probe.random_box import random_box
from densewalk.ssl.probe.whole_image import resized, short_side_size

__all__ = ["ResizedCropConfig", "ScaledCropConfig", "ViewConfig"]

_TRIES = 10

_View = tuple[UInt8[np.ndarray, "s s 3"], UInt8[np.ndarray, "s s"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewConfig(ABC):
    """A kind of random view."""

    crop: int
    """Rows and columns of a view in pixels."""

    @abstractmethod
    def draw(
        self, image_HWC: UInt8[np.ndarray, "h w 3"], label_HW: UInt8[np.ndarray, "h w"], rng: np.random.Generator
    ) -> _View:
        """Return a view of an image and of its labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResizedCropConfig(ViewConfig):
    """A box of random area and shape, resized to the crop."""

    crop: int = 448
    """Rows and columns of a view in pixels (NeCo: 448)."""
    area: tuple[float, float] = (0.8, 1.0)
    """Least and largest share of the image in the box (NeCo: 0.8 to 1)."""

    def __post_init__(self) -> None:
        require(
            self.crop < 1 and f"fit.view.crop={self.crop} must be at least 1",
            not 0 < self.area[0] <= self.area[1] <= 1 and f"fit.view.area={self.area} must rise within 0 to 1",
        )

    def draw(
        self, image_HWC: UInt8[np.ndarray, "h w 3"], label_HW: UInt8[np.ndarray, "h w"], rng: np.random.Generator
    ) -> _View:
        """Return a view; labels are read at pixel centres."""
        rows, columns = random_box((label_HW.shape[0], label_HW.shape[1]), rng, area=self.area)
        size_hw = (self.crop, self.crop)
        view = resized(np.ascontiguousarray(image_HWC[rows, columns]), size_hw)
        return _mirrored(view, read_labels(label_HW[rows, columns], size_hw, at="centre"), rng)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaledCropConfig(ViewConfig):
    """A square cut from the image at a random size."""

    crop: int = 512
    """Rows and columns of a view in pixels (DINOv3: 512)."""
    shorter: tuple[int, int] = (256, 1023)
    """Least and largest length of the shorter side in pixels (DINOv3: half to twice 512, rounded down)."""
    shorter_step: int = 1
    """Pixels between the lengths that are drawn (Detectron2: 32)."""
    longest: int = 0
    """Limit of the longer side in pixels; 0 means none (Detectron2: 1333)."""
    largest_share: float = 1.0
    """Crops are redrawn while a class fills this share of their labelled pixels (DINOv3: .75); 1 takes the first."""
    recolour: bool = False
    """Change brightness, contrast, saturation and hue, each of every second view, as MMSegmentation and DINOv3 do."""
    labels_at: ReadAt = "centre"
    """Where resized labels are read (DINOv3: corner)."""

    def __post_init__(self) -> None:
        require(
            self.crop < 1 and f"fit.view.crop={self.crop} must be at least 1",
            not 1 <= self.shorter[0] <= self.shorter[1] and f"fit.view.shorter={self.shorter} must rise from 1 or more",
            self.shorter_step < 1 and f"fit.view.shorter_step={self.shorter_step} must be at least 1",
            self.longest < 0 and f"fit.view.longest={self.longest} must not be negative",
            not 0 < self.largest_share <= 1 and f"fit.view.largest_share={self.largest_share} must lie within 0 to 1",
        )

    def draw(
        self, image_HWC: UInt8[np.ndarray, "h w 3"], label_HW: UInt8[np.ndarray, "h w"], rng: np.random.Generator
    ) -> _View:
        """Return a view, padded on the right and at the bottom."""
        side = int(rng.choice(np.arange(self.shorter[0], self.shorter[1] + 1, self.shorter_step)))
        size_hw = short_side_size((label_HW.shape[0], label_HW.shape[1]), side, longest=self.longest)
        image_HWC = resized(image_HWC, size_hw)
        if label_HW.shape != size_hw:
            label_HW = read_labels(label_HW, size_hw, at=self.labels_at)
        rows, columns = self._box(label_HW, rng)
        view, label = _mirrored(image_HWC[rows, columns], label_HW[rows, columns], rng)
        if self.recolour:
            view = _distorted(np.ascontiguousarray(view), rng)
        image_SSC = np.empty((self.crop, self.crop, 3), np.uint8)
        image_SSC[:] = np.rint(np.multiply(IMAGENET_MEAN, 255))
        label_SS = np.full((self.crop, self.crop), IGNORED, np.uint8)
        image_SSC[: view.shape[0], : view.shape[1]], label_SS[: view.shape[0], : view.shape[1]] = view, label
        return image_SSC, label_SS

    def _box(self, label_HW: np.ndarray, rng: np.random.Generator) -> tuple[slice, slice]:
        tries = _TRIES if self.largest_share < 1 else 0
        for attempt in range(tries + 1):
            rows, columns = (_span(side, min(side, self.crop), rng) for side in label_HW.shape)
            count = np.bincount(label_HW[rows, columns].ravel(), minlength=IGNORED + 1)[:IGNORED]
            if attempt == tries or ((count > 0).sum() > 1 and count.max() < self.largest_share * count.sum()):
                break
        return rows, columns


def _span(side: int, length: int, rng: np.random.Generator) -> slice:
    start = int(rng.integers(0, side - length + 1))
    return slice(start, start + length)


def _mirrored(image_HWC: np.ndarray, label_HW: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return (image_HWC[:, ::-1], label_HW[:, ::-1]) if rng.random() < 0.5 else (image_HWC, label_HW)


def _distorted(image_HWC: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return MMSegmentation's photometric distortion; contrast comes before or after saturation and hue."""
    if rng.random() < 0.5:
        image_HWC = _linear(image_HWC, 1.0, rng.uniform(-32, 32))
    contrast = rng.uniform(0.5, 1.5) if rng.random() < 0.5 else 1.0
    contrast_first = rng.random() < 0.5
    if contrast_first:
        image_HWC = _linear(image_HWC, contrast, 0.0)
    saturation = rng.uniform(0.5, 1.5) if rng.random() < 0.5 else 1.0
    turns = rng.uniform(-0.5, 0.5) if rng.random() < 0.5 else 0.0
    image_HWC = recolour(image_HWC, ColourChange(saturation=saturation, hue_turns=turns))
    return image_HWC if contrast_first else _linear(image_HWC, contrast, 0.0)


def _linear(image_HWC: np.ndarray, factor: float, shift: float) -> np.ndarray:
    return (image_HWC.astype(np.float32) * factor + shift).clip(0, 255).astype(np.uint8)
