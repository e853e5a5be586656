"""Progress is a line a step where nobody watches."""

import sys

import pytest

from densewalk.cluster.progress import shown_progress


def test_without_a_terminal_every_step_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with shown_progress() as show:
        show("decode", 1, 3)
        show("decode", 2, 3, "1 failed [odd]")
    assert capsys.readouterr().out == "decode 1/3\ndecode 2/3 1 failed [odd]\n"


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
