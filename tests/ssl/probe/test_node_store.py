"""Stored nodes come back as they went in, each with what its cell shows."""

from pathlib import Path

import numpy as np
import pytest
import torch

from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.probe.node_store import NodeStore


def test_nodes_come_back_in_order_whatever_the_batch_and_files_go_with_the_store() -> None:
    maps = [torch.randn((5, 2, 3)), torch.randn((5, 4, 4))]
    with NodeStore(num_classes=2) as store:
        for number, feature in enumerate(maps):
            store.add(feature, np.full((8, 12), number, np.uint8))
        rows = torch.cat([feature.flatten(1).T for feature in maps])
        for size in (1, 5, 100):
            batches = list(store.batches(size))
            assert torch.equal(torch.cat([x for x, _ in batches]), rows.double())
            assert torch.cat([share for _, share in batches]).argmax(1).tolist() == [0] * 6 + [1] * 16
        folder = Path(store._folder.name)
        assert folder.is_dir()
    assert not folder.exists()


def test_labels_that_are_no_class_and_features_of_another_width_are_refused() -> None:
    with NodeStore(num_classes=2) as store:
        with pytest.raises(BenchmarkError, match="label 2, expected 0 to 1 or 255"):
            store.add(torch.zeros((3, 2, 2)), np.full((4, 4), 2, np.uint8))
        store.add(torch.zeros((3, 2, 2)), np.zeros((4, 4), np.uint8))
        with pytest.raises(BenchmarkError, match="4 channels, of others 3"):
            store.add(torch.zeros((4, 2, 2)), np.zeros((4, 4), np.uint8))


def test_a_full_disk_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with NodeStore(num_classes=2) as store:
        monkeypatch.setattr(Path, "open", full)
        with pytest.raises(BenchmarkError, match=r"No space left .* set TMPDIR"):
            store.add(torch.zeros((3, 2, 2)), np.zeros((4, 4), np.uint8))
        monkeypatch.undo()
