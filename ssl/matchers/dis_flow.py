"""Classical optical flow as a matcher: Dense Inverse Search (ssl/flow/inverse_search.py), preset medium.

A frame's map is its own 8-bit grey image, one node a pixel, so whatever reads displacements (point tracking, optical
flow) runs on it unchanged. It compares no features: there are no transitions to ask for.

Shapes: B batch, H W rows and columns, 2 = (x, y) in pixels.
"""

from typing import NoReturn

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.flow.inverse_search import dis_estimator, dis_flow
from densewalk.ssl.matchers.matcher import Matcher

__all__ = ["DisFlowMatcher"]

_GREY_FROM_RGB = (0.299, 0.587, 0.114)


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
