"""The example at the head of the package runs as it is printed."""

import doctest

from densewalk.ssl import walk


def test_the_worked_example_is_true() -> None:
    result = doctest.testmod(walk)
    assert result.attempted >= 10
    assert result.failed == 0
