"""What a preparation cost is kept a line at a time, whole lines only, without secrets, and never in the way."""

import logging
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from densewalk.cluster.history import RUNS, append_run, read_runs
from densewalk.pipelines.corpus.prepare import PrepareResult
from densewalk.pipelines.tally import StageTally

TALLIES = {
    "fetch": StageTally(taken=5, given=4, ended=Counter(failed=1), seconds=1.23456),
    "decode": StageTally(taken=4, given=9, seconds=7.0),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text("")
    return tmp_path


def result(folder: Path) -> PrepareResult:
    return PrepareResult(
        folder=folder, sources=5, written=3, rejected=1, failed=1, purged=0, new_clips=7, clips=9, reasons={}
    )


def add(folder: Path, **changes: Any) -> None:
    facts: dict[str, Any] = {
        "started": datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC),
        "seconds": 61.5,
        "command": ["densewalk", "prepare", "a b.mp4"],
        "engine": "ray",
        "cpus": 8,
        "tallies": TALLIES,
        "result": result(folder),
    }
    append_run(folder, **(facts | changes))


def test_a_run_comes_back_as_it_was(folder: Path) -> None:
    add(folder)
    (run,) = read_runs(folder)
    assert (run.started, run.seconds, run.engine, run.cpus) == ("2026-11-22T03:04:05+00:00", 61.5, "ray", 8)
    assert run.command == "densewalk prepare 'a b.mp4'"
    assert (run.finished, run.sources, run.new_clips, run.clips) == (
        True,
        {"written": 3, "rejected": 1, "failed": 1, "purged": 0},
        7,
        9,
    )
    assert list(run.stages) == ["fetch", "decode"]
    assert run.stages["fetch"] == StageTally(taken=5, given=4, ended=Counter(failed=1), seconds=1.235)


def test_a_broken_off_run_leaves_what_it_cost(folder: Path) -> None:
    add(folder, result=None)
    (run,) = read_runs(folder)
    assert (run.finished, run.sources, run.stages["decode"].seconds) == (False, {}, 7.0)


def test_runs_come_in_order_of_time_whatever_the_zone(folder: Path) -> None:
    later = datetime(2026, 11, 22, 4, 0, 0, tzinfo=timezone(timedelta(hours=-5)))
    add(folder, started=later)
    add(folder)
    assert [run.started[11:16] for run in read_runs(folder)] == ["03:04", "09:00"]


def test_a_torn_line_costs_itself_only(folder: Path) -> None:
    add(folder)
    line = (folder / RUNS).read_bytes()
    (folder / RUNS).write_bytes(line + line[:50])
    add(folder)
    assert len(read_runs(folder)) == 2
    assert (folder / RUNS).read_bytes() == line + line[:50] + b"\n" + line


@pytest.mark.parametrize(
    "line",
    ["[]", "{}", "3", '{"stages": 1}', '{"started": "x", "stages": {}}', '{"stages": {"a": {}}}', "\x00\xff", "null"],
)
def test_lines_of_another_kind_are_passed_over(folder: Path, line: str) -> None:
    (folder / RUNS).write_bytes(line.encode("latin-1") + b"\n")
    add(folder)
    assert len(read_runs(folder)) == 1


def test_what_a_later_version_adds_is_ignored(folder: Path) -> None:
    add(folder)
    (folder / RUNS).write_text((folder / RUNS).read_text().replace('{"started"', '{"colour": "red", "started"', 1))
    assert len(read_runs(folder)) == 1


def test_secrets_of_addresses_are_not_written_down(folder: Path) -> None:
    add(folder, command=["densewalk", "https://me:pass@host/list.csv?sig=abc&x=it's", "list:http://h/a?token=1"])
    text = (folder / RUNS).read_text()
    assert not [secret for secret in ("me:", "pass", "abc", "token", "it's") if secret in text]
    assert "host/list.csv" in text


def test_a_refused_command_leaves_no_trace(tmp_path: Path) -> None:
    add(tmp_path)
    add(tmp_path / "absent")
    assert list(tmp_path.iterdir()) == []
    assert read_runs(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_a_warning(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / RUNS).mkdir()
    with caplog.at_level(logging.WARNING, logger="densewalk"):
        add(folder)
    assert "is not kept" in caplog.text
    assert read_runs(folder) == []
