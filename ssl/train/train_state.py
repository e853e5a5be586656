"""A run in memory: objective, optimiser and place in the stream, and one step of it.

A step whose loss or gradient is not finite leaves the weights alone; two in a row are tolerated, the third ends the
run. Everything that a later step depends on goes into the checkpoint, so stopping leaves no trace in the numbers.
"""

import logging
import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from densewalk.datasets.errors import TrainingError
from densewalk.datasets.stream.batch_stream import BatchStream
from densewalk.datasets.views import ClipBatch
from densewalk.ssl.objectives.objective import Objective, Progress, StepOutput
from densewalk.ssl.train.checkpoint import Checkpoint
from densewalk.ssl.train.config import AdamWConfig
from densewalk.ssl.train.ema import WeightAverage
from densewalk.ssl.train.random_state import capture_random_state, restore_random_state
from densewalk.ssl.train.schedule import learning_rate
from densewalk.ssl.train.weights import load_weights

__all__ = ["LossNotFiniteError", "StepResult", "TrainState"]

_TOLERATED = 2
_log = logging.getLogger("densewalk")


class LossNotFiniteError(TrainingError):
    """The third step in a row without a finite loss and gradient; carries its batch."""

    def __init__(self, fault: str, batch: ClipBatch, *, step: int, rank: int) -> None:
        super().__init__(
            f"{fault}; it is the third time in a row. Lower optimiser.lr or optimiser.clip_norm, or lengthen "
            "optimiser.warmup_steps, and train into another folder"
        )
        self.batch, self.step, self.rank = batch, step, rank


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What one step did."""

    output: StepOutput
    loss: float
    lr: float
    grad_norm: float
    """Before clipping; not a number when there was no gradient to take."""
    skipped: bool
    """Whether the weights were left alone."""


class TrainState:
    """What changes from step to step."""

    def __init__(
        self,
        objective: Objective,
        stream: BatchStream,
        config: AdamWConfig,
        *,
        ema_decay: float = 0.0,
        precision: Literal["fp32", "bf16"] = "fp32",
    ) -> None:
        self.objective = objective.train()
        self.stream = stream
        self.step = 0
        self._config, self._precision = config, precision
        self._num_skipped = 0
        self._device = next(objective.parameters()).device
        self._optimiser = torch.optim.AdamW(
            objective.parameters(), lr=config.lr, betas=config.betas, weight_decay=config.weight_decay
        )
        self._average = WeightAverage(objective, ema_decay)

    def advance(self, batch: ClipBatch, num_steps: int) -> StepResult:
        """Take one step of a run of `num_steps`; raises `TrainingError` at the third non-finite one in a row."""
        progress = Progress(step=self.step, num_steps=num_steps)
        lr = learning_rate(progress, peak=self._config.lr, warmup_steps=self._config.warmup_steps)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._precision == "bf16"):
            output = self.objective(batch, progress)
        loss = float(output.loss.detach())
        grad_norm = self._gradient(output.loss) if math.isfinite(loss) else math.nan
        skipped = not math.isfinite(grad_norm)
        if skipped:
            self._tolerate(loss, batch)
        else:
            self._update(lr, progress)
        self.step += 1
        return StepResult(output=output, loss=loss, lr=lr, grad_norm=grad_norm, skipped=skipped)

    def capture(self) -> Checkpoint:
        """Return everything a later step depends on."""
        names = [name for name, _ in self.objective.named_parameters()]
        moments = self._optimiser.state_dict()["state"]
        return Checkpoint(
            step=self.step,
            model=self.objective.state_dict(),
            optimiser={f"{names[i]}/{key}": value for i, entry in moments.items() for key, value in entry.items()},
            state={
                "skipped_in_a_row": self._num_skipped,
                "stream": self.stream.state_dict(),
                "random": capture_random_state(),
            },
            average=self._average.state_dict(),
        )

    def restore(self, checkpoint: Checkpoint, *, where: str) -> None:
        """Go to where `checkpoint` was captured; `where` is its name in messages.

        Raises `TrainingError` when it is not one of this objective, `ConfigError` when its stream showed other data.
        """
        try:
            self._restore(checkpoint, where)
        except (AttributeError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise TrainingError(
                f"{where} was not written by this program or was changed ({type(error).__name__}: {error}); remove it "
                "to go back to the checkpoint before it"
            ) from error

    def _restore(self, checkpoint: Checkpoint, where: str) -> None:
        load_weights(self.objective, checkpoint.model, where=where)
        index = {name: i for i, (name, _) in enumerate(self.objective.named_parameters())}
        moments: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in checkpoint.optimiser.items():
            parameter, _, key = name.rpartition("/")
            moments.setdefault(index[parameter], {})[key] = value
        self._optimiser.load_state_dict({**self._optimiser.state_dict(), "state": moments})
        self._average.load_state_dict(checkpoint.average)
        self._num_skipped = checkpoint.state["skipped_in_a_row"]
        self.stream.load_state_dict(checkpoint.state["stream"])
        self.step = checkpoint.step
        restore_random_state(checkpoint.state["random"])

    def _gradient(self, loss: torch.Tensor) -> float:
        """Fill the gradients, clip them, and return their norm from before."""
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        return float(nn.utils.clip_grad_norm_(self.objective.parameters(), self._config.clip_norm))

    def _update(self, lr: float, progress: Progress) -> None:
        for group in self._optimiser.param_groups:
            group["lr"] = lr
        self._optimiser.step()
        self.objective.after_step(progress)
        self._average.update(progress.step)
        self._num_skipped = 0

    def _tolerate(self, loss: float, batch: ClipBatch) -> None:
        self._num_skipped += 1
        what = "the gradient" if math.isfinite(loss) else f"the loss ({loss})"
        fault = f"{what} is not finite at step {self.step + 1} on rank {_rank()}; samples {', '.join(batch.keys)}"
        if self._num_skipped > _TOLERATED:
            raise LossNotFiniteError(fault, batch, step=self.step + 1, rank=_rank())
        _log.warning(
            "%s; the weights stay as they are (%d of %d tolerated in a row)", fault, self._num_skipped, _TOLERATED
        )


def _rank() -> int:
    return (
        torch.distributed.get_rank() if torch.distributed.is_available() and torch.distributed.is_initialized() else 0
    )
