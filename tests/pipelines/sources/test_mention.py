from pathlib import Path

import pytest

from densewalk.pipelines.sources.mention import broken_row, clean_text


def test_labels_come_on_one_line_and_keep_joined_letters() -> None:
    assert clean_text("  a\tdog\n\nruns\x1b ") == "a dog runs"
    family = "\N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN}"
    assert clean_text(family) == family
    assert clean_text(7) == "7"
    assert clean_text(None) == clean_text(float("nan")) == ""


@pytest.mark.parametrize("value", [[], {}, b"x", "\ud800"])
def test_what_is_no_text_is_no_label(value: object) -> None:
    with pytest.raises(ValueError):
        clean_text(value)


def test_a_broken_row_names_file_and_line_and_can_be_printed(tmp_path: Path) -> None:
    mention = broken_row("list", tmp_path / "clips.csv", 17, "a\0b \ud800")
    assert mention.uri == f"list:{tmp_path}/clips.csv#17"
    assert mention.refusal
    assert mention.refusal.reason == "broken row"
    assert mention.refusal.detail == "clips.csv line 17: a\\x00b \\ud800"
