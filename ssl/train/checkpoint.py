"""Checkpoints on disk: RUN/checkpoints/step-00001000/ with an empty file COMPLETE that is written last.

    model.safetensors      parameters and buffers of the objective
    optimiser.safetensors  state of the optimiser, one tensor a parameter and quantity
    average.safetensors    average of the weights, when the run keeps one
    state.json             step, place in the stream, random generators

A folder without COMPLETE is what a killed process left; readers never look at it and the next write of the same step
replaces it. Nothing here is a pickle.
"""

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from densewalk.datasets.atomic import write_bytes, write_json, write_text
from densewalk.datasets.errors import TrainingError

__all__ = [
    "Checkpoint",
    "checkpoint_step",
    "is_complete",
    "latest_checkpoint",
    "load_checkpoint",
    "load_model",
    "model_file",
    "save_checkpoint",
]

_FOLDER = re.compile(r"step-(\d{8,})")
_COMPLETE = "COMPLETE"
_MODEL = "model.safetensors"
_OPTIMISER = "optimiser.safetensors"
_AVERAGE = "average.safetensors"
_STATE = "state.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Everything a run needs to go on as if it had never stopped."""

    step: int
    """Steps finished."""
    model: Mapping[str, Tensor]
    optimiser: Mapping[str, Tensor]
    state: Mapping[str, Any]
    """JSON values: the place in the stream and the random generators."""
    average: Mapping[str, Tensor] = field(default_factory=dict)
    """Average of the model's tensors; empty when the run keeps none."""


def save_checkpoint(run: Path, checkpoint: Checkpoint, *, keep: int) -> Path:
    """Write a checkpoint of `run`, remove all but the newest `keep`, and return its folder."""
    folder = run / "checkpoints" / f"step-{checkpoint.step:08d}"
    _remove(folder)
    _write_tensors(folder / _MODEL, checkpoint.model)
    _write_tensors(folder / _OPTIMISER, checkpoint.optimiser)
    if checkpoint.average:
        _write_tensors(folder / _AVERAGE, checkpoint.average)
    write_json(folder / _STATE, {"step": checkpoint.step, **checkpoint.state})
    write_text(folder / _COMPLETE, "")
    for old in _complete_folders(run)[:-keep]:
        _remove(old)
    return folder


def latest_checkpoint(run: Path) -> Path | None:
    """Return the folder of the newest complete checkpoint of `run`, if there is one."""
    folders = _complete_folders(run)
    return folders[-1] if folders else None


def checkpoint_step(folder: Path) -> int:
    """Return the number of steps that were finished when a checkpoint folder was written."""
    match = _FOLDER.fullmatch(folder.name)
    if match is None:
        raise TrainingError(f"{folder} is not a checkpoint folder; expected a name like step-00001000")
    return int(match[1])


def is_complete(folder: Path) -> bool:
    """Return whether a folder is a checkpoint that was written to its end."""
    return (folder / _COMPLETE).is_file()


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read a checkpoint; raises `TrainingError` when it is incomplete or damaged."""
    _require_complete(folder)
    model = _read_tensors(folder / _MODEL)
    average = _read_tensors(folder / _AVERAGE) if (folder / _AVERAGE).is_file() else {}
    optimiser = _read_tensors(folder / _OPTIMISER)
    path = folder / _STATE
    try:
        state = json.loads(path.read_text())
        if not isinstance(state, dict) or state.pop("step", None) != checkpoint_step(folder):
            raise ValueError("it is not the state after the step that the folder is named by")
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    return Checkpoint(step=checkpoint_step(folder), model=model, optimiser=optimiser, state=state, average=average)


def load_model(folder: Path) -> dict[str, Tensor]:
    """Read the weights to be evaluated: their average where the run keeps one, otherwise the last ones.

    Raises `TrainingError` when the checkpoint is incomplete or damaged.
    """
    return _read_tensors(model_file(folder))


def model_file(folder: Path) -> Path:
    """Return the file that `load_model` reads; raises `TrainingError` when the checkpoint is incomplete."""
    _require_complete(folder)
    average = folder / _AVERAGE
    return average if average.is_file() else folder / _MODEL


def _require_complete(folder: Path) -> None:
    if not is_complete(folder):
        raise TrainingError(f"{folder} is not a complete checkpoint: it has no file {_COMPLETE}")


def _complete_folders(run: Path) -> list[Path]:
    folders = [p for p in (run / "checkpoints").glob("step-*") if _FOLDER.fullmatch(p.name) and is_complete(p)]
    return sorted(folders, key=checkpoint_step)


def _remove(folder: Path) -> None:
    """Remove a checkpoint so that it stops being complete before it starts losing files."""
    (folder / _COMPLETE).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def _write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    # Clones, because tied weights share memory and the format does not.
    own = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    write_bytes(path, save(own))


def _read_tensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> TrainingError:
    return TrainingError(
        f"cannot read {path}: {error}; remove the folder {path.parent} to go back to the checkpoint before it"
    )
