"""Frames on their way into a network: sides, values and coordinates."""

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from densewalk.datasets.errors import DataError
from densewalk.datasets.geometry import grid_points
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.track.frames import EncodedFrames, FrameSequence, module_device
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


class Patches(Glass):
    """Encodes an image as means of its cells."""

    def __init__(self, stride: int, multiple: int) -> None:
        super().__init__(multiple)
        self.stride = stride

    def encode(self, image_BCHW: Tensor) -> Tensor:
        return F.avg_pool2d(image_BCHW, self.stride)


def _video(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2, height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("size_hw", "multiple", "upsample", "shown_hw", "padded_hw"),
    [
        ((64, 96), 16, 1, (64, 96), (64, 96)),
        ((64, 96), 16, 2, (128, 192), (128, 192)),
        ((61, 75), 16, 1, (61, 75), (64, 80)),
        ((65, 81), 16, 1, (65, 81), (80, 96)),
        ((5, 203), 16, 1, (5, 203), (16, 208)),
        ((30, 30), 16, 2, (60, 60), (64, 64)),
    ],
)
def test_frames_are_enlarged_by_the_factor_alone_and_padded_to_the_next_multiple(
    size_hw: tuple[int, int],
    multiple: int,
    upsample: int,
    shown_hw: tuple[int, int],
    padded_hw: tuple[int, int],
) -> None:
    frames = EncodedFrames(Glass(multiple), _video(*size_hw), upsample=upsample)
    assert frames.size_hw == frames.grid_hw == shown_hw
    assert frames.padded_hw == tuple(frames.encode(0).shape[-2:]) == padded_hw
    assert frames.network_from_video_xy == (upsample, upsample)
    assert len(frames) == 2


def test_what_is_missing_repeats_the_last_column_and_row() -> None:
    video = _video(13, 21)
    image_HWC = (EncodedFrames(Glass(8), video).encode(1)[0] * 255).round().permute(1, 2, 0).numpy()
    assert np.array_equal(image_HWC, np.pad(video[1], ((0, 3), (0, 3), (0, 0)), mode="edge"))


def test_nodes_are_shown_whose_cells_show_something() -> None:
    frames = EncodedFrames(Patches(4, multiple=16), _video(9, 33))
    assert frames.encode(0).shape[-2:] == (4, 12)
    assert frames.grid_hw == tuple(frames.shown(frames.encode(0)).shape[-2:]) == (3, 9)


@pytest.mark.parametrize("size_hw", [(32, 48), (30, 45), (3, 50)])
@pytest.mark.parametrize("upsample", [1, 2])
def test_a_map_of_places_read_at_the_videos_pixels_gives_their_places(size_hw: tuple[int, int], upsample: int) -> None:
    frames = EncodedFrames(Patches(4, multiple=16), _video(*size_hw), upsample=upsample)
    rows, columns = (side // 4 for side in frames.padded_hw)
    node_NC = grid_points(rows, columns, stride=4 / upsample)
    read = frames.at_video_pixels(node_NC.T.reshape(1, 2, rows, columns))
    first = 2.0 / upsample  # before the first node its own value is read
    expected = grid_points(*size_hw).T.reshape(1, 2, *size_hw).clamp_min(first)
    last = torch.tensor(frames.padded_hw[::-1])[:, None, None] / upsample - first
    assert torch.allclose(read, expected.minimum(last), atol=1e-4)


def test_pixels_that_need_no_resizing_arrive_untouched_in_0_to_1() -> None:
    video = _video(32, 48)
    image = EncodedFrames(Glass(16), video).encode(1)
    assert torch.equal((image[0] * 255).round().to(torch.uint8).permute(1, 2, 0), torch.from_numpy(video[1]))
    assert 0 <= float(image.min()) < float(image.max()) <= 1


@pytest.mark.parametrize("size_hw", [(60, 44), (70, 90)])
def test_enlarging_keeps_pictures_and_coordinates_together(size_hw: tuple[int, int]) -> None:
    """A ramp in x still has at every pixel centre the value of that place in the video."""
    height, width = size_hw
    ramp = np.rint((np.arange(width) + 0.5) * 2.5).astype(np.uint8)
    video = np.broadcast_to(ramp[:, None], (1, height, width, 3))
    frames = EncodedFrames(Glass(16), video, upsample=2)
    place_W = (torch.arange(frames.size_hw[1]) + 0.5) / frames.network_from_video_xy[0]
    error_W = frames.encode(0)[0, 0, 5, : frames.size_hw[1]] * 255 / 2.5 - place_W
    assert error_W[2:-2].abs().max() < 0.3  # a grey level is 0.4 pixels
    assert error_W[2:-2].mean().abs() < 0.03


class Lazy:
    """A video that makes a frame when it is asked."""

    shape = (3, 16, 16, 3)

    def __init__(self, wrong: np.ndarray) -> None:
        self.wrong = wrong

    def __len__(self) -> int:
        return 3

    def __getitem__(self, frame: int) -> np.ndarray:
        return self.wrong if frame == 2 else np.full((16, 16, 3), frame, np.uint8)


def test_a_frame_that_is_made_late_is_judged_when_it_comes() -> None:
    lazy = Lazy(np.full((16, 16, 3), np.nan))
    assert isinstance(lazy, FrameSequence)
    frames = EncodedFrames(Glass(16), lazy)
    assert float(frames.encode(1).mean() * 255) == pytest.approx(1)
    with pytest.raises(
        DataError, match=r"frame 2 of the video is float64 .* not finite; expected RGB in 0-255 as uint8"
    ):
        frames.encode(2)


@pytest.mark.parametrize("shape", [(0, 8, 8, 3), (2, 8, 8), (2, 8, 8, 4), (2, 0, 8, 3)])
def test_a_video_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match=r"expected RGB frames as uint8 of shape \(T, H, W, 3\)"):
        EncodedFrames(Glass(8), np.zeros(shape, np.uint8))


def test_a_mirrored_or_read_only_video_is_read_as_it_is() -> None:
    video = _video(16, 16)
    mirrored = video[:, :, ::-1]
    mirrored.setflags(write=False)
    image = EncodedFrames(Glass(16), mirrored).encode(0)
    assert torch.equal(image.flip(-1), EncodedFrames(Glass(16), video).encode(0))


def test_a_module_without_tensors_works_on_the_cpu() -> None:
    assert module_device(Glass(4)) == torch.device("cpu")
    assert module_device(torch.nn.Linear(1, 1, device="meta")) == torch.device("meta")


def test_frames_that_shrink_are_smoothed_unless_told_otherwise() -> None:
    video = _video(48, 64)
    plain, smoothed = (
        EncodedFrames(Glass(1), video, size_hw=(20, 30), antialias=antialias).encode(0)[0].permute(1, 2, 0).numpy()
        for antialias in (False, True)
    )
    expected = cv2.resize(video[0].astype(np.float32) / 255, (30, 20), interpolation=cv2.INTER_LINEAR)
    assert np.allclose(plain, expected, atol=1e-5)
    assert smoothed.std() < 0.8 * plain.std()
