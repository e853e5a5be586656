import pickle
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from densewalk.datasets.errors import ConfigError
from densewalk.datasets.stream.order import CanonicalOrder

SIZES = st.lists(st.integers(0, 12), min_size=1, max_size=20).filter(any)
COLUMNS, WINDOW, SEED = st.integers(1, 9), st.integers(1, 15), st.integers(0, 2**63)


def _order(
    sizes: list[int], columns: int = 3, window: int = 4, *, seed: int = 0, identity: str = "a1"
) -> CanonicalOrder:
    return CanonicalOrder(sizes, identity=identity, seed=seed, columns=columns, window=window)


def _epoch(order: CanonicalOrder, epoch: int = 0) -> list[int]:
    return [order.place(epoch, number) for number in range(len(order))]


def _group_of(sizes: list[int]) -> list[int]:
    return [group for group, size in enumerate(sizes) for _ in range(size)]


@given(sizes=SIZES, columns=COLUMNS, window=WINDOW, seed=SEED, epoch=st.integers(0, 10**9))
def test_every_epoch_shows_every_clip_once(sizes: list[int], columns: int, window: int, seed: int, epoch: int) -> None:
    order = _order(sizes, columns, window, seed=seed)
    assert len(order) == sum(sizes)
    assert sorted(_epoch(order, epoch)) == list(range(sum(sizes)))


@given(sizes=SIZES, columns=COLUMNS, window=WINDOW, epoch=st.integers(0, 100))
def test_columns_are_equal_contiguous_parts_of_the_groups_end_to_end(
    sizes: list[int], columns: int, window: int, epoch: int
) -> None:
    order, group_of = _order(sizes, columns, window), _group_of(sizes)
    laid = order._layout(epoch)
    ring = [clip for g in laid.group_G for clip in range(sum(sizes[:g]), sum(sizes[: g + 1]))]
    ring = ring[laid.cut :] + ring[: laid.cut]
    lengths = [len(range(column, len(order), order.columns)) for column in range(order.columns)]
    assert max(lengths) - min(lengths) <= 1
    for column, (length, end) in enumerate(zip(lengths, accumulate(lengths), strict=True)):
        numbers = range(column, len(order), order.columns)
        shown = [order.place(epoch, number) for number in numbers]
        assert {order.column(number) for number in numbers} == {column}
        assert sorted(shown) == sorted(ring[end - length : end])
        assert set(order.groups(epoch, numbers)) == {group_of[clip] for clip in shown}
        # Within a column no clip leaves its window.
        for start in range(0, length, window):
            segment = ring[end - length :][start : min(start + window, length)]
            assert sorted(shown[start : start + window]) == sorted(segment)


@given(sizes=SIZES, columns=COLUMNS, window=WINDOW, data=st.data())
def test_what_may_fill_a_place_is_every_clip_once_beginning_with_its_own(
    sizes: list[int], columns: int, window: int, data: st.DataObject
) -> None:
    order = _order(sizes, columns, window)
    number = data.draw(st.integers(0, len(order) - 1))
    filling = list(order.following(5, number))
    assert filling[0] == order.place(5, number)
    assert sorted(filling) == list(range(len(order)))
    column = [order.place(5, n) for n in range(order.column(number), len(order), order.columns)]
    turn = column.index(filling[0])
    assert filling[: len(column)] == column[turn:] + column[:turn]


def test_groups_are_named_in_the_order_of_first_need() -> None:
    sizes = [5, 0, 7, 9, 4]
    order, group_of = _order(sizes, columns=2, window=3), _group_of(sizes)
    numbers = [3, 1, 17, 3, 4, 0]
    expected = list(dict.fromkeys(group_of[order.place(2, number)] for number in numbers))
    assert order.groups(2, numbers) == expected


def test_epochs_seeds_and_collections_have_orders_of_their_own() -> None:
    sizes = [10] * 10
    orders = [
        tuple(_epoch(order, epoch))
        for order in (_order(sizes), _order(sizes, seed=1), _order(sizes, identity="a2"))
        for epoch in range(3)
    ]
    assert len(set(orders)) == len(orders)


def test_order_is_the_same_whatever_was_asked_before_and_in_other_processes() -> None:
    sizes = [7, 3, 11, 0, 5]
    backwards, copy = _order(sizes), pickle.loads(pickle.dumps(_order(sizes)))
    numbers = list(reversed(range(26)))
    seen = [backwards.place(epoch, number) for number in numbers for epoch in (4, 0)]
    assert seen == [copy.place(epoch, number) for number in numbers for epoch in (4, 0)]
    assert seen[0::2] == _epoch(_order(sizes), 4)[::-1]


def test_order_of_one_case_is_the_one_it_always_was() -> None:
    order = CanonicalOrder([4, 3, 6, 2, 5], identity="00ff", seed=7, columns=2, window=4)
    assert _epoch(order, 0) == [11, 17, 9, 18, 12, 19, 10, 13, 3, 14, 2, 5, 0, 6, 1, 4, 16, 7, 15, 8]
    assert _epoch(order, 1) == [19, 12, 4, 11, 18, 14, 17, 13, 8, 0, 5, 1, 6, 3, 7, 2, 9, 16, 10, 15]


def test_few_clips_are_one_column_and_simply_shuffled() -> None:
    order = CanonicalOrder([3, 3], identity="a", seed=0, columns=64, window=512)
    assert order.columns == 1
    counts = np.zeros((6, 6))
    for epoch in range(1200):
        counts[np.arange(6), _epoch(order, epoch)] += 1
    assert np.ptp(counts) < 100


def test_clips_of_one_large_group_share_a_window_with_others_in_every_epoch() -> None:
    order = CanonicalOrder([100], identity="a", seed=0, columns=2, window=10)
    windows = {frozenset(order.place(epoch, number) for number in range(0, 20, 2)) for epoch in range(8)}
    assert len(windows) == 8


def test_columns_hold_at_least_a_window() -> None:
    assert _order([100], columns=64, window=30).columns == 3
    assert _order([100], columns=2, window=30).columns == 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seed": -1}, "seed=-1 must not be negative"),
        ({"columns": 0}, r"data\.columns=0"),
        ({"window": 0}, r"data\.window=0"),
    ],
)
def test_impossible_settings_are_named(settings: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        _order([4], **settings)
