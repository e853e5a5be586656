"""What goes wrong between a command and its bucket."""

import os
import random
import signal
from contextlib import suppress

from tests.chaos.faults import Fault, Scene
from tests.chaos.preparation import Preparation
from tests.faulty_store import CUT_AFTER, CUT_BEFORE, LOST, SHORT, Seen, answered, doing
from tests.faulty_store import Fault as Harm

__all__ = ["FailingStore", "KilledAtPut"]

_MOST_HARMS = 8
_HARM_SHARE = 0.25
_PUT_HARMS = (LOST, SHORT, CUT_BEFORE, CUT_AFTER, answered(503), answered(500, "InternalError"))
_OTHER_HARMS = (CUT_BEFORE, answered(503))
_LAST_PUT = 24


class FailingStore(Fault):
    """A store that loses, cuts or refuses a share of what it is asked, and recovers."""

    def begin(self, scene: Scene, running: Preparation, draw: random.Random) -> None:
        def plan(seen: Seen) -> Harm | None:
            if self.strikes >= _MOST_HARMS or draw.random() >= _HARM_SHARE:
                return None
            self.strikes += 1
            return draw.choice(_PUT_HARMS if seen.is_put else _OTHER_HARMS)

        assert scene.store is not None
        scene.store.plan = plan

    def after(self, scene: Scene) -> list[str]:
        assert scene.store is not None
        scene.store.plan = lambda _: None
        return []


class KilledAtPut(Fault):
    """The command dies before or after the store has carried out one of its changes."""

    def begin(self, scene: Scene, running: Preparation, draw: random.Random) -> None:
        left = draw.randint(1, _LAST_PUT)
        side = draw.choice(("before", "after"))

        def kill() -> None:
            with suppress(ProcessLookupError):
                os.kill(running.pid, signal.SIGKILL)
            self.strikes += 1

        def plan(seen: Seen) -> Harm | None:
            nonlocal left
            left -= seen.is_change
            return doing(**{side: kill}) if seen.is_change and left == 0 else None

        assert scene.store is not None
        scene.store.plan = plan

    def after(self, scene: Scene) -> list[str]:
        assert scene.store is not None
        scene.store.plan = lambda _: None
        return []
