"""Classical optical flow, alone and as a matcher: OpenCV's Dense Inverse Search (Kroeger et al. 2016), preset medium.

Patches are aligned by gradient descent from coarse to fine and refined variationally; nothing is learnt and nothing is
random. A frame's map is its own 8-bit grey image, one node a pixel, so whatever reads displacements (point tracking,
optical flow) runs on it unchanged. It compares no features: there are no transitions to ask for.

Shapes: B batch, H W rows and columns, 2 = (x, y) in pixels.
"""

from typing import Any, Literal, NoReturn, get_args

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor

from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.matchers.matcher import Matcher

__all__ = ["DIS_PRESETS", "DisFlowMatcher", "DisPreset", "dis_estimator", "dis_flow"]

DisPreset = Literal["ultrafast", "fast", "medium"]
DIS_PRESETS: tuple[DisPreset, ...] = get_args(DisPreset)
"""OpenCV's own, from the fastest to the most accurate."""
_GREY_FROM_RGB = (0.299, 0.587, 0.114)
_LEAST_SIDE = 16
"""Smaller images are filled up to this by their edge; OpenCV refuses those with both sides below 12."""
_NO_GUESS = np.empty(0, np.float32)
"""A flow of the image's size would be where the search begins."""


class DisFlowMatcher(Matcher):
    """Offers displacements only; runs on the CPU, and gives its results on the device of the maps."""

    stride = multiple = dim = 1
    temperature = 1.0
    offers = frozenset(("displacement",))

    def encode(self, image_BCHW: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 h w"]:
        """Return the grey image in whole numbers 0-255."""
        grey_B1HW = (image_BCHW * image_BCHW.new_tensor(_GREY_FROM_RGB)[:, None, None]).sum(1, keepdim=True)
        return (grey_B1HW * 255).round().clamp(0, 255)

    def relate(self, source_BDHW: Float[Tensor, "b 1 h w"], target_BDHW: Float[Tensor, "b 1 h w"]) -> NoReturn:
        """Raise `BenchmarkError`: there are no features whose products are matches."""
        raise BenchmarkError("dis-flow gives displacements and no matches; measure it by benchmarks that read those")

    def displacement(
        self, source_BDHW: Float[Tensor, "b 1 h w"], target_BDHW: Float[Tensor, "b 1 h w"]
    ) -> tuple[Float[Tensor, "b 2 h w"], Float[Tensor, "b 2 h w"]]:
        """Return the flow from source to target and, estimated by itself, the flow back."""
        sources, targets = (m[:, 0].to("cpu", torch.uint8).numpy() for m in (source_BDHW, target_BDHW))
        estimator = dis_estimator()  # kept nowhere, so that a matcher can be copied
        forth = [
            dis_flow(source_HW, target_HW, estimator) for source_HW, target_HW in zip(sources, targets, strict=True)
        ]
        back = [
            dis_flow(target_HW, source_HW, estimator) for source_HW, target_HW in zip(sources, targets, strict=True)
        ]
        return torch.from_numpy(np.stack(forth)).to(source_BDHW), torch.from_numpy(np.stack(back)).to(source_BDHW)


def dis_estimator(preset: DisPreset = "medium") -> Any:
    """Return OpenCV's estimator; it carries buffers from call to call and cannot be copied or sent to a process."""
    return cv2.DISOpticalFlow.create(DIS_PRESETS.index(preset))


def dis_flow(
    source_HW: UInt8[np.ndarray, "h w"], target_HW: UInt8[np.ndarray, "h w"], estimator: Any
) -> Float32[np.ndarray, "2 h w"]:
    """Return where every pixel of the source goes; images of any size, both of the same."""
    height, width = source_HW.shape
    bottom, right = max(0, _LEAST_SIDE - height), max(0, _LEAST_SIDE - width)
    source, target = (
        cv2.copyMakeBorder(grey_HW, 0, bottom, 0, right, cv2.BORDER_REPLICATE) for grey_HW in (source_HW, target_HW)
    )
    flow_HW2 = np.asarray(estimator.calc(source, target, _NO_GUESS))
    return np.ascontiguousarray(flow_HW2[:height, :width].transpose(2, 0, 1))
