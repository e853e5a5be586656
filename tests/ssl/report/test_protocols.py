"""Differences of protocols are found however deep they lie, and said as a reader would say them."""

import pytest

from densewalk.ssl.report.protocols import differing, flattened, setting_words

FIRST = {"mode": "first", "scene": {"size": [2, 4], "fps": 12.0}, "all": True, "resize": None}


def test_a_tree_becomes_dotted_names_with_values_in_words() -> None:
    assert flattened(FIRST) == {
        "mode": "first",
        "scene.size": "2, 4",
        "scene.fps": "12",
        "all": "yes",
        "resize": "none",
    }
    assert flattened({"a": {}, "b": [], "c": 0.1 + 0.2}) == {"a": "nothing", "b": "none", "c": "0.30000000000000004"}


def test_what_differs_is_named_with_every_value_and_absence_is_a_difference() -> None:
    second = {"mode": "strided", "scene": {"size": [2, 4], "fps": 12}, "all": True, "resize": None, "new": 1}
    assert differing([FIRST, second]) == {"mode": ["first", "strided"], "new": ["not stated", "1"]}
    assert differing([FIRST, FIRST]) == {}
    assert differing([FIRST]) == {}


def test_a_value_against_settings_is_one_difference_and_settings_are_compared_among_themselves() -> None:
    masks, near, far = {"by": "masks"}, {"by": {"radius": 1, "k": 5}}, {"by": {"radius": 2, "k": 5}}
    assert differing([masks, near]) == {"by": ["masks", "settings of its own"]}
    assert differing([masks, near, far]) == {
        "by": ["masks", "settings of its own", "settings of its own"],
        "by.radius": ["not stated", "1", "2"],
    }


@pytest.mark.parametrize("value", [0.05, 0.0500001])
def test_close_numbers_are_told_apart(value: float) -> None:
    assert bool(differing([{"t": 0.05}, {"t": value}])) == (value != 0.05)


def test_settings_are_named_in_words() -> None:
    assert setting_words("scene.frame_gap") == "scene, frame gap"
