"""What a run tells about itself: metrics.jsonl, TensorBoard events in logs/, pictures in panels/.

A line of metrics.jsonl is written by one call of the operating system, so a killed process leaves whole lines only. A
run that goes on first cuts the file back to its checkpoint: every step then has exactly one line.
"""

import io
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from PIL import Image
from torch.utils.tensorboard import SummaryWriter

from densewalk.datasets.atomic import write_bytes, write_text
from densewalk.ssl.objectives.objective import Panel

__all__ = ["RunLog", "StepRecord", "read_metrics"]

_METRICS = "metrics.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """One line of metrics.jsonl; the objective's scalars stand beside the other names."""

    step: int
    """Steps finished, this one included."""
    num_steps: int
    """Steps of the whole run."""
    loss: float
    lr: float
    grad_norm: float
    """Norm of the gradient before clipping; not a number when the step was skipped for its loss."""
    skipped: bool
    """Whether loss or gradient was not finite and the weights were left alone."""
    clips_per_second: float
    """Since the last record, checkpoints not counted."""
    data_wait_share: float
    """Share of that time spent waiting for batches, 0-1."""
    scalars: Mapping[str, float] = field(default_factory=dict)
    """What the objective reports."""

    def __post_init__(self) -> None:
        if taken := {f.name for f in fields(self)} & set(self.scalars):
            raise ValueError(f"the objective reports scalars under names of the training loop: {sorted(taken)}")

    def line(self) -> str:
        """Return the record as one line of JSON; numbers that are not finite become null."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("num_steps", "scalars")}
        values = {name: _finite(value) for name, value in {**own, **self.scalars}.items()}
        return json.dumps(values, allow_nan=False) + "\n"


class RunLog:
    """Open logs of a run that has finished `step` steps."""

    def __init__(self, run: Path, step: int) -> None:
        self._run = run
        kept = [json.dumps(row) + "\n" for row in read_metrics(run) if row["step"] <= step]
        write_text(run / _METRICS, "".join(kept))
        self._metrics = (run / _METRICS).open("ab", buffering=0)
        self._events = SummaryWriter(run / "logs", purge_step=step + 1)

    def __enter__(self) -> "RunLog":
        return self

    def __exit__(self, *_: object) -> None:
        self._metrics.close()
        self._events.close()

    def write(self, record: StepRecord) -> None:
        """Append a record."""
        self._metrics.write(record.line().encode())
        for name in ("loss", "lr", "grad_norm", "clips_per_second", "data_wait_share"):
            self._events.add_scalar(f"train/{name}", getattr(record, name), record.step)
        for name, value in record.scalars.items():
            self._events.add_scalar(f"objective/{name}", value, record.step)

    def sync(self) -> None:
        """Bring everything written so far to the disk; done before a checkpoint claims these steps."""
        os.fsync(self._metrics.fileno())
        self._events.flush()

    def draw(self, panels: Mapping[str, Panel], step: int) -> None:
        """Draw pictures into panels/step-00001000-<name>.png."""
        for name, panel in panels.items():
            buffer = io.BytesIO()
            Image.fromarray(panel()).save(buffer, "png")
            write_bytes(self._run / "panels" / f"step-{step:08d}-{name}.png", buffer.getvalue())


def read_metrics(run: Path) -> list[dict[str, Any]]:
    """Return the whole lines of a run's metrics.jsonl, one mapping a step; empty when there is no such file."""
    path = run / _METRICS
    if not path.is_file():
        return []
    rows = []
    for line in path.read_text(errors="replace").splitlines():
        try:
            row = json.loads(line)
        except ValueError:  # torn by a machine that lost power
            continue
        if isinstance(row, dict) and isinstance(row.get("step"), int):
            rows.append(row)
    return rows


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
