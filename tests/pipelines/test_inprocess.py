"""The in-process engine keeps the engine's contract."""

from collections.abc import Sequence
from typing import ClassVar

import pytest

from densewalk.datasets.ledger import Verdict
from densewalk.pipelines.engine import Engine
from densewalk.pipelines.inprocess import InProcessEngine
from densewalk.pipelines.stage import Stage


def _verdict(number: int) -> Verdict:
    return Verdict(kind="source", id=str(number), source_id=str(number), uri=str(number), outcome="rejected")


class Repeat(Stage[int, int]):
    """Gives each number as often as it says; 0 is rejected, negative ones are a bug."""

    name = "repeat"
    version = 1
    batch_size = 2
    log: ClassVar[list[str]] = []

    def __init__(self) -> None:
        self.ready = False

    def setup(self) -> None:
        self.ready = True
        self.log.append("setup")

    def close(self) -> None:
        self.log.append("close")

    def __call__(self, records: Sequence[int]) -> list[int | Verdict]:
        assert self.ready
        assert len(records) <= self.batch_size
        if min(records) < 0:
            raise ArithmeticError(f"negative: {records}")
        return [item for n in records for item in ([n] * n if n else [_verdict(n)])]


@pytest.fixture(autouse=True)
def _empty_log() -> None:
    Repeat.log.clear()


def test_the_engine_is_one() -> None:
    assert isinstance(InProcessEngine(), Engine)


def test_records_pass_all_stages_and_verdicts_leave_at_once() -> None:
    engine = InProcessEngine()
    results = list(engine.run([Repeat(), Repeat()], [1, 0, 2]))
    assert [item for item in results if not isinstance(item, Verdict)] == [1, 2, 2, 2, 2]
    assert [item.uri for item in results if isinstance(item, Verdict)] == ["0"]
    assert Repeat.log == ["setup", "setup", "close", "close"]
    assert engine.tallies["repeat"].seconds > 0


def test_the_stages_handed_in_stay_as_they_were() -> None:
    stage = Repeat()
    list(InProcessEngine().run([stage], [1]))
    assert not stage.ready


def test_no_records_are_no_work() -> None:
    assert list(InProcessEngine().run([Repeat()], [])) == []


def test_a_bug_in_a_stage_reaches_the_caller_and_every_stage_is_closed() -> None:
    with pytest.raises(ArithmeticError, match="negative"):
        list(InProcessEngine().run([Repeat(), Repeat()], [1, 1, -1]))
    assert Repeat.log.count("close") == 2


def test_stages_are_closed_when_the_caller_stops_early() -> None:
    results = InProcessEngine().run([Repeat()], [1, 2, 3])
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert Repeat.log == ["setup", "close"]
