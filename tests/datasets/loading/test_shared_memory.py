"""Blocks are shared, keep no descriptor, and are gone with the last array; leases tell when that is."""

import gc
import os
from collections import deque
from pathlib import Path

import numpy as np
import pytest

from densewalk.datasets.loading.shared_memory import Block, Lease, new_block


def _mappings() -> int:
    return Path("/proc/self/maps").read_text().count("memfd:densewalk")


def test_two_mappings_of_a_block_are_the_same_memory() -> None:
    descriptor = new_block(1000)
    one, other = Block(descriptor, 1000), Block(descriptor, 1000)
    os.close(descriptor)
    one.bytes_N[17] = 5
    assert other.bytes_N[17] == 5
    assert other.bytes_N.sum() == 5


def test_a_mapping_holds_no_descriptor_and_goes_with_the_last_array() -> None:
    before, mapped = len(list(Path("/proc/self/fd").iterdir())), _mappings()
    descriptor = new_block(1 << 20)
    part_N = Block(descriptor, 1 << 20).bytes_N[10:20]
    os.close(descriptor)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert _mappings() == mapped + 1
    part_N[:] = 3
    del part_N
    gc.collect()
    assert _mappings() == mapped


def test_a_block_that_cannot_be_mapped_is_an_error() -> None:
    descriptor = new_block(1 << 12)
    with pytest.raises(OSError, match="mapping 9223372036854771712 bytes of shared memory"):
        Block(descriptor, (1 << 63) - 4096)
    os.close(descriptor)


def test_a_lease_ends_with_the_last_view_of_it() -> None:
    descriptor = new_block(64)
    block, returned = Block(descriptor, 64), deque[int]()
    os.close(descriptor)
    views = [memoryview(Lease(block, 7, returned).bytes_N)[:8], np.zeros(0)]
    views[1] = np.frombuffer(views[0], dtype=np.uint8)
    views[0] = None
    gc.collect()
    assert not returned
    views.clear()
    gc.collect()
    assert list(returned) == [7]
