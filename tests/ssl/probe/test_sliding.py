"""Sliding windows cover every pixel, stay inside and average what overlaps."""

import numpy as np
import pytest
import torch

from densewalk.ssl.probe.sliding import sliding_mean, window_boxes


def _starts(side: int, window: int, stride: int) -> list[tuple[int, int]]:
    """Return begin and end of the windows along one side by MMSegmentation's formula."""
    count = max(side - window + stride - 1, 0) // stride + 1
    ends = [min(number * stride + window, side) for number in range(count)]
    return [(max(end - window, 0), end) for end in ends]


@pytest.mark.parametrize("side", [1, 100, 341, 512, 513, 683, 853, 854, 1024, 2048])
def test_windows_lie_where_published_code_puts_them(side: int) -> None:
    boxes = list(window_boxes((side, 600), window=512, stride=341))
    rows = list(dict.fromkeys((row.start, row.stop) for row, _ in boxes))
    assert rows == _starts(side, 512, 341)
    assert {(column.start, column.stop) for _, column in boxes} == {(0, 512), (88, 600)}


def _pointwise(image_HWC: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image_HWC.astype(np.float32)).permute(2, 0, 1).square()


@pytest.mark.parametrize("size_hw", [(30, 47), (9, 40), (8, 8), (16, 16)])
def test_windows_of_a_pointwise_network_say_what_the_whole_image_says(size_hw: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*size_hw, 3), dtype=np.uint8)
    assert torch.allclose(sliding_mean(_pointwise, image, window=16, stride=11), _pointwise(image))


def test_overlaps_hold_the_mean_of_their_windows() -> None:
    calls = iter(range(1, 10))

    def numbered(part_HWC: np.ndarray) -> torch.Tensor:
        assert part_HWC.shape == (4, 4, 3)
        return torch.full((1, 4, 4), float(next(calls)))

    found = sliding_mean(numbered, np.zeros((4, 7, 3), np.uint8), window=4, stride=3)
    assert found[0, 0].tolist() == [1, 1, 1, 1.5, 2, 2, 2]
