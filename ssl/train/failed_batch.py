"""The batch that ended a run, on disk: what it showed, so that the fault can be looked at.

failed-step-00001234-rank0.safetensors   every tensor of the batch
failed-step-00001234-rank0.json          step, rank, sample keys
"""

from dataclasses import fields
from pathlib import Path

from safetensors.torch import save
from torch import Tensor

from densewalk.datasets.atomic import write_bytes, write_json
from densewalk.datasets.views import ClipBatch

__all__ = ["save_failed_batch"]


def save_failed_batch(run: Path, batch: ClipBatch, *, step: int, rank: int) -> Path:
    """Write the batch of a step (counted from 1) into the run folder and return the file of its tensors."""
    path = run / f"failed-step-{step:08d}-rank{rank}.safetensors"
    tensors: dict[str, Tensor] = {}
    parts = {f"view{i}": view for i, view in enumerate(batch.views)} | (
        {"motion": batch.motion} if batch.motion else {}
    )
    for part, value in parts.items():
        tensors |= {f"{part}/{f.name}": getattr(value, f.name).cpu().contiguous().clone() for f in fields(value)}
    write_bytes(path, save(tensors))
    write_json(path.with_suffix(".json"), {"step": step, "rank": rank, "keys": list(batch.keys)})
    return path
