"""Pairs by the worse clip: complete, in order, once each, whatever the memory."""

from pathlib import Path

import numpy as np
import pytest

from densewalk.pipelines.dedup.pairs import Pairs


@pytest.mark.parametrize("memory_bytes", [512, 16_384, 1 << 20])
def test_pairs_come_back_once_by_the_worse_clip(tmp_path: Path, memory_bytes: int) -> None:
    rng = np.random.default_rng(0)
    worse_P = rng.integers(1000, 90_000, 3000).astype(np.uint64)
    better_P = (worse_P * rng.random(3000)).astype(np.uint64)
    worse_P[:600], better_P[:600] = 70_001, np.arange(600) // 2
    pairs = Pairs(tmp_path / "pairs", range(1000, 90_000), memory_bytes=memory_bytes)
    for chunk in np.split(worse_P << np.uint64(32) | better_P, 10):
        pairs.add(chunk)
    read = list(pairs.by_worse())
    assert [worse for worse, _ in read] == sorted(set(worse_P.tolist()))
    assert all(betters == sorted(set(betters)) for _, betters in read)
    expected = sorted(set(zip(worse_P.tolist(), better_P.tolist(), strict=True)))
    assert [(worse, better) for worse, betters in read for better in betters] == expected
