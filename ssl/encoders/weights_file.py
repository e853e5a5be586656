"""Tensors of files that other projects published: read without running code, put into a network without a remainder.

A pickle is opened with torch's restricted reader, which admits tensors, plain containers and `argparse.Namespace`, in
which many projects keep their settings. Files nest the tensors under one of a few names; of a teacher and a student the
teacher is taken, as their authors do for evaluation.
"""

import argparse
import pickle
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from densewalk.datasets.errors import DataError

__all__ = ["fill_network", "read_tensors", "some_names"]

_WRAPPERS = ("state_dict", "model", "teacher", "student")
_DATA_PARALLEL = "module."


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a .safetensors or torch file by name, on the CPU.

    Wrappers (`state_dict`, `model`, `teacher`, `student`) and a `module.` before every name are taken off. Raises
    `DataError` where the file is absent, cannot be read without running code, or holds anything but tensors.
    """
    content: Any = _read(path)
    while isinstance(content, Mapping):
        wrapper = next((name for name in _WRAPPERS if isinstance(content.get(name), Mapping)), None)
        if wrapper is None:
            break
        content = content[wrapper]
    if not isinstance(content, Mapping) or not content:
        raise DataError(f"{path} holds no tensors by name; expected a state dict, bare or under {', '.join(_WRAPPERS)}")
    if strangers := [str(name) for name, value in content.items() if not isinstance(value, Tensor)]:
        raise DataError(f"{path} holds entries that are no tensors among its weights: {some_names(strangers)}")
    wrapped = all(name.startswith(_DATA_PARALLEL) for name in content)
    return {name.removeprefix(_DATA_PARALLEL) if wrapped else name: value for name, value in content.items()}


def fill_network(network: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Copy `tensors` into a network; each must have its place and each place its tensor.

    Counters of batch normalisation may be absent, as they are from old files. Raises `DataError` that names what is
    missing, unexpected or of another shape in `path`; the network is unchanged then.
    """
    places = network.state_dict()
    expected = {name for name in places if not name.endswith("num_batches_tracked")}
    shapes = [
        f"{name} is {tuple(tensors[name].shape)}, expected {tuple(place.shape)}"
        for name, place in places.items()
        if name in tensors and tensors[name].shape != place.shape
    ]
    problems = [
        f"{what}: {some_names(names)}"
        for what, names in (
            ("missing", expected - set(tensors)),
            ("unexpected", set(tensors) - set(places)),
            ("of another shape", shapes),
        )
        if names
    ]
    if problems:
        raise DataError(f"{path} does not fit {type(network).__name__} as configured; " + "; ".join(problems))
    network.load_state_dict({**places, **tensors})


def some_names(names: Iterable[str], limit: int = 6) -> str:
    """Return names for a message, sorted, and how many more there are."""
    known = sorted(names)
    more = f" and {len(known) - limit} more" if len(known) > limit else ""
    return ", ".join(known[:limit]) + more


def _read(path: Path) -> Any:
    if not path.is_file():
        raise DataError(f"no weights at {path}")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with torch.serialization.safe_globals([argparse.Namespace]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise DataError(
            f"{path} cannot be read as weights without running code from it ({_reason(error)}); "
            "save its state dict alone, with torch.save or as safetensors"
        ) from error


def _reason(error: Exception) -> str:
    """Return what is wrong with a file, without torch's advice to run its code nevertheless."""
    text = str(error).strip() or f"{type(error).__name__}: it ends too early"
    fault = re.search(r"(?:WeightsUnpickler error:|Trying to load)\s+(.+)", text)
    return (fault[1] if fault else text.splitlines()[0]).partition(". ")[0]
