"""The state of every global random generator as JSON, so that a resumed run draws what it would have drawn.

torch's byte states and the words of the two Mersenne twisters are base64 text; the rest are plain numbers.
"""

import base64
import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

__all__ = ["capture_random_state", "restore_random_state", "seed_everything"]


def seed_everything(seed: int) -> None:
    """Seed the global generators of python, numpy and torch (every device)."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def capture_random_state() -> dict[str, Any]:
    """Return the state of all global generators as JSON values."""
    version, words, gauss = random.getstate()
    _, numpy_words, position, has_gauss, numpy_gauss = np.random.get_state()
    return {
        "python": {"version": version, "words": _packed(np.array(words, np.uint32)), "gauss": gauss},
        "numpy": {
            "words": _packed(np.asarray(numpy_words, np.uint32)),
            "position": int(position),
            "has_gauss": int(has_gauss),
            "gauss": float(numpy_gauss),
        },
        "torch": _packed(torch.get_rng_state().numpy()),
        "cuda": [_packed(state.numpy()) for state in torch.cuda.get_rng_state_all()],
    }


def restore_random_state(state: Mapping[str, Any]) -> None:
    """Set all global generators to a captured state; CUDA generators only where as many devices are present."""
    python, numpy = state["python"], state["numpy"]
    words = tuple(int(word) for word in _unpacked(python["words"], np.uint32))
    random.setstate((python["version"], words, python["gauss"]))
    numpy_words = _unpacked(numpy["words"], np.uint32)
    np.random.set_state(("MT19937", numpy_words, numpy["position"], numpy["has_gauss"], numpy["gauss"]))
    torch.set_rng_state(torch.from_numpy(_unpacked(state["torch"], np.uint8)))
    if len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([torch.from_numpy(_unpacked(text, np.uint8)) for text in state["cuda"]])


def _packed(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode()


def _unpacked(text: str, kind: type[np.generic]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind).copy()
