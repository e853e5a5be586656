"""A preparation is told calmly: by a table that is redrawn, or by a line now and then that names the slowest stage."""

import io
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from densewalk.cluster import preparation_view
from densewalk.cluster.preparation_view import PreparationView, duration_words, shown_preparation
from densewalk.pipelines.corpus.processing import PrepareProgress
from densewalk.pipelines.engine import Engine
from densewalk.pipelines.stage import Stage
from densewalk.pipelines.tally import StageTally

STAGES = ("decode", "shots")


class Counting:
    """An engine of which only the tallies are looked at."""

    def __init__(self) -> None:
        self.counts: dict[str, StageTally] = {}

    @property
    def tallies(self) -> Mapping[str, StageTally]:
        return self.counts

    def run(
        self, stages: Sequence[Stage[Any, Any]], records: Any, *, notes: Path | None = None
    ) -> Iterator[Any]:  # pragma: no cover - a contract's other half
        raise NotImplementedError


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine() -> Counting:
    return Counting()


@pytest.fixture
def view(clock: Clock, engine: Engine) -> PreparationView:
    view = PreparationView(clock)
    view.follow(STAGES, engine)
    return view


def _progress(done: int, **more: Any) -> PrepareProgress:
    return PrepareProgress(phase="sources", done=done, total=100, uri="/videos/a [1].mp4", **more)


def _work(view: PreparationView, engine: Counting, clock: Clock) -> None:
    """Do forty of a hundred sources in a minute."""
    view.tell(_progress(0))
    view.line()
    clock.now = 60.0
    engine.counts = {
        "decode": StageTally(taken=45, given=40, seconds=15.0),
        "shots": StageTally(taken=38, seconds=45.0),
    }
    view.tell(_progress(40, failed=2, rejected=3, clips=99, video_seconds=1200.0))


def test_a_line_says_how_far_how_fast_how_long_and_who_is_the_slowest(
    view: PreparationView, engine: Counting, clock: Clock
) -> None:
    assert (view.line(), view.has_begun) == ("preparing", False)
    _work(view, engine, clock)
    assert view.line() == (
        "sources 40/100, 99 clips, 2 failed, 3 rejected, 0.67 sources/s, 20 s of video/s, 1 min 30 s to go, "
        "slowest shots (75% of the work, 2 waiting)"
    )
    view.tell(PrepareProgress(phase="pack", done=0, total=1))
    assert view.line() == "pack 0/1"


def test_nothing_is_guessed_from_sources_that_were_done_before_nor_from_the_start_of_the_engine(
    view: PreparationView, engine: Counting, clock: Clock
) -> None:
    view.tell(_progress(90, done_before=90))
    view.line()
    clock.now = 50.0
    view.line()
    clock.now = 60.0
    engine.counts = {"decode": StageTally(taken=1)}
    view.tell(_progress(91, done_before=90))
    assert "to go" not in view.line()
    assert "0.10 sources/s" in view.line()


def test_the_table_has_a_row_a_stage(view: PreparationView, engine: Counting, clock: Clock) -> None:
    _work(view, engine, clock)
    shown = io.StringIO()
    Console(file=shown, width=120).print(view.table())
    rows = {words[0]: words[1:] for line in shown.getvalue().splitlines() if (words := line.split())}
    assert rows["sources"][0] == "40/100"
    assert rows["decode"] == ["45", "0.75", "55", "0.2"]
    assert rows["shots"] == ["38", "0.63", "2", "0.8"]
    assert "a [1].mp4" in shown.getvalue()


def test_the_summary_is_the_time_of_the_stages(view: PreparationView, engine: Counting, clock: Clock) -> None:
    assert view.summary() == ""
    _work(view, engine, clock)
    assert view.summary() == "workers' time: decode 15.0 s (25%), shots 45.0 s (75%)"


def test_without_a_terminal_there_is_a_line_now_and_then_and_one_in_a_long_silence(
    engine: Engine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparation_view, "_SECONDS_BETWEEN_LINES", 0.02)
    with shown_preparation() as view:
        view.follow(STAGES, engine)
        time.sleep(0.1)
        assert capsys.readouterr().out == "", "nothing has happened"
        for done in range(50):
            view.tell(_progress(done))
        time.sleep(0.2)
        assert capsys.readouterr().out == "sources 49/100\n"
        monkeypatch.setattr(preparation_view, "_SECONDS_OF_SILENCE", 0.0)
        time.sleep(0.2)
        assert capsys.readouterr().out.count("sources 49/100\n") > 1


def test_on_a_terminal_the_table_goes_when_the_preparation_ends(
    engine: Engine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    with shown_preparation() as view:
        view.follow(STAGES, engine)
        view.tell(_progress(7))
        time.sleep(0.7)
    assert "sources 7/100" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59, "59 s"), (60, "1 min"), (90, "1 min 30 s"), (7260, "2 h 1 min"), (200_000, "2 d 7 h")],
)
def test_durations_have_two_units(seconds: float, words: str) -> None:
    assert duration_words(seconds) == words
