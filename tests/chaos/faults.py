"""What goes wrong in a trial, by name.

A fault is either struck from outside when its moment has come, or planted into the processes themselves (see
`planted/sitecustomize.py`), where it comes at an exact place.
"""

import random
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tests.chaos.corpus import Corpus
from tests.chaos.moments import Moment, any_moment
from tests.chaos.places import Cluster, fill, relieve
from tests.chaos.preparation import Order, Preparation
from tests.chaos.processes import Watch

if TYPE_CHECKING:
    from tests.faulty_store import FaultyStore

__all__ = ["Blow", "Fault", "FullDisk", "LostNode", "Poison", "PowerCut", "Rival", "Scene", "Step"]

_RIVAL_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a fault may lay hands on."""

    corpus: Corpus
    order: Order
    folder: Path
    """Of the trial."""
    work: Path
    """Holds `.work`."""
    watch: Watch
    num_steps: int
    """Accesses to the dataset folder that an undisturbed command makes."""
    disk: Path | None = None
    """Of bounded size, where `work` lies."""
    cluster: Cluster | None = None
    """What the command runs on."""
    store: "FaultyStore | None" = None
    """What stands between the command and its bucket."""


class Fault:
    """Nothing at all; what goes wrong overrides it."""

    def __init__(self) -> None:
        self.strikes = 0
        """How often it met somebody, beside what was planted."""

    def planted(self, scene: Scene, draw: random.Random) -> dict[str, str]:
        """Return what the processes of the next run carry in their environment."""
        return {}

    def moment(self, draw: random.Random) -> Moment:
        """Return when to strike."""
        return any_moment(draw)

    def begin(self, scene: Scene, running: Preparation, draw: random.Random) -> None:
        """Make ready as soon as the command runs."""

    def strike(self, scene: Scene, running: Preparation, draw: random.Random) -> bool:
        """Do harm to a running command; return False when there was nobody to harm yet."""
        return False

    def after(self, scene: Scene) -> list[str]:
        """Set right what a person would set right before the command is repeated; return what was wrong besides."""
        return []


class Blow(Fault):
    """A signal for a random process of a role."""

    def __init__(self, role: str, *signals: signal.Signals) -> None:
        super().__init__()
        self._role, self._signals = role, signals or (signal.SIGKILL,)

    def moment(self, draw: random.Random) -> Moment:
        return any_moment(draw, at_work=self._role != "command")

    def strike(self, scene: Scene, running: Preparation, draw: random.Random) -> bool:
        there = [process for process in scene.watch.look(running.pid) if process.role == self._role]
        return bool(there) and draw.choice(there).end(draw.choice(self._signals))


class PowerCut(Fault):
    """Every process at once, as when the machine goes off; what was written stays."""

    def strike(self, scene: Scene, running: Preparation, draw: random.Random) -> bool:
        ended = [process.end() for process in scene.watch.look(running.pid)]
        return any(ended)


class Step(Fault):
    """A death before an access to the dataset folder: in the middle of a shard, between two renames."""

    def __init__(self, role: Literal["command", "worker"]) -> None:
        super().__init__()
        self._role = role

    def planted(self, scene: Scene, draw: random.Random) -> dict[str, str]:
        last = scene.num_steps if self._role == "command" else scene.num_steps // 4
        return {"DENSEWALK_CHAOS_STEP": f"{self._role}:{draw.randint(1, max(last, 1))}:{scene.work}"}


class Poison(Fault):
    """A file, or a reel of one, whose worker dies whenever it opens it."""

    def __init__(self, part: Callable[[Corpus], str], openings: int) -> None:
        super().__init__()
        self._part, self._openings = part, openings

    def planted(self, scene: Scene, draw: random.Random) -> dict[str, str]:
        return {"DENSEWALK_CHAOS_POISON": f"{draw.randint(1, self._openings)}:{self._part(scene.corpus)}"}


class FullDisk(Fault):
    """Somebody else fills the disk, and clears it after the command has given up."""

    def strike(self, scene: Scene, running: Preparation, draw: random.Random) -> bool:
        assert scene.disk is not None
        fill(scene.disk)
        return True

    def after(self, scene: Scene) -> list[str]:
        assert scene.disk is not None
        relieve(scene.disk)
        return []


class Rival(Fault):
    """The same command a second time while the first one runs."""

    def __init__(self) -> None:
        super().__init__()
        self._rival: Preparation | None = None

    def strike(self, scene: Scene, running: Preparation, draw: random.Random) -> bool:
        self._rival = Preparation(scene.order, scene.folder, 100, {})
        return True

    def after(self, scene: Scene) -> list[str]:
        if self._rival is None:
            return []
        code = self._rival.exit_code(_RIVAL_SECONDS)
        return [] if code in (0, 2) else [f"the second command ended with {code}: {self._rival.said()[-600:]}"]


class LostNode(Fault):
    """A machine of the cluster is gone."""

    def moment(self, draw: random.Random) -> Moment:
        return any_moment(draw, at_work=True)

    def strike(self, scene: Scene, running: Preparation, draw: random.Random) -> bool:
        assert scene.cluster is not None
        return scene.cluster.lose_node()
