"""Frames on their way into a network: sides, values and coordinates."""

import numpy as np
import pytest
import torch
from torch import Tensor

from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.track.frames import EncodedFrames, module_device
from densewalk.ssl.walk.pair_features import PairFeatures


class Glass(Matcher):
    """Encodes an image as itself."""

    dim, stride, temperature = 3, 1, 1.0

    def __init__(self, multiple: int) -> None:
        super().__init__()
        self.multiple = multiple

    def encode(self, image_BCHW: Tensor) -> Tensor:
        return image_BCHW

    def relate(self, source_BDHW: Tensor, target_BDHW: Tensor) -> PairFeatures:
        raise AssertionError("not asked for here")


def _video(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2, height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("size_hw", "multiple", "upsample", "expected_hw"),
    [
        ((64, 96), 16, 1, (64, 96)),
        ((64, 96), 16, 2, (128, 192)),
        ((61, 75), 16, 1, (64, 80)),
        ((71, 73), 16, 1, (64, 80)),
        ((5, 203), 16, 1, (16, 208)),
        ((30, 30), 16, 2, (64, 64)),
    ],
)
def test_sides_go_to_the_nearest_multiple_and_at_least_one(
    size_hw: tuple[int, int], multiple: int, upsample: int, expected_hw: tuple[int, int]
) -> None:
    frames = EncodedFrames(Glass(multiple), _video(*size_hw), upsample=upsample)
    assert frames.size_hw == tuple(frames.encode(0).shape[-2:]) == expected_hw
    assert frames.network_from_video_xy == (expected_hw[1] / size_hw[1], expected_hw[0] / size_hw[0])
    assert len(frames) == 2


def test_pixels_that_need_no_resizing_arrive_untouched_in_0_to_1() -> None:
    video = _video(32, 48)
    image = EncodedFrames(Glass(16), video).encode(1)
    assert torch.equal((image[0] * 255).round().to(torch.uint8).permute(1, 2, 0), torch.from_numpy(video[1]))
    assert 0 <= float(image.min()) < float(image.max()) <= 1


@pytest.mark.parametrize("size_hw", [(60, 44), (70, 90)])
def test_resizing_keeps_pictures_and_coordinates_together(size_hw: tuple[int, int]) -> None:
    """A ramp in x still has at every pixel centre the value of that place in the video."""
    height, width = size_hw
    ramp = np.rint((np.arange(width) + 0.5) * 2.5).astype(np.uint8)
    video = np.broadcast_to(ramp[:, None], (1, height, width, 3))
    frames = EncodedFrames(Glass(16), video)
    place_W = (torch.arange(frames.size_hw[1]) + 0.5) / frames.network_from_video_xy[0]
    error_W = frames.encode(0)[0, 0, 5] * 255 / 2.5 - place_W
    assert error_W[2:-2].abs().max() < 0.3  # a grey level is 0.4 pixels
    assert error_W[2:-2].mean().abs() < 0.03


def test_a_mirrored_or_read_only_video_is_read_as_it_is() -> None:
    video = _video(16, 16)
    mirrored = video[:, :, ::-1]
    mirrored.setflags(write=False)
    image = EncodedFrames(Glass(16), mirrored).encode(0)
    assert torch.equal(image.flip(-1), EncodedFrames(Glass(16), video).encode(0))


def test_a_module_without_tensors_works_on_the_cpu() -> None:
    assert module_device(Glass(4)) == torch.device("cpu")
    assert module_device(torch.nn.Linear(1, 1, device="meta")) == torch.device("meta")
