"""Stored nodes come back as they went in, each with what its cell shows."""

from pathlib import Path

import numpy as np
import pytest
import torch

from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.probe.node_store import NodeStore, cell_shares


@pytest.mark.parametrize(("size_hw", "grid_hw"), [((8, 12), (2, 3)), ((7, 5), (3, 2)), ((4, 4), (6, 6))])
def test_every_pixel_belongs_to_the_cell_of_its_nearest_node(
    size_hw: tuple[int, int], grid_hw: tuple[int, int]
) -> None:
    label = np.random.default_rng(0).integers(0, 3, size_hw).astype(np.uint8)
    label[0, 0] = 255
    expected, pixels = np.zeros((*grid_hw, 3)), np.zeros(grid_hw)
    for y, x in np.ndindex(size_hw):
        cell = tuple(
            int(np.abs((np.arange(n) + 0.5) / n - (place + 0.5) / side).argmin())
            for place, n, side in zip((y, x), grid_hw, size_hw, strict=True)
        )
        pixels[cell] += 1
        if label[y, x] != 255:
            expected[(*cell, label[y, x])] += 1
    found = cell_shares(label, grid_hw, num_classes=3)
    if size_hw != (7, 5):  # pixels half way between two nodes belong to either
        assert np.allclose(found, (expected / np.maximum(pixels, 1)[..., None]).reshape(-1, 3))
    assert found.sum() <= grid_hw[0] * grid_hw[1]
    assert np.isclose(found.sum(1), 1).sum() >= (pixels > 0).sum() - 1


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
