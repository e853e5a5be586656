"""The memory of patches answers as open-hummingbird-eval's does; its numbers stand here, its code does not."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.metrics.miou import class_iou, confusion
from densewalk.ssl.probe.cells import count_labels
from densewalk.ssl.probe.patch_memory import PatchMemory, PatchMemoryBuilder, rare_patches

RELEASED: list[tuple[dict[str, Any], float]] = [
    (
        {"classes": 5, "grid": 8, "patch": 4, "dim": 16, "train": 6, "test": 4, "memory": 0, "void": True},
        52.92511395450654,
    ),
    (
        {"classes": 21, "grid": 16, "patch": 8, "dim": 32, "train": 10, "test": 5, "memory": 640, "void": True},
        45.06760053982795,
    ),
    (
        {"classes": 11, "grid": 14, "patch": 4, "dim": 64, "train": 12, "test": 6, "memory": 1200, "void": False},
        79.85339760502193,
    ),
]
"""Random cases and the mIoU of the released scorer on them (faiss, seed 0 to 2, 30 neighbours)."""


@pytest.mark.parametrize(("seed", "case", "expected"), [(i, *row) for i, row in enumerate(RELEASED)])
def test_random_cases_score_as_the_released_scorer_does(seed: int, case: dict[str, Any], expected: float) -> None:
    memory, test = _filled(seed, case)
    count = np.zeros((case["classes"], case["classes"]), np.int64)
    for feature, label in test:
        share = memory.read(feature, count=30, temperature=0.02)
        predicted = F.interpolate(share[None], label.shape, mode="bilinear")[0].argmax(0)
        count += confusion(predicted.to(torch.uint8).numpy(), label, num_classes=case["classes"])
    assert sum(class_iou(count).values()) / case["classes"] == pytest.approx(expected, abs=1e-6)


def _filled(seed: int, case: dict[str, Any]) -> tuple[PatchMemory, list[tuple[torch.Tensor, np.ndarray]]]:
    """Return a memory filled as the released code fills it, void as class 0, and the test images."""
    rng = np.random.default_rng(seed)
    prototype = rng.normal(size=(case["classes"], case["dim"]))
    items = [_item(rng, prototype, case) for _ in range(case["train"] + case["test"])]
    builder = PatchMemoryBuilder(per_image=case["memory"] // case["train"], seed=seed)
    place = torch.zeros(case["grid"] ** 2, 2)
    for number, (feature, label) in enumerate(items[: case["train"]]):
        folded = np.where(label == 255, 0, label).astype(np.uint8)
        counts = count_labels(folded, (case["grid"],) * 2, num_classes=case["classes"])
        builder.add(feature, torch.from_numpy(counts), source=number, place_N2=place)
    return builder.build("auto"), items[case["train"] :]


def _item(rng: np.random.Generator, prototype: np.ndarray, case: dict[str, Any]) -> tuple[torch.Tensor, np.ndarray]:
    grid, patch, side = case["grid"], case["patch"], case["grid"] * case["patch"]
    coarse = rng.integers(len(prototype), size=(max(2, grid // 2),) * 2)
    label = np.kron(coarse, np.ones((side // len(coarse),) * 2)).astype(np.uint8)
    label = np.roll(label, int(rng.integers(side)), 0)
    feature = prototype[label[patch // 2 :: patch, patch // 2 :: patch].ravel()]
    feature = feature + rng.normal(size=feature.shape) * 1.5
    if case["void"]:
        label[rng.random(label.shape) < 0.05] = 255
        label[:patch, :patch] = 255
    return torch.from_numpy(feature.T.reshape(-1, grid, grid)).float(), label


def test_patches_of_rare_classes_are_kept_and_those_without_a_label_never() -> None:
    counts = torch.zeros(100, 2, dtype=torch.long)
    counts[:90, 0] = 1
    counts[90:95, 1] = 1
    kept = [rare_patches(counts, 10, torch.Generator().manual_seed(seed)) for seed in range(50)]
    assert all(len(k) == 10 and k.max() < 95 for k in kept)
    assert sum(int((k >= 90).sum()) for k in kept) / 50 > 3  # half a patch by chance alone
    assert len(rare_patches(counts, 1000, torch.Generator())) == 95


def test_a_share_is_of_the_labelled_pixels_and_votes_are_weighed_by_cosine() -> None:
    builder = PatchMemoryBuilder(per_image=0, seed=0)
    feature = torch.tensor([[3.0, 0.0, 1.0], [0.0, 4.0, 1.0]])[:, None]
    builder.add(feature, torch.tensor([[3, 1], [0, 2], [0, 0]]), source=5, place_N2=torch.zeros(3, 2))
    memory = builder.build("torch")
    assert len(memory) == 2
    assert memory.source_M.tolist() == [5, 5]
    share = memory.read(torch.tensor([2.0, 0.0])[:, None, None], count=30, temperature=0.5)
    weight = torch.tensor([2.0, 0.0]).softmax(0)
    expected = weight[0] * torch.tensor([0.75, 0.25]) + weight[1] * torch.tensor([0.0, 1.0])
    assert torch.allclose(share[:, 0, 0], expected)


def test_a_memory_without_any_label_is_refused() -> None:
    builder = PatchMemoryBuilder(per_image=3, seed=0)
    builder.add(torch.ones(2, 1, 1), torch.zeros(1, 4, dtype=torch.long), source=0, place_N2=torch.zeros(1, 2))
    with pytest.raises(BenchmarkError, match="every label is 255"):
        builder.build("auto")
