"""The three images of a two-frame palindrome, each encoded once.

A walker sees the first frame, the second, and the first again under the crop of the return; the second serves twice.
"""

import torch
from torch import Tensor

from densewalk.datasets.views import ClipBatch
from densewalk.ssl.matchers.matcher import Matcher

__all__ = ["encode_palindrome"]

_Three = tuple[Tensor, Tensor, Tensor]


def encode_palindrome(matcher: Matcher, batch: ClipBatch) -> tuple[_Three, _Three]:
    """Return the images (B, 3, H, W), RGB in 0-1, in the order a walker sees them, and the matcher's maps of them."""
    forward, backward = batch.views
    images = (forward.image_BCHW(0), forward.image_BCHW(1), backward.image_BCHW(-1))
    first, middle, last = matcher.encode(torch.cat(images)).chunk(3)
    return images, (first, middle, last)
