"""A palindrome is encoded as the three images a walker sees, in one call."""

import torch

from densewalk.datasets.views import ClipBatch, View
from densewalk.ssl.matchers.gmflow import GMFlow, GMFlowConfig
from densewalk.ssl.matchers.palindrome import encode_palindrome


def test_images_come_in_the_order_they_are_walked_and_maps_are_those_of_each_alone() -> None:
    generator = torch.Generator().manual_seed(0)

    def view(frames: tuple[int, int]) -> View:
        return View(
            video_BTCHW=torch.randint(0, 256, (2, 2, 3, 16, 16), generator=generator, dtype=torch.uint8),
            clip_from_view_B33=torch.eye(3).expand(2, 3, 3),
            frame_BT=torch.tensor([frames, frames]),
        )

    forward, backward = view((3, 5)), view((5, 3))
    matcher = GMFlow(GMFlowConfig(stem_dim=8, middle_dim=8, dim=8, num_blocks=0))
    images, maps = encode_palindrome(matcher, ClipBatch(keys=("a", "b"), views=(forward, backward)))
    seen = (forward.image_BCHW(0), forward.image_BCHW(1), backward.image_BCHW(1))
    for image, map_BDHW, expected in zip(images, maps, seen, strict=True):
        assert torch.equal(image, expected)
        assert torch.allclose(map_BDHW, matcher.encode(expected), atol=1e-6)
