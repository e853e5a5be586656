"""The cost of a dataset is that of all its preparations together."""

from collections import Counter

from densewalk.cluster.corpus_report.cost import cost_blocks
from densewalk.cluster.history import Run
from densewalk.pipelines.tally import StageTally
from densewalk.ssl.report.blocks import Chart, Note
from densewalk.ssl.report.table import Table


def run(started: str, **stages: StageTally) -> Run:
    return Run(
        started=started, seconds=60.0, command="densewalk prepare", densewalk="1", engine="local", cpus=1,
        machine="m", finished=True, sources={"written": 2, "failed": 1}, new_clips=4, clips=4, stages=stages,
    )  # fmt: skip


def test_stages_are_added_up_over_preparations() -> None:
    decode = StageTally(taken=10, given=8, ended=Counter(failed=1, rejected=1), seconds=30.0)
    runs = [run("2026-01-01T00:00:00", decode=decode), run("2026-01-02T00:00:00", decode=decode, encode=decode)]
    chart, stages, preparations, _ = cost_blocks(runs, frames=1000)
    assert isinstance(chart, Chart)
    assert isinstance(stages, Table)
    assert stages.rows[0].values == ("decode", 20, 16, 4, 60.0, 100 * 60 / 90, 3000.0, 60.0)
    assert isinstance(preparations, Table)
    assert [row.values[0] for row in preparations.rows] == ["2026-01-01 00:00", "2026-01-02 00:00"]
    assert preparations.rows[0].values[4:7] == (3, 1, 4)


def test_what_was_not_done_has_no_mean() -> None:
    (preparations, _) = cost_blocks([run("2026-01-01T00:00:00", fetch=StageTally())], frames=0)
    assert isinstance(preparations, Table)
    _, stages, *_ = cost_blocks([run("2026-01-01T00:00:00", fetch=StageTally(seconds=1.0))], frames=0)
    assert isinstance(stages, Table)
    assert stages.rows[0].values[-2:] == (None, None)


def test_of_many_preparations_the_last_are_listed() -> None:
    preparations, _ = cost_blocks([run(f"2026-01-01T00:{n:02d}:00") for n in range(40)], frames=0)
    assert isinstance(preparations, Table)
    assert (len(preparations.rows), preparations.rows[-1].values[0]) == (30, "2026-01-01 00:39")
    assert preparations.caption == "The last 30 of 40 preparations."


def test_without_runs_it_says_so() -> None:
    (note,) = cost_blocks([], frames=0)
    assert isinstance(note, Note)
