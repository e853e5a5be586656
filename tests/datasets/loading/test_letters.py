"""Letters arrive whole and in order; arrays come out of shared memory as they went in, without a copy."""

import os
import socket
from pathlib import Path

import numpy as np
import pytest
import torch

from densewalk.datasets.loading.letters import Letter, Letterbox, pack, place_arrays, room_for, send, unpack
from tests.datasets.loading.toy_sources import sample_of


def _through_memory(value: object) -> tuple[object, np.ndarray, int]:
    content, arrays = pack(value)
    memory_N = np.zeros(max(1, room_for(arrays)), dtype=np.uint8)
    place_arrays(arrays, memory_N)
    return unpack(content, memory_N), memory_N, len(content)


def test_samples_come_back_as_views_of_the_memory() -> None:
    sample = sample_of(5, side=64)
    (got,), memory_N, size = _through_memory([sample])
    assert (got.key, got.frames, got.views) == (sample.key, sample.frames, sample.views)
    np.testing.assert_array_equal(got.video_THWC, sample.video_THWC)
    assert torch.equal(got.motion.flow_BP2HW, sample.motion.flow_BP2HW)
    assert got.motion.visible_BPHW.dtype == torch.bool
    assert size < 2500
    for array in (got.video_THWC, got.motion.flow_BP2HW.numpy()):
        assert np.shares_memory(array, memory_N)
        assert array.ctypes.data % 64 == memory_N.ctypes.data % 64
        array[...] = 1  # writable


@pytest.mark.parametrize(
    "array",
    [
        np.arange(24, dtype=np.int16).reshape(2, 3, 4)[:, ::2],
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.zeros((0, 4), dtype=np.float32),
        np.float64(3.5) * np.ones(()),
        np.arange(100, dtype=np.uint8)[::-1],
    ],
)
def test_arrays_of_any_layout_come_back(array: np.ndarray) -> None:
    (got, tensor), _, _ = _through_memory((array, torch.from_numpy(array.copy()).T if array.ndim == 2 else None))
    np.testing.assert_array_equal(got, array)
    assert (got.dtype, got.shape) == (array.dtype, array.shape)
    assert tensor is None or torch.equal(tensor, torch.from_numpy(array.copy()).T)


def test_what_has_no_arrays_needs_no_memory() -> None:
    content, arrays = pack([{"a": 1}])
    assert room_for(arrays) == 0
    assert unpack(content, None) == [{"a": 1}]


def test_letters_that_arrive_in_pieces_are_whole_and_bring_their_descriptors() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    box = Letterbox(ours)
    reading_end, writing_end = os.pipe()
    large = os.urandom(30_000)
    send(theirs, Letter(kind=b"a", ticket=1, content=b"one"))
    send(theirs, Letter(kind=b"b", ticket=2, memory=writing_end, slot=3, capacity=1 << 40))
    head = socket.socketpair()
    send(head[0], Letter(kind=b"c", ticket=3, content=large))
    pieces = head[1].recv(1 << 20)
    theirs.sendall(pieces[:100])
    first = box.empty()
    theirs.sendall(pieces[100:])
    second = box.empty()
    assert [(letter.kind, letter.ticket) for letter in first] == [(b"a", 1), (b"b", 2)]
    assert (first[1].slot, first[1].capacity) == (3, 1 << 40)
    assert second[0].content == large
    os.close(writing_end)
    os.write(first[1].memory, b"through")
    os.close(first[1].memory)
    assert os.read(reading_end, 20) == b"through"
    assert box.empty() == []
    assert not box.ended
    theirs.close()
    assert box.empty() == []
    assert box.ended
    for held in (ours, *head):
        held.close()
    os.close(reading_end)


def test_a_descriptor_whose_letter_never_ends_is_closed() -> None:
    ours, theirs = socket.socketpair()
    before = len(list(Path("/proc/self/fd").iterdir()))
    box = Letterbox(ours)
    ours.setblocking(False)
    descriptor = os.memfd_create("test")
    socket.send_fds(theirs, [b"only the beginning"], [descriptor])
    os.close(descriptor)
    assert box.empty() == []
    box.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    ours.close()
    theirs.close()
