"""`densewalk pretrain` as a process of its own, which can be watched, killed and repeated."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from densewalk.datasets.config import to_yaml
from densewalk.ssl.train.checkpoint import latest_checkpoint, load_checkpoint
from densewalk.ssl.train.config import TrainConfig
from densewalk.ssl.train.run_log import read_metrics
from tests.process_family import descendants

__all__ = ["Trainer", "assert_same_run", "losses", "training"]

_MAIN = "from densewalk.cluster.cli.main import main; main()"
_SECONDS_TO_START, _SECONDS_TO_END = 180.0, 240.0


class Trainer:
    """A training that runs; what it says goes to a file, which `said` returns."""

    def __init__(self, config: TrainConfig, run: Path) -> None:
        file = run.with_suffix(".config.yaml")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(to_yaml(config))
        self.run = run
        self._words = run.with_suffix(".log")
        with self._words.open("wb") as words:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _MAIN, "pretrain", "--out", str(run), "--config", str(file)],
                stdout=words,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        """What it wrote to its standard output and error so far."""
        return self._words.read_text()

    def reach(self, step: int) -> None:
        """Wait until a step is in metrics.jsonl."""
        until = time.monotonic() + _SECONDS_TO_START
        while not any(row["step"] == step for row in read_metrics(self.run)):
            assert self.process.poll() is None, f"it ended before step {step}: {self.said}"
            assert time.monotonic() < until, f"it does not reach step {step}: {self.said}"
            time.sleep(0.003)

    def workers(self, at_least: int = 0) -> list[int]:
        """Wait until it has so many descendants and return all of them."""
        until = time.monotonic() + _SECONDS_TO_START
        while len(found := descendants(self.process.pid)) < at_least:
            assert self.process.poll() is None, f"it ended before it had {at_least} workers: {self.said}"
            assert time.monotonic() < until, f"it does not get {at_least} workers: {self.said}"
            time.sleep(0.003)
        return found

    def kill_at(self, step: int) -> list[int]:
        """Kill it with -9 as soon as a step is done; return the processes it leaves behind."""
        self.reach(step)
        workers = self.workers()
        self.end(signal.SIGKILL)
        assert self.process.returncode == -signal.SIGKILL, "it had finished before it was killed"
        return workers

    def end(self, number: signal.Signals | None = None) -> int:
        """Send a signal, if any, wait for the end and return the exit code; Ctrl-C reaches the workers too."""
        if number == signal.SIGINT:
            os.killpg(self.process.pid, number)
        elif number is not None:
            self.process.send_signal(number)
        return self.process.wait(_SECONDS_TO_END)


@contextmanager
def training(config: TrainConfig, run: Path) -> Iterator[Trainer]:
    """Start a training that does not outlive the block."""
    trainer = Trainer(config, run)
    try:
        yield trainer
    finally:
        trainer.process.kill()
        trainer.process.wait()


def losses(run: Path) -> list[tuple[int, float, float, float]]:
    """Return step, loss, learning rate and norm of the gradient of every line of metrics.jsonl."""
    return [(row["step"], row["loss"], row["lr"], row["grad_norm"]) for row in read_metrics(run)]


def assert_same_run(found: Path, wanted: Path) -> None:
    """Two finished runs have the same metrics, weights, moments and place in the stream, to the bit."""
    assert losses(found) == losses(wanted)
    first, second = _end_of(found), _end_of(wanted)
    assert first["stream"] == second["stream"]
    for name in ("model", "optimiser"):
        assert first[name].keys() == second[name].keys()
        assert all(torch.equal(first[name][key], second[name][key]) for key in first[name])


def _end_of(run: Path) -> dict[str, Any]:
    folder = latest_checkpoint(run)
    assert folder is not None
    checkpoint = load_checkpoint(folder)
    return {"stream": checkpoint.state["stream"], "model": checkpoint.model, "optimiser": checkpoint.optimiser}
