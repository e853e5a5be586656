"""Masks to nodes and back, against Pillow and OpenCV."""

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from densewalk.ssl.matchers.position import PositionMatcher
from densewalk.ssl.propagate.config import PropagationConfig
from densewalk.ssl.propagate.label_maps import labels_of_mask, mask_of_labels
from densewalk.ssl.propagate.propagate import encoded_frames
from densewalk.ssl.track.frames import EncodedFrames

IDS = np.array([0, 3, 200], np.uint8)


def _frames(video_hw: tuple[int, int], stride: int, config: PropagationConfig | None = None) -> EncodedFrames:
    video = np.zeros((1, *video_hw, 3), np.uint8)
    return encoded_frames(PositionMatcher(stride=stride), video, config or PropagationConfig())


def _mask(height: int, width: int) -> np.ndarray:
    coarse = np.random.default_rng(0).integers(0, 3, (height // 5 + 1, width // 5 + 1))
    return IDS[coarse.repeat(5, axis=0).repeat(5, axis=1)[:height, :width]]


@pytest.mark.parametrize("size_hw", [(480, 854), (480, 910), (1080, 1920)])
def test_nearest_labels_are_those_of_pillow(size_hw: tuple[int, int]) -> None:
    mask = _mask(*size_hw)
    frames = _frames(size_hw, 16, PropagationConfig(short_side=480, long_multiple=64))
    found = labels_of_mask(mask, IDS, frames, reduction="nearest")
    rows, columns = frames.grid_hw
    expected = np.asarray(Image.fromarray(mask).resize((columns, rows), Image.Resampling.NEAREST))
    assert np.array_equal(IDS[found.argmax(0).numpy()], expected)
    assert torch.equal(found.sum(0), torch.ones(rows, columns))


def test_bilinear_labels_are_those_of_opencv() -> None:
    mask = _mask(96, 160)
    found = labels_of_mask(mask, IDS, _frames((96, 160), 8), reduction="bilinear")
    one_hot = np.stack([mask == number for number in IDS], axis=-1).astype(np.float32)
    expected = cv2.resize(one_hot, (20, 12), interpolation=cv2.INTER_LINEAR)
    assert np.allclose(found.numpy(), expected.transpose(2, 0, 1), atol=1e-6)


def test_area_labels_are_shares_of_cells() -> None:
    mask = np.zeros((8, 12), np.uint8)
    mask[:4, 3:6] = 3
    found = labels_of_mask(mask, IDS[:2], _frames((8, 12), 4), reduction="area")
    assert found[1].tolist() == [[0.25, 0.5, 0.0], [0.0, 0.0, 0.0]]


@pytest.mark.parametrize("reduction", ["area", "bilinear", "nearest"])
@pytest.mark.parametrize("size_hw", [(13, 22), (16, 16)])
def test_a_video_that_no_grid_divides_has_labels_at_every_node(reduction: str, size_hw: tuple[int, int]) -> None:
    frames = _frames(size_hw, 4)
    found = labels_of_mask(np.full(size_hw, 3, np.uint8), IDS[:2], frames, reduction=reduction)  # type: ignore[arg-type]
    assert found[1].shape == frames.grid_hw
    assert torch.equal(found[1], torch.ones(frames.grid_hw))


@pytest.mark.parametrize("stretch", [False, True])
def test_a_mask_is_read_off_as_from_all_classes_at_once(stretch: bool) -> None:
    config = PropagationConfig(short_side=48, long_multiple=16)
    frames = _frames((60, 101), 8, config)
    labels = torch.rand((3, *frames.grid_hw), generator=torch.Generator().manual_seed(0)) * torch.tensor(
        [1.0, 0.9, 0.5]
    ).reshape(3, 1, 1)
    large = torch.nn.functional.interpolate(labels[None], scale_factor=8, mode="bilinear")[0]
    if stretch:
        large = (large - large.amin((1, 2), keepdim=True)) / (
            large.amax((1, 2), keepdim=True) - large.amin((1, 2), keepdim=True)
        )
    expected = Image.fromarray(IDS[large.argmax(0).numpy()]).resize((101, 60), Image.Resampling.NEAREST)
    found = mask_of_labels(labels, IDS, frames, stretch=stretch, decode_at="network")
    assert np.array_equal(found, np.asarray(expected))


def test_both_rasters_agree_up_to_borders() -> None:
    frames = _frames((60, 101), 8, PropagationConfig(size_hw=(120, 202)))
    labels = labels_of_mask(_mask(60, 101), IDS, frames, reduction="area")
    masks = [mask_of_labels(labels, IDS, frames, stretch=False, decode_at=at) for at in ("video", "network")]
    assert masks[0].shape == masks[1].shape == (60, 101)
    assert 0.9 < (masks[0] == masks[1]).mean() < 1


def test_a_class_that_faded_wins_only_when_stretched() -> None:
    frames = _frames((16, 16), 4)
    labels = torch.full((2, 4, 4), 0.6)
    labels[1] = 0.0
    labels[1, 1, 1], labels[0, 1, 1] = 0.3, 0.5
    plain, stretched = (
        mask_of_labels(labels, IDS[:2], frames, stretch=stretch, decode_at="video") for stretch in (False, True)
    )
    assert not plain.any()
    assert stretched[5, 5] == 3


def test_a_class_that_is_the_same_everywhere_is_not_stretched() -> None:
    frames = _frames((16, 16), 4)
    labels = torch.stack((torch.full((4, 4), 0.7), torch.zeros(4, 4)))
    assert not mask_of_labels(labels, IDS[:2], frames, stretch=True, decode_at="video").any()
