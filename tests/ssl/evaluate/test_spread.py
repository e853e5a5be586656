"""Items that stand for a set: every n-th from the first on."""

import pytest

from densewalk.ssl.evaluate.spread import spread_over


@pytest.mark.parametrize(
    ("count", "wanted", "numbers"),
    [(7, 3, [0, 2, 4]), (7, 7, range(7)), (7, 100, range(7)), (7, 0, range(7)), (7, 4, [0, 1, 2, 3]), (0, 5, [])],
)
def test_every_nth_is_taken_from_the_first_on(count: int, wanted: int, numbers: list[int]) -> None:
    assert list(spread_over(count, wanted)) == list(numbers)


def test_of_flying_things_every_seventh_pair_is_taken_as_gmflow_does() -> None:
    chosen = spread_over(7866, 1024)
    assert (len(chosen), chosen.step, chosen[-1]) == (1024, 7, 7161)
