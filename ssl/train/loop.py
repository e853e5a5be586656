"""The training loop: runs any objective over any stream, and goes on where a stopped run left off.

`pretrain` assembles a run from its configuration; `train` is the loop itself. Repeating a command on the same folder
continues the run with the very losses it would have had; on a finished run it returns at once.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from densewalk.datasets.errors import ConfigError, DensewalkError, TrainingError
from densewalk.datasets.stream.batch_stream import BatchStream
from densewalk.datasets.views import ClipBatch
from densewalk.ssl.objectives import build_objective
from densewalk.ssl.objectives.objective import Objective
from densewalk.ssl.train.checkpoint import checkpoint_step, latest_checkpoint, load_checkpoint, save_checkpoint
from densewalk.ssl.train.config import TrainConfig
from densewalk.ssl.train.damage_log import DamageLog
from densewalk.ssl.train.failed_batch import save_failed_batch
from densewalk.ssl.train.interruption import Interrupted, noted_signals
from densewalk.ssl.train.pace import Pace
from densewalk.ssl.train.random_state import capture_random_state, restore_random_state, seed_everything
from densewalk.ssl.train.run_folder import check_config, is_finished, locked_run, write_start
from densewalk.ssl.train.run_log import RunLog, StepRecord
from densewalk.ssl.train.train_state import LossNotFiniteError, StepResult, TrainState
from densewalk.ssl.train.training_stream import open_collections, training_source, training_stream

__all__ = ["pretrain", "train"]

_log = logging.getLogger("densewalk")


def pretrain(config: TrainConfig, out: Path, *, on_step: Callable[[StepRecord], None] | None = None) -> Path:
    """Run the training that `config` describes in the folder `out`, or continue it there; return `out`.

    `on_step` is called with every line of metrics.jsonl. Raises `ConfigError` when `out` cannot be written to or holds
    a run of another configuration, `DataError` for the data, `UnreachableError` where it does not answer,
    `TrainingError` when the loss stays non-finite, and `Interrupted` after the checkpoint that SIGINT or SIGTERM asked
    for.
    """
    device = _device(config)
    with locked_run(out), _threads(config.threads):
        check_config(out, config)
        if is_finished(out, config):
            return out
        collections = open_collections(config.data)
        seed_everything(config.seed)
        objective = build_objective(config.objective).to(device)
        source = training_source(config.data, collections, objective.plan, seed=config.seed)
        with training_stream(config, source, device) as stream:
            write_start(out, config, identities={name: data.identity for name, (_, data) in collections.items()})
            train(objective, stream, config, out, on_step=on_step)
    return out


def train(
    objective: Objective,
    stream: BatchStream,
    config: TrainConfig,
    run: Path,
    *,
    on_step: Callable[[StepRecord], None] | None = None,
) -> None:
    """Train `objective`, on whatever device it is, from the newest checkpoint of `run` to `config.steps`.

    Of the configuration only optimiser, steps and the cadences matter here. Raises as `pretrain` does; a batch that
    cannot be had leaves a checkpoint of all steps before it.
    """
    state = TrainState(objective, stream, config.optimiser, ema_decay=config.ema_decay, precision=config.precision)
    pace = Pace()
    if folder := latest_checkpoint(run):
        state.restore(load_checkpoint(folder), where=str(folder))
        _log.info("%s continues after step %d", run, state.step)
    damage = DamageLog(run, state.step)
    stream.recall(damage.clips)
    with noted_signals() as request, RunLog(run, state.step) as log:
        while state.step < config.steps:
            began = time.perf_counter()
            try:
                batch = next(stream)
            except DensewalkError:
                _save(run, state, log, keep=config.keep_checkpoints)
                raise
            finally:
                damage.note(stream.damaged, state.step + 1)
            result = _step(state, batch, pace, config.steps, run, began=began)
            last = state.step == config.steps
            if last or result.skipped or state.step % config.log_every == 0:
                record = _record(result, state.step, config.steps, pace)
                log.write(record)
                if on_step is not None:
                    on_step(record)
            due = last or state.step % config.checkpoint_every == 0
            if due:
                _draw(log, result, state.step)
            if due or request.number is not None:
                _save(run, state, log, keep=config.keep_checkpoints)
            if request.number is not None:
                raise Interrupted(request.number, state.step)


def _device(config: TrainConfig) -> torch.device:
    available = torch.cuda.is_available()
    if config.device == "cuda" and not available:
        raise ConfigError("device=cuda and torch finds no GPU here; use device=auto or device=cpu")
    return torch.device("cuda" if available and config.device != "cpu" else "cpu")


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """Let torch use `number` CPU threads, 0 for its own choice, as long as the block runs."""
    before = torch.get_num_threads()
    torch.set_num_threads(number or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _step(state: TrainState, batch: ClipBatch, pace: Pace, num_steps: int, run: Path, *, began: float) -> StepResult:
    """Take a step over the batch that was waited for since `began`."""
    arrived = time.perf_counter()
    try:
        result = state.advance(batch, num_steps)
    except LossNotFiniteError as error:
        saved = save_failed_batch(run, error.batch, step=error.step, rank=error.rank)
        raise TrainingError(f"{error}. The batch is in {saved}") from error
    pace.count(len(batch), seconds=time.perf_counter() - began, waited_seconds=arrived - began)
    return result


def _save(run: Path, state: TrainState, log: RunLog, *, keep: int) -> None:
    """Write a checkpoint unless the newest one is of this very step."""
    newest = latest_checkpoint(run)
    if state.step > (0 if newest is None else checkpoint_step(newest)):
        log.sync()
        save_checkpoint(run, state.capture(), keep=keep)


def _record(result: StepResult, step: int, num_steps: int, pace: Pace) -> StepRecord:
    clips_per_second, data_wait_share = pace.read()
    return StepRecord(
        step=step,
        num_steps=num_steps,
        loss=result.loss,
        lr=result.lr,
        grad_norm=result.grad_norm,
        skipped=result.skipped,
        clips_per_second=clips_per_second,
        data_wait_share=data_wait_share,
        scalars={name: float(value) for name, value in result.output.scalars.items()},
    )


def _draw(log: RunLog, result: StepResult, step: int) -> None:
    """Draw the step's pictures without moving the random generators: their cadence must not change the run."""
    before = capture_random_state()
    with torch.no_grad():
        log.draw(result.output.panels, step)
    restore_random_state(before)
