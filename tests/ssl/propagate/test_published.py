"""Label maps and masks as the released codes of DINO, CRW and UVC make them of the same features.

The numbers were made by running label_propagation of facebookresearch/dino, mem_efficient_batched_affinity of
ajabri/videowalk and transform_topk of Liusifei/UVC on the features and labels below, in float64: per frame the sums of
the map of class 1, of that times the column, of the map of class 2 times the row, and of all squares.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from densewalk.ssl.propagate.config import PRESETS, PropagationConfig
from densewalk.ssl.propagate.label_maps import labels_of_mask
from densewalk.ssl.propagate.propagate import encoded_frames, propagate_labels, propagate_maps
from tests.ssl.propagate.recorded import recorded_matcher, recorded_video

STRIDE = 16
SIZE_HW = (12 * STRIDE, 14 * STRIDE)
NATIVE = {"short_side": 0, "long_multiple": 1}

DINO = [
    [26.3153251, 99.508624104, 265.886266101, 127.29622409],
    [26.857217579, 107.028895, 243.668980369, 116.059958576],
    [28.646979794, 107.606779381, 228.606629638, 110.709768338],
    [28.53738583, 111.642328103, 241.717726026, 105.993197016],
    [32.129976673, 125.257125728, 237.285125111, 105.054664148],
    [28.429608264, 113.666465572, 241.115452098, 102.510362478],
]
DINO_PIXELS = [
    [28530, 6105, 8373],
    [31413, 5125, 6470],
    [32000, 4873, 6135],
    [31155, 4864, 6989],
    [31150, 6237, 5621],
    [32607, 3840, 6561],
]
CRW = [
    [24.956240259, 173.290647821, 185.65239812, 123.121640658],
    [27.176184976, 169.602713755, 169.632098914, 119.300505642],
    [27.413828736, 146.907586165, 151.896506745, 118.608197363],
    [29.075906648, 173.904463039, 192.450333708, 109.128480258],
    [26.935019809, 161.713179025, 170.555977257, 115.586268743],
    [23.737931601, 148.476840943, 186.885020997, 116.560171289],
]
UVC = [
    [1.340466835, 8.898259524, 8.797682579, 0.256986838],
    [0.714361054, 4.525324959, 4.653265813, 0.067739449],
    [0.506217144, 3.174903603, 2.625578168, 0.031517657],
    [0.461386014, 2.884565349, 3.350721438, 0.02864009],
    [0.418072592, 2.790137799, 2.833303545, 0.029038564],
    [0.394584214, 2.426119494, 3.429060049, 0.03012732],
]
CASES = {
    "dino": (replace(PRESETS["dino"], context=2, top_k=4, radius=3, **NATIVE), 1.0, DINO),
    "crw": (replace(PRESETS["crw"], context=3, first_copies=3, top_k=4, radius=3), 1.0, CRW),
    "uvc": (replace(PRESETS["uvc"], context=2, **NATIVE), 0.25, UVC),
}


def _features() -> Tensor:
    return torch.from_numpy(np.random.default_rng(3).standard_normal((7, 16, 12, 14)))


def _mask() -> np.ndarray:
    mask = np.zeros(SIZE_HW, np.uint8)
    mask[40:120, 30:110], mask[90:170, 100:200] = 1, 2
    return mask


def _summary(map_LHW: Tensor) -> list[float]:
    row = torch.arange(12.0, dtype=torch.float64)[:, None]
    column = torch.arange(14.0, dtype=torch.float64)
    sums = (map_LHW[1], map_LHW[1] * column, map_LHW[2] * row, map_LHW.square())
    return [float(values.sum()) for values in sums]


@pytest.mark.parametrize("name", CASES)
def test_label_maps_are_the_published_ones(name: str) -> None:
    config, scale, expected = CASES[name]
    maps = _features() * scale
    matcher, video = recorded_matcher(maps, stride=STRIDE), recorded_video(maps, stride=STRIDE)
    frames = encoded_frames(matcher, video, config)
    first = labels_of_mask(_mask(), np.arange(3, dtype=np.uint8), frames, reduction=config.first_labels)
    found = [_summary(m) for m in propagate_maps(matcher, video, first.double(), config)][1:]
    assert np.allclose(found, expected, rtol=0, atol=1e-6)


def test_masks_are_the_published_ones() -> None:
    config: PropagationConfig = CASES["dino"][0]
    maps = _features()
    masks = propagate_labels(
        recorded_matcher(maps, stride=STRIDE), recorded_video(maps, stride=STRIDE), _mask(), config
    )
    counts = [np.bincount(mask.ravel(), minlength=3).tolist() for mask in masks[1:]]
    assert np.abs(np.subtract(counts, DINO_PIXELS)).max() <= 2  # labels are float32 here
    assert np.array_equal(masks[0], _mask())
