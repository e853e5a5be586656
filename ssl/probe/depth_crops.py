"""Random crops of images with depth, as DINOv3 trains its linear NYU head on.

Images are cut to the labelled part of a Kinect frame, rotated a little, mirrored, cropped at random and changed in
colour.

Shapes: H W rows and columns, gh gw those of the crop, C channels.
"""

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from densewalk.datasets.errors import BenchmarkError
from densewalk.datasets.readers.nyu import DepthImage

__all__ = ["random_crop"]

_KINECT_ROWS, _KINECT_COLUMNS = (45 / 480, 472 / 480), (43 / 640, 608 / 640)
_DEGREES, _GAMMA, _BRIGHTNESS, _COLOUR = 2.5, (0.9, 1.1), (0.75, 1.25), (0.9, 1.1)


def random_crop(
    image: DepthImage, size_hw: tuple[int, int], rng: np.random.Generator
) -> tuple[UInt8[np.ndarray, "gh gw 3"], Float32[np.ndarray, "gh gw"]]:
    """Return a changed part of an image, of `size_hw` rows and columns, and its depth, 0 where nothing is known.

    Raises `BenchmarkError` when the crop does not fit the labelled part of the image.
    """
    rows, columns = (
        slice(int(first * side), int(last * side))
        for (first, last), side in zip((_KINECT_ROWS, _KINECT_COLUMNS), image.depth_HW.shape, strict=True)
    )
    image_HWC, depth_HW = image.image_HWC[rows, columns], image.depth_HW[rows, columns]
    if rng.random() < 0.5:
        image_HWC, depth_HW = _rotated(image_HWC, depth_HW, rng.uniform(-_DEGREES, _DEGREES))
    if rng.random() < 0.5:
        image_HWC, depth_HW = image_HWC[:, ::-1], depth_HW[:, ::-1]
    spare = depth_HW.shape[0] - size_hw[0], depth_HW.shape[1] - size_hw[1]
    if min(spare) < 0:
        raise BenchmarkError(
            f"{image.name} has {depth_HW.shape[1]} x {depth_HW.shape[0]} labelled pixels, less than a crop of "
            f"{size_hw[1]} x {size_hw[0]} (bins.crop_width, bins.crop_height)"
        )
    top, left = (int(rng.integers(side + 1)) for side in spare)
    part = slice(top, top + size_hw[0]), slice(left, left + size_hw[1])
    colour_HWC = image_HWC[part].astype(np.float32)
    if rng.random() < 0.5:
        # The power is taken of 0-255, as DINOv3's ColorAug does: above 1 it brightens.
        factor_3 = rng.uniform(*_BRIGHTNESS) * rng.uniform(*_COLOUR, size=3)
        colour_HWC = np.clip(colour_HWC ** rng.uniform(*_GAMMA) * factor_3, 0, 255)
    return np.rint(colour_HWC).astype(np.uint8), np.ascontiguousarray(depth_HW[part])


def _rotated(
    image_HWC: UInt8[np.ndarray, "h w 3"], depth_HW: Float32[np.ndarray, "h w"], degrees: float
) -> tuple[UInt8[np.ndarray, "h w 3"], Float32[np.ndarray, "h w"]]:
    """Return both turned about the middle; what comes in from outside is black and has no depth."""
    height, width = depth_HW.shape
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    image = cv2.warpAffine(np.ascontiguousarray(image_HWC), turn, (width, height), flags=cv2.INTER_LINEAR)
    depth = cv2.warpAffine(np.ascontiguousarray(depth_HW), turn, (width, height), flags=cv2.INTER_NEAREST)
    return image, depth
