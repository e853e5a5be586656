"""The engine of pipelines on Ray Data: many workers on one machine or many, and no record lost with any of them.

Ray runs in a process of its own (`driver.py`), pass by pass. Within a pass nothing is repeated: what a killed worker, a
lost node or a dead driver had in hand is missing at its end, seen by the books (`parcels.Arrivals`), and goes through
another pass, each record by itself. Records that take their workers down are told by their notes (`attempts.py`).
"""

import base64
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Self

from densewalk.cluster.engine.driver import receive, send
from densewalk.cluster.engine.flowing import Pass
from densewalk.cluster.engine.parcels import Arrivals, Parcel
from densewalk.cluster.engine.spooled import SpooledRecords
from densewalk.datasets.child_process import import_path, module_command
from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.engine import EngineConfig
from densewalk.pipelines.stage import Stage
from densewalk.pipelines.tally import StageTally, add_tallies

__all__ = ["RayEngine"]

_MOST_IDLE_PASSES = 3
"""Passes in a row that may bring no record to its end, beyond the attempts each has, before the engine gives up."""
_TRIES_TO_START = 3
_SECONDS_TO_ANSWER = 10.0
_ADVICE = "look at RAY_ADDRESS and at Ray's own logs, or use --engine local"
_SECONDS_TO_END = 15.0


class RayEngine:
    """Runs stages on Ray Data; a context manager that ends the Ray it started.

    `address` is a running cluster's; without one a Ray that this process is connected to counts, then the environment's
    RAY_ADDRESS, otherwise a Ray of this machine's own is started for the time of the engine.
    """

    def __init__(self, config: EngineConfig | None = None, *, address: str | None = None) -> None:
        self._config = config or EngineConfig()
        self._address = address
        self._tallies: dict[str, StageTally] = {}
        self._driver: _Driver | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def tallies(self) -> Mapping[str, StageTally]:
        """What each stage did so far, by its name."""
        return self._tallies

    def run(
        self, stages: Sequence[Stage[Any, Any]], records: Iterable[Any], *, notes: Path | None = None
    ) -> Iterator[Any]:
        """Yield what leaves the last stage and every verdict, in any order; an exception of a stage is raised here.

        What came of a record is given out together, when it is through. Raises `RuntimeError` when workers keep dying
        and no record gets through, `ConfigError` when Ray cannot be started or found.
        """
        for stage in stages:
            self._tallies.setdefault(stage.name, StageTally())
        with ExitStack() as stack:
            if notes is not None:
                notes.mkdir(parents=True, exist_ok=True)
            spool = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="densewalk-", dir=notes)))
            waiting = SpooledRecords(spool / "pass-0")
            count = waiting.write(records)
            arrivals = Arrivals(count)
            idle = number = 0
            while left := arrivals.num_left:
                task = Pass(
                    stages=tuple(stages),
                    config=self._config,
                    records=waiting.folder,
                    count=left,
                    alone=number > 0,
                    notes=notes,
                )
                yield from self._pass(task, arrivals)
                number += 1
                idle = idle + 1 if arrivals.num_left == left else 0
                if idle >= self._config.attempts + _MOST_IDLE_PASSES:
                    raise RuntimeError(f"workers died {idle} times without bringing any of {left} records to an end")
                waiting = _those_left(waiting, spool / f"pass-{number}", arrivals)

    def close(self) -> None:
        """End the driver, and Ray if this engine started it."""
        if self._driver is not None:
            self._driver.close()
            self._driver = None

    def _pass(self, task: Pass, arrivals: Arrivals) -> Iterator[Any]:
        """Yield what gets through in one pass; a driver that dies ends it."""
        try:
            if self._driver is None:
                self._driver = _Driver(self._config, self._address)
            for text in self._driver.run(task):
                parcel = Parcel.from_text(text)
                if parcel.fault:
                    from ray import cloudpickle

                    raise cloudpickle.loads(base64.b64decode(parcel.fault))
                add_tallies(self._tallies, parcel.tallies)
                yield from arrivals.take(parcel)
        except EOFError:
            self.close()
        except BaseException:
            self.close()
            raise
        arrivals.forget()


def _those_left(before: SpooledRecords, folder: Path, arrivals: Arrivals) -> SpooledRecords:
    """Write the records that are not through to a new spool and drop the one before."""
    after = SpooledRecords(folder)
    after.write_from(before, lambda number: not arrivals.is_through(number))
    before.remove()
    return after


class _Driver:
    """The process that drives Ray."""

    def __init__(self, config: EngineConfig, address: str | None) -> None:
        """Start it and Ray; raises `ConfigError` when Ray does not start however often it is tried."""
        address = address or _address_of_this_process() or os.environ.get("RAY_ADDRESS")
        _check_answers(address)
        settings = {
            "address": address,
            "cpus": config.cpus or None,
            "object_store_bytes": config.object_store_bytes,
        }
        for _ in range(1 if address else _TRIES_TO_START):
            self._start()
            try:
                send(self._socket, settings)
                kind, content = self._answer()
            except (EOFError, BrokenPipeError):
                kind, content = "unready", "its process was killed"
            if kind == "ready":
                return
            self.close()
        raise ConfigError(f"Ray {_named(address)} cannot be used: {content}; {_ADVICE}")

    def _start(self) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                module_command("densewalk.cluster.engine.driver", theirs.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env=os.environ | import_path(),
                start_new_session=True,
            )

    def run(self, task: Pass) -> Iterator[str]:
        """Yield the parcels of a pass; raises `EOFError` when the driver dies."""
        try:
            send(self._socket, task)
        except BrokenPipeError as error:
            raise EOFError from error
        while True:
            kind, content = self._answer()
            if kind == "over":
                return
            yield content

    def close(self) -> None:
        """End the driver and the Ray it started; Ray's agents would outlive a killed one by a minute."""
        self._socket.close()
        try:
            self._process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _answer(self) -> tuple[str, Any]:
        kind, content = receive(self._socket)
        if kind == "fault":
            raise content
        return kind, content


def _named(address: str | None) -> str:
    return f"at {address}" if address else "on this machine"


def _check_answers(address: str | None) -> None:
    """Raise `ConfigError` when nobody listens at an address of a host and a port; Ray would try for minutes."""
    host, colon, port = (address or "").rpartition(":")
    if not colon or "/" in host or not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), _SECONDS_TO_ANSWER).close()
    except OSError as error:
        raise ConfigError(f"no Ray answers at {address}: {error}; {_ADVICE}") from error


def _address_of_this_process() -> str | None:
    """Return the address of the Ray that this process is connected to, if it is."""
    ray = sys.modules.get("ray")
    return ray.get_runtime_context().gcs_address if ray is not None and ray.is_initialized() else None
