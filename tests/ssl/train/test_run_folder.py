"""Tests of a run's identity."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from densewalk.datasets.errors import ConfigError, DataError
from densewalk.ssl.train.checkpoint import Checkpoint, save_checkpoint
from densewalk.ssl.train.config import TrainConfig
from densewalk.ssl.train.run_folder import check_config, is_finished, locked_run, read_run_card, write_start


def _save(run: Path, step: int) -> None:
    tensors = {"weight": torch.zeros(1)}
    save_checkpoint(run, Checkpoint(step=step, model=tensors, optimiser=tensors, state={}), keep=9)


@pytest.fixture
def run(tmp_path: Path, tiny_config: TrainConfig) -> Path:
    write_start(tmp_path, tiny_config, identities={"corpus": "abc"})
    return tmp_path


def test_same_configuration_may_go_on(run: Path, tiny_config: TrainConfig) -> None:
    check_config(run, tiny_config)


def test_new_folder_takes_any_configuration(tmp_path: Path, tiny_config: TrainConfig) -> None:
    check_config(tmp_path / "absent", tiny_config)


def test_every_difference_is_listed_from_old_to_new(run: Path, tiny_config: TrainConfig) -> None:
    changed = replace(
        tiny_config,
        batch_size=3,
        optimiser=replace(tiny_config.optimiser, lr=0.5),
        objective=replace(tiny_config.objective, matcher=replace(tiny_config.objective.matcher, dim=32)),
    )
    with pytest.raises(ConfigError) as caught:
        check_config(run, changed)
    message = str(caught.value)
    assert "batch_size: 2 -> 3" in message
    assert "optimiser.lr: 0.0003 -> 0.5" in message
    assert "objective.matcher.dim: 16 -> 32" in message
    assert message.count("->") == 4


def test_steps_may_grow_and_not_shrink(run: Path, tiny_config: TrainConfig) -> None:
    check_config(run, replace(tiny_config, steps=13))
    with pytest.raises(ConfigError, match="steps: 12 -> 11"):
        check_config(run, replace(tiny_config, steps=11))


def test_what_does_not_change_the_numbers_may_change(run: Path, tiny_config: TrainConfig) -> None:
    data = replace(tiny_config.data, workers=5)
    check_config(
        run,
        replace(tiny_config, data=data, checkpoint_every=9, keep_checkpoints=7, log_every=2, threads=3, device="auto"),
    )


def test_field_that_one_side_lacks_is_a_difference(run: Path, tiny_config: TrainConfig) -> None:
    path = run / "config.yaml"
    path.write_text(path.read_text().replace("seed: 0\n", "old_option: 1\n"))
    with pytest.raises(ConfigError) as caught:
        check_config(run, tiny_config)
    assert "seed: (absent) -> 0" in str(caught.value)
    assert "old_option: 1 -> (absent)" in str(caught.value)


def test_unreadable_configuration_is_named(run: Path, tiny_config: TrainConfig) -> None:
    for content in (b"a: [", b"\xff\xfe\x00"):
        (run / "config.yaml").write_bytes(content)
        with pytest.raises(ConfigError, match=r"config\.yaml is not YAML"):
            check_config(run, tiny_config)


def test_checkpoints_without_a_configuration_are_not_touched(tmp_path: Path, tiny_config: TrainConfig) -> None:
    _save(tmp_path, 3)
    with pytest.raises(ConfigError, match=r"no config\.yaml"):
        check_config(tmp_path, tiny_config)


def test_run_is_finished_at_its_last_step(run: Path, tiny_config: TrainConfig) -> None:
    assert not is_finished(run, tiny_config)
    _save(run, 11)
    assert not is_finished(run, tiny_config)
    _save(run, 12)
    assert is_finished(run, tiny_config)
    assert not is_finished(run, replace(tiny_config, steps=13))


def test_card_tells_command_versions_and_commit_and_adds_every_later_start(
    run: Path, tiny_config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read_run_card(run)
    assert first["command"] == sys.argv
    assert first["datasets"] == {"corpus": "abc"}
    assert first["resumed"] == []
    assert first["versions"]["torch"] == torch.__version__
    assert "densewalk" in first["versions"]
    assert first["commit"] is None or len(first["commit"].removesuffix("-dirty")) == 40
    _save(run, 4)
    monkeypatch.setattr(sys, "argv", ["densewalk", "again"])
    write_start(run, tiny_config, identities={"corpus": "abc"})
    card = json.loads((run / "run.json").read_text())
    assert card["command"] == first["command"]
    assert [(start["step"], start["command"]) for start in card["resumed"]] == [(4, ["densewalk", "again"])]


def test_dataset_with_other_content_cannot_continue_a_run(run: Path, tiny_config: TrainConfig) -> None:
    write_start(run, tiny_config, identities={"corpus": "abcd"})  # nothing was learnt yet
    _save(run, 4)
    with pytest.raises(DataError, match=r"corpus is not what .* was started on"):
        write_start(run, tiny_config, identities={"corpus": "abc"})


def test_data_may_move_and_nothing_else(run: Path, tiny_config: TrainConfig) -> None:
    write_start(run, tiny_config, identities={"2*corpus": "abcd", "other": "1234"})
    _save(run, 4)
    write_start(run, tiny_config, identities={"2*s3://b/corpus": "abcd", "other": "1234"})
    assert read_run_card(run)["resumed"][-1]["datasets"] == {"2*s3://b/corpus": "abcd", "other": "1234"}
    for moved in (
        {"corpus": "abcd", "other": "1234"},
        {"other": "1234", "2*corpus": "abcd"},
        {"2*corpus": "abcd"},
        {"2*corpus": "abcd", "other": "1234", "third": "5678"},
    ):
        with pytest.raises(ConfigError, match=r"data\.datasets=.* is other data than"):
            write_start(run, tiny_config, identities=moved)


def test_finished_run_is_not_taken_for_one_on_other_data(run: Path, tiny_config: TrainConfig) -> None:
    other = replace(tiny_config, data=replace(tiny_config.data, datasets=("other",), scene_weight=0.5))
    same_share = replace(tiny_config, data=replace(tiny_config.data, scene_weight=0.5))
    write_start(run, same_share, identities={})
    _save(run, 4)
    check_config(run, other)
    _save(run, 12)
    with pytest.raises(ConfigError, match=r"data\.datasets: .*other"):
        check_config(run, other)


def test_folder_that_cannot_be_made_is_a_config_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="--out"), locked_run(tmp_path / "file" / "run"):
        pass


def test_second_process_is_kept_out_until_the_first_has_ended(tmp_path: Path) -> None:
    with locked_run(tmp_path), pytest.raises(ConfigError, match="another process"), locked_run(tmp_path):
        pass
    script = f"import fcntl; fcntl.flock(open({str(tmp_path / '.lock')!r}, 'wb'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff"])
def test_damaged_card_is_named(run: Path, content: bytes) -> None:
    (run / "run.json").write_bytes(content)
    with pytest.raises(DataError, match=r"run\.json is .*--out"):
        read_run_card(run)
