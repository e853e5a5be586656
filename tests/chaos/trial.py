"""One trial: a preparation is disturbed, repeated until it is done, and compared with an undisturbed one."""

import random
import shutil
import signal
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.comparison import differences, imbalances, poison_differences
from tests.chaos.faults import Fault, Scene
from tests.chaos.kinds import Kind
from tests.chaos.places import Bucket, Folder, Place, bounded_disk, cluster
from tests.chaos.preparation import Order, Preparation
from tests.chaos.processes import Watch
from tests.chaos.references import ATTEMPTS, SETTINGS, Reference, References
from tests.faulty_store import FaultyStore, moto_server

__all__ = ["Ending", "run_trial"]

_BUCKET = "chaos"
_DISK_MEGABYTES = 96
_LEAST_LIMIT_SECONDS, _LIMIT_SHARE = 90.0, 8.0
"""After so long, or so many times what an undisturbed run takes, a command counts as hung."""
_MOST_RUNS = 7
_MOST_STRIKES = 2
_STRIKES_AGAIN = 0.3
_WAITS = 0.5
"""Share of the repeats that begin only when nothing of the run before is left."""
_GONE_SECONDS = 20.0
_LOOK_SECONDS = 0.004
_GOOD_ENDINGS = (0, 2, 128 + signal.SIGINT, 128 + signal.SIGTERM, -signal.SIGKILL)
"""Done; something to change; stopped; killed by us. Anything else is a bug or a hang."""
_LAST_WORDS = 1500


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a trial ended."""

    moments: tuple[str, ...]
    """When each run was struck."""
    strikes: int
    """Faults that met somebody."""
    runs: int
    """Of the command, the last of which ended well."""
    seconds: float
    wrongs: tuple[str, ...]
    """What is wrong; empty when all is well."""
    folder: Path | None = None
    """Where everything lies, if something is wrong."""


def run_trial(kind: Kind, references: References, draw: random.Random) -> Ending:
    """Run a trial of a kind in a folder of its own, which stays only when something is wrong."""
    usual = references.get(references.corpus.files, kind.engine)
    started = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="dw-chaos-"))
    keep = False
    try:
        with ExitStack() as stack:
            trial = _Trial(kind, references, usual, draw, folder, stack)
            stack.callback(trial.end_all)
            if trial.is_done():
                trial.judge()
            keep = bool(trial.wrongs)
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    return Ending(
        moments=tuple(trial.moments),
        strikes=trial.strikes,
        runs=len(trial.moments),
        seconds=time.monotonic() - started,
        wrongs=tuple(trial.wrongs),
        folder=folder if trial.wrongs else None,
    )


class _Trial:
    """A folder, a place to write to and the processes between the two."""

    def __init__(
        self,
        kind: Kind,
        references: References,
        usual: Reference,
        draw: random.Random,
        folder: Path,
        stack: ExitStack,
    ) -> None:
        self._kind, self._references, self._usual, self._draw, self._folder = kind, references, usual, draw, folder
        self._watch = Watch(folder)
        self._nodes = stack.enter_context(ExitStack())
        self._place, self._scene = self._staged(stack)
        self.wrongs: list[str] = []
        self.moments: list[str] = []
        self.strikes = 0

    def _staged(self, stack: ExitStack) -> tuple[Place, Scene]:
        """Make the place the dataset is written to, and all that a fault may lay hands on."""
        kind, folder, corpus = self._kind, self._folder, self._references.corpus
        disk = nodes = store = None
        place: Place = Folder(folder / "out")
        if kind.place == "disk":
            disk = stack.enter_context(bounded_disk(folder / "disk", _DISK_MEGABYTES))
            place = Folder(disk / "out")
        elif kind.place == "cluster":
            nodes = self._nodes.enter_context(cluster(folder, cpus=1))
        elif kind.place == "bucket":
            server = stack.enter_context(moto_server(_BUCKET))
            store = stack.enter_context(FaultyStore(server))
            place = Bucket(folder / "work", server, _BUCKET)
        order = Order(
            files=corpus.files,
            out=place.out,
            engine=kind.engine,
            settings=SETTINGS,
            options=place.options,
            environment={
                **({"RAY_ADDRESS": nodes.address} if nodes else {}),
                **({"AWS_ENDPOINT_URL": store.url} if store else {}),
            },
        )
        scene = Scene(
            corpus=corpus,
            order=order,
            folder=folder,
            work=place.work,
            watch=self._watch,
            num_steps=self._usual.num_steps,
            disk=disk,
            cluster=nodes,
            store=store,
        )
        return place, scene

    def is_done(self) -> bool:
        """Disturb the command and repeat it until it is done; a poison stays, other faults come twice at most."""
        fault: Fault | None = self._kind.fault()
        poison = fault.planted(self._scene, self._draw) if self._kind.poison else {}
        while len(self.moments) < _MOST_RUNS:
            code = self._run_once(fault, poison)
            if code == 0 or self.wrongs:
                return code == 0
            if self._draw.random() < _WAITS:
                self._watch.left_after(_GONE_SECONDS)
            again = self.strikes < _MOST_STRIKES and self._draw.random() < _STRIKES_AGAIN
            fault = self._kind.fault() if again and not poison else None
        self.wrongs.append(f"not done after {len(self.moments)} runs")
        return False

    def _run_once(self, fault: Fault | None, poison: dict[str, str]) -> int | None:
        """Run the command under a fault; return its exit code, None when it hung."""
        moment = (fault or Fault()).moment(self._draw)
        planted = poison or (fault.planted(self._scene, self._draw) if fault else {})
        running = Preparation(self._scene.order, self._folder, len(self.moments) + 1, planted)
        told = [text.replace(str(self._folder), "") for text in planted.values()] or [str(moment) if fault else "-"]
        self.moments.append(" ".join(told))
        due = fault
        if fault is not None:
            fault.begin(self._scene, running, self._draw)
        limit = max(_LEAST_LIMIT_SECONDS, _LIMIT_SHARE * self._usual.seconds)
        while not running.is_over() and running.seconds() < limit:
            come = due and moment.has_come(running.seconds(), self._usual.seconds, self._scene.work)
            if due and come and due.strike(self._scene, running, self._draw):
                due.strikes += 1
                due = None
            time.sleep(_LOOK_SECONDS)
        code = running.exit_code(0.1)
        if fault is not None:
            self.wrongs += fault.after(self._scene)
            self.strikes += fault.strikes + self._planted_strikes()
        unborn = code in (-signal.SIGINT, -signal.SIGTERM) and not running.said()  # stopped while Python started
        if code not in _GOOD_ENDINGS and not unborn:
            how = f"ended with {code}" if code is not None else f"did not end within {limit:.0f} s"
            self.wrongs.append(f"run {len(self.moments)} {how}: {running.said()[-_LAST_WORDS:]}")
        return code

    def _planted_strikes(self) -> int:
        """Return how often what was planted into a run came to pass, and forget it."""
        notes = self._folder / "notes"
        struck = (notes / "struck").exists()
        (notes / "struck").unlink(missing_ok=True)
        return int(struck)

    def judge(self) -> None:
        """Note what is wrong with the dataset and what is left of the processes."""
        self._nodes.close()
        self.wrongs += [
            f"left alive: {process.role} {process.pid}: {process.words[:200]}"
            for process in self._watch.left_after(_GONE_SECONDS)
        ]
        corpus = self._references.corpus
        found = self._place.content()
        deaths = self._poison_deaths()
        if deaths and self._kind.poison:
            poison = self._kind.poison(corpus)
            self.strikes += deaths
            # A file and the reels it became have attempts of their own.
            if not ATTEMPTS <= deaths <= 2 * ATTEMPTS:
                self.wrongs.append(f"the poison took {deaths} workers, engine.attempts={ATTEMPTS}")
            expected = self._references.get(corpus.without(poison), "local").content
            self.wrongs += poison_differences(expected, found, str(poison))
        else:
            self.wrongs += differences(self._references.get(corpus.files, "local").content, found)
        self.wrongs += imbalances(found, [str(file) for file in corpus.files])

    def _poison_deaths(self) -> int:
        note = self._folder / "notes" / "deaths"
        return len(note.read_text().splitlines()) if note.exists() else 0

    def end_all(self) -> None:
        """Leave no process behind."""
        self._nodes.close()
        for process in self._watch.look():
            process.end()
        self._watch.left_after(_GONE_SECONDS)
