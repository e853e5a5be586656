"""One run of `densewalk prepare` in a session of its own, as a person would start it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["PLANTED", "Order", "Preparation"]

PLANTED = Path(__file__).parent / "planted"
_MAIN = "from densewalk.cluster.cli.main import main; main()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is asked for; the same order is given again until it is done."""

    files: Sequence[Path]
    out: str
    """Folder or address of a bucket."""
    engine: str
    """`local` or `ray`."""
    settings: Sequence[str]
    options: Sequence[str] = ()
    environment: dict[str, str] = field(default_factory=dict)


class Preparation:
    """A running command; `folder` holds its log and what marks its processes."""

    def __init__(self, order: Order, folder: Path, number: int, planted: dict[str, str]) -> None:
        self.log = folder / f"run-{number}.log"
        words = ["prepare", *map(str, order.files), "--out", order.out, "--engine", order.engine]
        command = [sys.executable, "-P", "-c", _MAIN, *words, *order.options, *order.settings]
        given = {**environment(folder), **order.environment, **planted, "DENSEWALK_CHAOS_RUN": str(number)}
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, **given},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started = time.monotonic()

    @property
    def pid(self) -> int:
        """Of the command itself."""
        return self._process.pid

    def is_over(self) -> bool:
        """Return whether the command has ended."""
        return self._process.poll() is not None

    def seconds(self) -> float:
        """Return how long it runs."""
        return time.monotonic() - self.started

    def exit_code(self, limit_seconds: float) -> int | None:
        """Wait for its end; return the exit code, negative for a signal, or None when it takes too long."""
        try:
            return self._process.wait(limit_seconds)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGABRT)
            return None

    def said(self) -> str:
        """Return what it printed."""
        return self.log.read_text(errors="replace")


def environment(folder: Path) -> dict[str, str]:
    """Return what the processes of a trial find in their environment; the Python path names the trial's own folder."""
    mark = folder / "planted"
    if not mark.exists():
        mark.symlink_to(PLANTED)
    (folder / "notes").mkdir(exist_ok=True)
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(mark), os.environ.get("PYTHONPATH")])),
        "DENSEWALK_CHAOS_NOTES": str(folder / "notes"),
        "RAY_TMPDIR": str(folder),
        "RAY_AUTH_MODE": "disabled",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        "OMP_NUM_THREADS": "1",
    }
