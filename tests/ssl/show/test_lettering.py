"""Words stand where they are put and fit where they must."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from densewalk.ssl.show.lettering import shortened, text_width_px, wrapped, written


def test_words_are_painted_at_their_anchor() -> None:
    ground = np.zeros((60, 200, 3), np.uint8)
    left = np.argwhere(written(ground, [((20, 10), "query", (255, 255, 255), "lt")]).any(-1))
    right = np.argwhere(written(ground, [((180, 10), "query", (255, 255, 255), "rt")]).any(-1))
    assert left[:, 1].min() in range(19, 24)
    assert right[:, 1].max() in range(176, 181)
    assert 9 <= left[:, 0].min() <= 14
    assert not ground.any()


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=60), width=st.integers(30, 300))
def test_any_file_name_is_made_to_fit(text: str, width: int) -> None:
    short = shortened(text, width)
    assert text_width_px(short) <= width
    assert short == text or "..." in short


def test_both_ends_of_a_long_name_survive() -> None:
    name = "kinetics_train_0123456789_abcdefghijklmnop_clip_0007.mp4"
    short = shortened(name, 160)
    assert short.startswith("kin")
    assert short.endswith(".mp4")


def test_a_name_with_control_characters_is_set_in_one_line() -> None:
    image = written(np.zeros((40, 200, 3), np.uint8), [((4, 4), "a\nb\x00\tc", (255, 255, 255), "lt")])
    assert np.argwhere(image.any(-1))[:, 0].max() < 24


def test_a_text_is_broken_between_words_and_only_its_last_line_is_shortened() -> None:
    text = "lost behind the tree and never found again " * 6
    lines = wrapped(text, 200, max_lines=3)
    assert len(lines) == 3
    assert all(text_width_px(line) <= 200 for line in lines)
    assert text.startswith(" ".join(lines[:2]))
    assert "..." in lines[2]
    assert wrapped("short words", 200, max_lines=3) == ["short words"]
    assert wrapped("", 200, max_lines=3) == []
