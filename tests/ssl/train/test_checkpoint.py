"""Tests of checkpoints on disk."""

from pathlib import Path

import pytest
import torch

from densewalk.datasets.errors import TrainingError
from densewalk.ssl.train.checkpoint import (
    Checkpoint,
    checkpoint_step,
    is_complete,
    latest_checkpoint,
    load_checkpoint,
    load_model,
    save_checkpoint,
)


def _checkpoint(step: int) -> Checkpoint:
    weight = torch.arange(6.0).reshape(2, 3) + step
    return Checkpoint(
        step=step,
        model={"weight": weight.T, "tied": weight.T, "count": torch.tensor(step)},
        optimiser={"weight/exp_avg": weight / 3, "weight/step": torch.tensor(float(step))},
        state={"stream": {"epoch": 1, "consumed": step}},
    )


def _save(run: Path, step: int, keep: int = 2) -> Path:
    return save_checkpoint(run, _checkpoint(step), keep=keep)


def test_what_is_saved_is_loaded_exactly_tied_and_transposed_tensors_included(tmp_path: Path) -> None:
    saved = _checkpoint(7)
    loaded = load_checkpoint(save_checkpoint(tmp_path, saved, keep=1))
    assert loaded.step == 7
    assert loaded.state == saved.state
    for name in ("model", "optimiser"):
        before, after = getattr(saved, name), getattr(loaded, name)
        assert before.keys() == after.keys()
        assert all(torch.equal(before[key], after[key]) and before[key].dtype == after[key].dtype for key in before)


def test_folder_has_the_documented_files_and_no_leftovers(tmp_path: Path) -> None:
    folder = _save(tmp_path, 1000)
    assert folder == tmp_path / "checkpoints" / "step-00001000"
    names = {path.name for path in folder.iterdir()}
    assert names == {"model.safetensors", "optimiser.safetensors", "state.json", "COMPLETE"}


def test_same_state_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = _save(tmp_path / "a", 3), _save(tmp_path / "b", 3)
    assert all((first / path.name).read_bytes() == path.read_bytes() for path in second.iterdir())


def test_newest_is_found_by_number_and_only_the_last_n_stay(tmp_path: Path) -> None:
    for step in (9, 10, 100_000_000, 200_000_000):
        folder = _save(tmp_path, step)
    assert latest_checkpoint(tmp_path) == folder
    assert sorted(map(checkpoint_step, (tmp_path / "checkpoints").iterdir())) == [100_000_000, 200_000_000]


def test_run_without_checkpoints_has_no_latest(tmp_path: Path) -> None:
    assert latest_checkpoint(tmp_path) is None
    assert latest_checkpoint(tmp_path / "absent") is None


def test_incomplete_folder_is_ignored_not_counted_as_kept_and_replaced(tmp_path: Path) -> None:
    complete, torn = _save(tmp_path, 4), _save(tmp_path, 8)
    (torn / "COMPLETE").unlink()
    (torn / "model.safetensors").write_bytes(b"half")
    (torn / "model.safetensors.partial").write_bytes(b"half")
    assert not is_complete(torn)
    assert latest_checkpoint(tmp_path) == complete
    with pytest.raises(TrainingError, match="not a complete checkpoint"):
        load_checkpoint(torn)
    assert _save(tmp_path, 8) == torn
    assert load_checkpoint(torn).step == 8
    assert complete.is_dir()
    assert not (torn / "model.safetensors.partial").exists()


def test_death_at_any_write_leaves_the_checkpoint_before_as_latest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _save(tmp_path, 4)
    replace, calls = Path.replace, [0]
    for last_write in range(4):
        calls[0] = 0

        def die(self: Path, target: Path, last_write: int = last_write) -> Path:
            calls[0] += 1
            if calls[0] > last_write:
                raise KeyboardInterrupt
            return replace(self, target)

        monkeypatch.setattr(Path, "replace", die)
        with pytest.raises(KeyboardInterrupt):
            _save(tmp_path, 8)
        assert latest_checkpoint(tmp_path) == before
    monkeypatch.setattr(Path, "replace", replace)
    folder = _save(tmp_path, 8)
    assert latest_checkpoint(tmp_path) == folder
    assert load_checkpoint(folder).step == 8


@pytest.mark.parametrize("name", ["model.safetensors", "optimiser.safetensors", "state.json"])
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_damaged_file_is_named_with_the_way_out(tmp_path: Path, name: str, damage: str) -> None:
    folder = _save(tmp_path, 1)
    path = folder / name
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-3])
    else:
        path.unlink()
    with pytest.raises(TrainingError) as caught:
        load_checkpoint(folder)
    assert str(path) in str(caught.value)
    assert f"remove the folder {folder}" in str(caught.value)


def test_weights_alone_can_be_read(tmp_path: Path) -> None:
    assert load_model(_save(tmp_path, 2)).keys() == _checkpoint(2).model.keys()


def test_folder_of_another_name_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="step-00001000"):
        checkpoint_step(tmp_path)


@pytest.mark.parametrize("content", ["[]", "null", "{}", '{"step": 2}', '{"step": "x"}'])
def test_state_that_is_none_or_of_another_step_is_named(tmp_path: Path, content: str) -> None:
    folder = _save(tmp_path, 1)
    (folder / "state.json").write_text(content)
    with pytest.raises(TrainingError, match=r"state\.json: it is not the state after the step"):
        load_checkpoint(folder)
