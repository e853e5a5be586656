"""runs.jsonl: a line a preparation of a dataset, with what it cost. The report draws it; nothing else reads it.

It says when, by which command and on what, how it ended, and of every stage what went in and out and the seconds its
workers spent. A preparation that is broken off leaves its line too, as long as its process can still write one. Beside
the report it is the only file that differs between equal preparations. Commands may name addresses with passwords or
signatures in them; those parts are not written down.
"""

import json
import logging
import os
import platform
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from densewalk import __version__
from densewalk.pipelines.corpus.homes.home import CONFIG
from densewalk.pipelines.corpus.prepare import PrepareResult
from densewalk.pipelines.tally import StageTally

__all__ = ["RUNS", "Run", "append_run", "read_runs"]

RUNS = "runs.jsonl"
_SECRETS = (
    (re.compile(r"(\w+://)[^/\s@]*@"), r"\1...@"),
    (re.compile(r"(\w+://[^\s?#]*)\?.*"), r"\1?..."),
)
_log = logging.getLogger("densewalk")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One line of runs.jsonl."""

    started: str
    """UTC, ISO 8601, to the second."""
    seconds: float
    """Wall clock."""
    command: str
    densewalk: str
    """Its version."""
    engine: str
    """`ray` or `local`."""
    cpus: int
    machine: str
    """System and processors of the machine that gave the command, without its name."""
    finished: bool
    """False for a preparation that was broken off."""
    sources: dict[str, int] = field(default_factory=dict)
    """Sources handed in by what became of them; empty when it was broken off."""
    new_clips: int = 0
    clips: int = 0
    """In the dataset afterwards; 0 when it was broken off."""
    stages: dict[str, StageTally] = field(default_factory=dict)
    """By name, in the order of the chain."""


def append_run(
    folder: Path,
    *,
    started: datetime,
    seconds: float,
    command: Sequence[str],
    engine: str,
    cpus: int,
    tallies: Mapping[str, StageTally],
    result: PrepareResult | None,
) -> None:
    """Add a line to FOLDER/runs.jsonl; `result` is None for a preparation that was broken off.

    Nothing is written before the folder has a configuration: a command that was refused leaves no trace. A folder that
    cannot be written is worth a warning, no more.
    """
    if not (folder / CONFIG).is_file():
        return
    run = Run(
        started=started.astimezone(UTC).isoformat(timespec="seconds"),
        seconds=round(seconds, 3),
        command=_without_secrets(command),
        densewalk=__version__,
        engine=engine,
        cpus=cpus,
        machine=f"{platform.system()}, {platform.machine()}, {os.cpu_count()} CPUs",
        finished=result is not None,
        sources=_outcomes(result),
        new_clips=result.new_clips if result else 0,
        clips=result.clips if result else 0,
        stages=dict(tallies),
    )
    try:
        _append(folder / RUNS, json.dumps(_content(run), ensure_ascii=False))
    except OSError as error:
        _log.warning("the cost of this preparation is not kept: cannot write %s: %s", folder / RUNS, error.strerror)


def read_runs(folder: Path) -> list[Run]:
    """Return the preparations of a dataset, the oldest first; torn lines and those of another kind are passed over."""
    try:
        lines = (folder / RUNS).read_bytes().decode(errors="replace").splitlines()
    except OSError:
        return []
    runs = (_run(line) for line in lines)
    return sorted((run for run in runs if run is not None), key=lambda run: run.started)


def _content(run: Run) -> dict[str, Any]:
    stages = {
        name: {
            "taken": tally.taken,
            "given": tally.given,
            "ended": dict(tally.ended),
            "seconds": round(tally.seconds, 3),
        }
        for name, tally in run.stages.items()
    }
    return {**asdict(replace(run, stages={})), "stages": stages}


def _append(path: Path, line: str) -> None:
    """Append in one write, behind a line break of its own when the last line was torn."""
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        size = os.fstat(handle).st_size
        torn = size and os.pread(handle, 1, size - 1) != b"\n"
        os.write(handle, f"{chr(10) if torn else ''}{line}\n".encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def _run(line: str) -> Run | None:
    try:
        content = json.loads(line)
        content["stages"] = {name: _tally(tally) for name, tally in content["stages"].items()}
        run = Run(**{field.name: content[field.name] for field in fields(Run) if field.name in content})
        datetime.fromisoformat(run.started)
        return replace(run, seconds=float(run.seconds), sources={name: int(n) for name, n in run.sources.items()})
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _tally(content: Mapping[str, Any]) -> StageTally:
    tally = StageTally(taken=int(content["taken"]), given=int(content["given"]), seconds=float(content["seconds"]))
    tally.ended.update({str(outcome): int(count) for outcome, count in content["ended"].items()})
    return tally


def _outcomes(result: PrepareResult | None) -> dict[str, int]:
    if result is None:
        return {}
    return {name: getattr(result, name) for name in ("written", "rejected", "failed", "purged")}


def _without_secrets(command: Sequence[str]) -> str:
    for pattern, replacement in _SECRETS:
        command = [pattern.sub(replacement, argument) for argument in command]
    return shlex.join(command)
