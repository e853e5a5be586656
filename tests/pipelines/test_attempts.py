"""A record that takes its worker down is charged for it, and nobody else; a clean end or progress clears its name."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from densewalk.datasets.ledger import Verdict
from densewalk.pipelines.attempts import Attempts
from densewalk.pipelines.engine import KILLED
from densewalk.pipelines.records import Entry, Fetched


class _KilledError(BaseException):
    """Stands for SIGKILL: the note that was there at that moment is what a dead process leaves."""


def _killed(attempts: Attempts, uri: str, results: int = 0) -> None:
    """Leave what a process leaves that is killed behind so many results of a record."""
    notes: dict[str, str] = {}

    def work(record: Any) -> Iterator[Any]:
        yield from range(results)
        notes.update({path.name: path.read_text() for path in attempts.folder.iterdir()})
        raise _KilledError

    with pytest.raises(_KilledError):
        list(attempts.run(Entry(uri=uri), work))
    for name, text in notes.items():
        (attempts.folder / name).write_text(text)


def _run(attempts: Attempts, uri: str) -> list[Any]:
    return list(attempts.run(Entry(uri=uri), lambda record: iter([record])))


def test_who_killed_as_many_workers_as_it_may_ends_and_may_try_again_afterwards(tmp_path: Path) -> None:
    attempts = Attempts(tmp_path, 3)
    for _ in range(3):
        _killed(attempts, "/poison")
        assert _run(attempts, "/neighbour") == [Entry(uri="/neighbour")]
    (verdict,) = _run(attempts, "/poison")
    assert isinstance(verdict, Verdict)
    assert (verdict.uri, verdict.outcome, verdict.reason) == ("/poison", "failed", KILLED)
    assert "3 times; engine.attempts=3" in verdict.detail
    assert _run(attempts, "/poison") == [Entry(uri="/poison")]


def test_fewer_deaths_are_forgotten_with_the_first_success(tmp_path: Path) -> None:
    attempts = Attempts(tmp_path, 3)
    _killed(attempts, "/a")
    _killed(attempts, "/a")
    assert _run(attempts, "/a") == [Entry(uri="/a")]
    assert not list(tmp_path.iterdir())


def test_results_in_between_clear_the_name_of_a_long_video(tmp_path: Path) -> None:
    attempts = Attempts(tmp_path, 2)
    for _ in range(5):
        _killed(attempts, "/long", results=1)
    assert _run(attempts, "/long") == [Entry(uri="/long")]


def test_an_exception_and_a_reader_that_leaves_charge_nobody(tmp_path: Path) -> None:
    attempts = Attempts(tmp_path, 1)

    def failing(_: Any) -> Iterator[Any]:
        yield 1
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        list(attempts.run(Entry(uri="/a"), failing))
    results = attempts.run(Entry(uri="/b"), lambda record: iter([1, 2]))
    assert next(results) == 1
    results.close()
    assert not list(tmp_path.iterdir())


def test_a_lane_that_a_video_passed_soundly_does_not_clear_its_name_in_the_next(tmp_path: Path) -> None:
    attempts, fetched = Attempts(tmp_path, 1), Fetched(entry=Entry(uri="/v"), path="/v")
    list(attempts.run(fetched, lambda record: iter([record])))
    _killed(attempts, "/v")
    assert list(attempts.run(fetched, lambda record: iter([record]))) == [fetched]
    assert isinstance(_run(attempts, "/v")[0], Verdict)


def test_a_name_that_is_no_text_has_a_note_too(tmp_path: Path) -> None:
    assert len(_run(Attempts(tmp_path, 1), "/caf\udce9")) == 1
