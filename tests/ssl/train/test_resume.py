"""Tests that a run of the real objective survives being killed, to the last bit."""

import signal
import subprocess
import sys
from pathlib import Path

import torch

from densewalk.datasets.config import to_yaml
from densewalk.ssl.train.checkpoint import is_complete, latest_checkpoint, load_checkpoint
from densewalk.ssl.train.config import TrainConfig
from densewalk.ssl.train.loop import pretrain
from densewalk.ssl.train.run_log import read_metrics

_PROCESS = """
import os, signal, sys
from pathlib import Path
import yaml
from densewalk.datasets.config import from_mapping
from densewalk.ssl.train import checkpoint, loop
from densewalk.ssl.train.config import TrainConfig

config_path, out, where = sys.argv[1:]
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
if where == "in checkpoint":
    checkpoint.write_json = die
config = from_mapping(TrainConfig(), yaml.safe_load(Path(config_path).read_text()))
loop.pretrain(config, Path(out), on_step=lambda record: record.step == 6 and where == "after step 6" and die())
"""


def _kill(config: Path, out: Path, where: str) -> None:
    command = [sys.executable, "-c", _PROCESS, str(config), str(out), where]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL


def test_run_killed_twice_has_the_losses_and_weights_of_one_that_was_not(
    tiny_config: TrainConfig, tmp_path: Path
) -> None:
    config, out = tmp_path / "config.yaml", tmp_path / "killed"
    config.write_text(to_yaml(tiny_config))
    _kill(config, out, "after step 6")
    assert [row["step"] for row in read_metrics(out)] == [1, 2, 3, 4, 5, 6]
    _kill(config, out, "in checkpoint")
    torn = out / "checkpoints" / "step-00000008"
    assert (torn / "model.safetensors").is_file()
    assert not is_complete(torn)

    pretrain(tiny_config, out)
    straight = pretrain(tiny_config, tmp_path / "straight")

    clocks = {"clips_per_second", "data_wait_share"}
    wanted, found = (
        [{n: value for n, value in row.items() if n not in clocks} for row in read_metrics(run)]
        for run in (straight, out)
    )
    assert [row["step"] for row in wanted] == list(range(1, 13))
    assert found == wanted
    first, second = (load_checkpoint(latest_checkpoint(run) or run) for run in (straight, out))
    for state in (first.state, second.state):
        del state["random"]["python"]  # the run-time type checker of the tests draws from it
    assert first.state == second.state
    for before, after in ((first.model, second.model), (first.optimiser, second.optimiser)):
        assert before.keys() == after.keys()
        assert all(torch.equal(before[name], after[name]) for name in before)
