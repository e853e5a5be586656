"""Parts on disk: nothing lost, order kept."""

from pathlib import Path

import numpy as np
import pytest

from densewalk.pipelines.dedup.partitions import Parts, read_records

KIND = np.dtype("<u8")


@pytest.mark.parametrize("memory_bytes", [8, 100, 1 << 20])
def test_records_come_back_by_digit_in_the_order_they_were_added(tmp_path: Path, memory_bytes: int) -> None:
    records = np.random.default_rng(0).integers(0, 1 << 16, 500).astype(KIND)
    parts = Parts(tmp_path / "parts", lambda values: values >> np.uint64(8), memory_bytes=memory_bytes)
    for chunk in np.split(records, [7, 7, 200]):
        parts.add(chunk)
    read = [np.concatenate(list(read_records(path, KIND, memory_bytes=64))) for path in parts.files()]
    digits = [int(values[0]) >> 8 for values in read]
    assert digits == sorted(set((records >> np.uint64(8)).tolist()))
    for digit, values in zip(digits, read, strict=True):
        assert values.tolist() == records[records >> np.uint64(8) == digit].tolist()


def test_nothing_added_gives_no_file(tmp_path: Path) -> None:
    assert not list(Parts(tmp_path / "parts", lambda values: values, memory_bytes=8).files())
