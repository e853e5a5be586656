"""Progress is a line a second where nobody watches."""

import sys

import pytest

from densewalk.cluster.progress import shown_progress


def test_without_a_terminal_a_phase_has_a_line_a_second_and_one_for_each_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter((100.0, 100.2, 100.9, 101.1, 101.2))
    monkeypatch.setattr("densewalk.cluster.progress.time.monotonic", lambda: next(clock))
    with shown_progress() as show:
        show("decode", 1, 4)
        show("decode", 2, 4)
        show("pack", 0, 1)
        show("decode", 3, 4, "1 failed [odd]")
        show("decode", 4, 4)
    assert capsys.readouterr().out == "decode 1/4\npack 0/1\ndecode 3/4 1 failed [odd]\ndecode 4/4\n"


def test_on_a_terminal_each_phase_has_a_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    with shown_progress() as show:
        show("decode", 3, 3, "1 failed [odd]")
        show("pack", 1, 1)
    shown = capsys.readouterr().out
    assert "decode" in shown
    assert "3/3" in shown
    assert "1 failed [odd]" in shown
    assert "pack" in shown
