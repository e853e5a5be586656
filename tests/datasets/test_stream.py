import itertools
import threading
import time
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.old_stream import BatchStream
from densewalk.datasets.views import ClipBatch, View


class Numbers:
    """A source of `length` samples per epoch whose keys are their numbers; `delays` makes threads overtake."""

    def __init__(self, length: int = 10, *, fails: frozenset[int] = frozenset(), delays: bool = False) -> None:
        self.length, self.fails, self.delays = length, fails, delays
        self.asked: list[int] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self.length

    def sample(self, number: int) -> ClipBatch:
        with self._lock:
            self.asked.append(number)
        if self.delays:
            time.sleep((number * 7919 % 5) / 1000)
        if number in self.fails:
            raise DataError(f"sample {number} is broken")
        view = View(
            video_BTCHW=torch.full((1, 1, 3, 1, 1), number % 256, dtype=torch.uint8),
            clip_from_view_B33=torch.eye(3)[None],
            frame_BT=torch.tensor([[number]]),
        )
        return ClipBatch(keys=(str(number),), views=(view,))


def _numbers(batch: ClipBatch) -> list[int]:
    numbers = [int(key) for key in batch.keys]
    assert batch.views[0].frame_BT[:, 0].tolist() == numbers
    return numbers


def _read(length: int, batch_size: int, world_size: int, num_batches: int, state: dict[str, int]) -> list[int]:
    """Read global batches as a world of processes would and return their numbers in order; leave the end in `state`."""
    streams = [BatchStream(Numbers(length), batch_size, rank=r, world_size=world_size) for r in range(world_size)]
    try:
        for stream in streams:
            stream.load_state_dict(state)
        numbers = [n for _ in range(num_batches) for stream in streams for n in _numbers(next(stream))]
        states = [stream.state_dict() for stream in streams]
        assert all(other == states[0] for other in states)
        state.update(states[0])
    finally:
        for stream in streams:
            stream.close()
    return numbers


@given(
    length=st.integers(1, 30),
    legs=st.lists(st.tuples(st.sampled_from([1, 2, 4]), st.sampled_from([4, 8]), st.integers(0, 5)), max_size=4),
)
@settings(max_examples=30, deadline=None)
def test_killed_and_resumed_worlds_of_any_size_see_every_sample_once(
    length: int, legs: list[tuple[int, int, int]]
) -> None:
    state = {"epoch": 0, "consumed": 0}
    seen: list[int] = []
    for world_size, batch_size, num_batches in legs:
        seen += _read(length, batch_size, world_size, num_batches, state)
    assert seen == list(range(len(seen)))
    assert state == dict(zip(("epoch", "consumed"), divmod(len(seen), length), strict=True))
    epochs = Counter(number // length for number in seen)
    assert all(count == length for epoch, count in epochs.items() if epoch < len(seen) // length)


@pytest.mark.parametrize("world_size", [1, 2, 4])
def test_every_world_size_shares_the_same_global_batches(world_size: int) -> None:
    streams = [BatchStream(Numbers(), 8, rank=r, world_size=world_size, workers=2) for r in range(world_size)]
    for batch in range(4):
        parts = [_numbers(next(stream)) for stream in streams]
        assert {len(part) for part in parts} == {8 // world_size}
        assert [number for part in parts for number in part] == list(range(batch * 8, batch * 8 + 8))
    for stream in streams:
        stream.close()


def test_order_holds_when_threads_overtake_each_other() -> None:
    with BatchStream(Numbers(delays=True), 3, workers=4) as stream:
        numbers = [number for batch in itertools.islice(stream, 12) for number in _numbers(batch)]
    assert numbers == list(range(36))


def test_state_counts_what_was_delivered_not_what_was_prepared() -> None:
    source = Numbers(10)
    with BatchStream(source, 4, workers=2) as stream:
        assert stream.state_dict() == {"epoch": 0, "consumed": 0}
        for _ in range(3):
            next(stream)
        deadline = time.monotonic() + 10
        while max(source.asked) < 12 and time.monotonic() < deadline:
            time.sleep(0.001)
        assert stream.state_dict() == {"epoch": 1, "consumed": 2}
    assert max(source.asked) >= 12


@pytest.mark.parametrize(("batch_size", "workers"), [(1, 1), (1, 4), (4, 2)])
def test_look_ahead_is_bounded(batch_size: int, workers: int) -> None:
    source = Numbers(1000)
    with BatchStream(source, batch_size, workers=workers) as stream:
        next(stream)
        time.sleep(0.05)
        assert len(source.asked) <= batch_size * 2 + workers + batch_size


def test_loading_a_state_drops_what_was_prepared() -> None:
    with BatchStream(Numbers(10), 2, workers=2) as stream:
        next(stream)
        stream.load_state_dict({"epoch": 3, "consumed": 7})
        assert _numbers(next(stream)) == [37, 38]
        stream.load_state_dict({"epoch": 0, "consumed": 0})
        assert _numbers(next(stream)) == [0, 1]


def test_error_surfaces_at_its_batch_and_leaves_the_state_before_it() -> None:
    source = Numbers(100, fails=frozenset({5}))
    with BatchStream(source, 2, workers=3) as stream:
        assert [_numbers(next(stream)) for _ in range(2)] == [[0, 1], [2, 3]]
        for _ in range(2):
            with pytest.raises(DataError, match="sample 5 is broken"):
                next(stream)
            assert stream.state_dict() == {"epoch": 0, "consumed": 4}
        source.fails = frozenset()
        assert _numbers(next(stream)) == [4, 5]


def test_closed_stream_has_no_threads_and_gives_nothing() -> None:
    before = threading.active_count()
    stream = BatchStream(Numbers(), 2, workers=3)
    next(stream)
    assert threading.active_count() > before
    stream.close()
    stream.close()
    assert threading.active_count() == before
    with pytest.raises(RuntimeError):
        next(stream)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 6, "world_size": 4}, "batch_size=6 is not divisible by 4 processes; use a multiple of 4"),
        ({"batch_size": 0}, "batch_size=0; expected at least 1"),
        ({"batch_size": 4, "workers": 0}, r"data\.workers=0; expected at least 1 thread"),
        ({"batch_size": 4, "rank": 2, "world_size": 2}, "rank 2 of a world of 2 processes does not exist"),
        ({"batch_size": 4, "world_size": 0}, "does not exist"),
    ],
)
def test_impossible_settings_are_named(settings: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        BatchStream(Numbers(), **settings)
