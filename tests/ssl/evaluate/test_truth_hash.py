"""The version of the data changes with names, truth and what is left out, and with nothing else."""

import numpy as np

from densewalk.ssl.evaluate.truth_hash import TruthHash

FIRST, SECOND = np.arange(6, dtype=np.uint8).reshape(2, 3), np.zeros((2, 3), np.uint8)


def _digits(*items: tuple[str, np.ndarray | None]) -> str:
    truth_hash = TruthHash()
    for name, truth in items:
        truth_hash.add(name, truth)
    return truth_hash.digits


def test_the_version_changes_with_every_name_and_every_label() -> None:
    relabelled = np.roll(FIRST, 1)
    versions = [
        _digits(("a", FIRST), ("b", SECOND)),
        _digits(("a", SECOND), ("b", FIRST)),
        _digits(("a", relabelled), ("b", SECOND)),
        _digits(("other", FIRST), ("b", SECOND)),
        _digits(("a", FIRST)),
        _digits(("a", FIRST.reshape(3, 2))),
        _digits(("a", FIRST.view(np.int8))),
        _digits(("a", None)),
        _digits(),
    ]
    assert len(set(versions)) == len(versions)
    assert all(len(version) == 16 for version in versions)


def test_items_may_be_read_in_any_order_and_again() -> None:
    once = _digits(("a", FIRST), ("b", SECOND))
    assert _digits(("b", SECOND), ("a", FIRST), ("b", SECOND)) == once
