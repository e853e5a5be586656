"""A few of many reach from the first to the last."""

import pytest

from densewalk.ssl.show.evenly import evenly


@pytest.mark.parametrize(
    ("count", "wanted", "shown"),
    [(9, 3, [0, 4, 8]), (3, 3, [0, 1, 2]), (2, 6, [0, 1]), (1, 4, [0]), (0, 4, []), (10, 4, [0, 3, 6, 9])],
)
def test_the_first_and_the_last_are_shown_and_nothing_twice(count: int, wanted: int, shown: list[int]) -> None:
    assert evenly(count, wanted) == shown


def test_when_fewer_are_there_all_are_shown() -> None:
    assert all(evenly(count, 20) == list(range(count)) for count in range(21))
