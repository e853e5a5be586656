"""Files of other projects are read without running code, and fill a network completely or not at all."""

import argparse
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from densewalk.datasets.errors import DataError
from densewalk.ssl.encoders.weights_file import fill_network, read_tensors, some_names

TENSORS = {"a.weight": torch.arange(3.0), "b": torch.ones(2, 2)}


def _same(read: dict[str, Tensor], expected: dict[str, Tensor]) -> bool:
    return read.keys() == expected.keys() and all(torch.equal(read[name], expected[name]) for name in expected)


@pytest.mark.parametrize(
    "content",
    [
        TENSORS,
        {"state_dict": TENSORS, "epoch": 3},
        {"model": {f"module.{name}": value for name, value in TENSORS.items()}, "args": argparse.Namespace(lr=1.0)},
        {"student": {"c": torch.zeros(1)}, "teacher": TENSORS, "optimizer": {"state": {}}},
        {"model": {"state_dict": TENSORS}},
    ],
    ids=["bare", "state_dict", "data parallel with settings", "teacher before student", "nested"],
)
def test_wrappers_are_taken_off(tmp_path: Path, content: dict[str, object]) -> None:
    torch.save(content, tmp_path / "weights.pth")
    assert _same(read_tensors(tmp_path / "weights.pth"), TENSORS)


def test_safetensors_are_read(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "weights.safetensors")
    assert _same(read_tensors(tmp_path / "weights.safetensors"), TENSORS)


class _Malice:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("ran",)


def test_code_in_a_file_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"model": TENSORS, "args": _Malice()}, "weights.pth")
    with pytest.raises(DataError, match=r"weights\.pth cannot be read as weights without running code") as caught:
        read_tensors(Path("weights.pth"))
    assert "mkdir" in str(caught.value)
    assert "weights_only" not in str(caught.value)
    assert "safe_globals" not in str(caught.value)
    assert not Path("ran").exists()


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.pth").touch()
    with pytest.raises(DataError, match=r"empty\.pth cannot be read as weights"):
        read_tensors(tmp_path / "empty.pth")


@pytest.mark.parametrize("name", ["cut.pth", "cut.safetensors"])
def test_damaged_files_are_named(tmp_path: Path, name: str) -> None:
    torch.save(TENSORS, tmp_path / "whole.pth")
    (tmp_path / name).write_bytes((tmp_path / "whole.pth").read_bytes()[:500])
    with pytest.raises(DataError, match=name):
        read_tensors(tmp_path / name)


def test_what_is_no_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no weights at"):
        read_tensors(tmp_path / "absent.pth")
    torch.save([torch.ones(1)], tmp_path / "list.pth")
    with pytest.raises(DataError, match="holds no tensors by name"):
        read_tensors(tmp_path / "list.pth")
    torch.save({"a": torch.ones(1), "version": 3}, tmp_path / "mixed.pth")
    with pytest.raises(DataError, match="no tensors among its weights: version"):
        read_tensors(tmp_path / "mixed.pth")


def test_what_does_not_fit_is_named_and_changes_nothing() -> None:
    network = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    tensors = {
        "0.weight": torch.ones(3, 4),
        "0.bias": torch.ones(3),
        "1.weight": torch.ones(1, 3),
        "2.bias": torch.ones(1),
    }
    with pytest.raises(DataError) as refusal:
        fill_network(network, tensors, Path("weights.pth"))
    message = str(refusal.value)
    assert "missing: 1.bias" in message
    assert "unexpected: 2.bias" in message
    assert "0.weight is (3, 4), expected (3, 2)" in message
    assert _same(network.state_dict(), before)


def test_counters_of_batches_may_be_absent() -> None:
    network = nn.BatchNorm1d(2)
    tensors = {name: torch.full((2,), 7.0) for name in ("weight", "bias", "running_mean", "running_var")}
    fill_network(network, tensors, Path("weights.pth"))
    assert torch.equal(network.running_mean, tensors["running_mean"])


def test_long_lists_of_names_are_cut() -> None:
    assert some_names(["b", "a"]) == "a, b"
    assert some_names("abcdefgh", limit=2) == "a, b and 6 more"
