"""The kinds of trials: which fault, on which engine, written to which place."""

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.chaos.corpus import Corpus
from tests.chaos.faults import Blow, Fault, FullDisk, LostNode, Poison, PowerCut, Rival, Step
from tests.chaos.store_faults import FailingStore, KilledAtPut

__all__ = ["KINDS", "Kind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A fault and where it is met."""

    fault: Callable[[], Fault]
    """Makes a new one for each run."""
    engine: Literal["local", "ray"]
    place: Literal["folder", "disk", "bucket", "cluster"] = "folder"
    poison: Callable[[Corpus], Path] | None = None
    """The file that may fail."""


def _on(engine: Literal["local", "ray"]) -> dict[str, Kind]:
    """Return what can happen to either engine."""
    return {
        f"{engine}: nothing": Kind(engine=engine, fault=Fault),
        f"{engine}: command killed": Kind(engine=engine, fault=lambda: Blow("command")),
        f"{engine}: command killed at a step": Kind(engine=engine, fault=lambda: Step("command")),
        f"{engine}: all killed at once": Kind(engine=engine, fault=PowerCut),
        f"{engine}: command stopped": Kind(engine=engine, fault=lambda: Blow("command", signal.SIGTERM, signal.SIGINT)),
        f"{engine}: decoder killed": Kind(engine=engine, fault=lambda: Blow("child")),
        f"{engine}: full disk": Kind(engine=engine, fault=FullDisk, place="disk"),
        f"{engine}: two commands": Kind(engine=engine, fault=Rival),
        f"{engine}: poisoned file": Kind(
            engine=engine,
            fault=lambda: Poison(lambda corpus: str(corpus.single), openings=3),
            poison=lambda corpus: corpus.single,
        ),
        f"{engine}: poisoned reel": Kind(
            engine=engine,
            fault=lambda: Poison(lambda corpus: f"{corpus.long_id}:/0001/", openings=2),
            poison=lambda corpus: corpus.long,
        ),
    }


KINDS: Mapping[str, Kind] = {
    **_on("local"),
    **_on("ray"),
    "ray: worker killed": Kind(engine="ray", fault=lambda: Blow("worker")),
    "ray: worker killed at a step": Kind(engine="ray", fault=lambda: Step("worker")),
    "ray: driver killed": Kind(engine="ray", fault=lambda: Blow("driver")),
    "ray: raylet killed": Kind(engine="ray", fault=lambda: Blow("raylet", signal.SIGKILL)),
    "bucket: nothing": Kind(engine="local", fault=Fault, place="bucket"),
    "bucket: command killed": Kind(engine="local", fault=lambda: Blow("command"), place="bucket"),
    "bucket: command killed at a put": Kind(engine="local", fault=KilledAtPut, place="bucket"),
    "bucket: store fails": Kind(engine="local", fault=FailingStore, place="bucket"),
    "bucket: two commands": Kind(engine="local", fault=Rival, place="bucket"),
    "bucket: on ray, store fails": Kind(engine="ray", fault=FailingStore, place="bucket"),
    "ray: node lost": Kind(engine="ray", fault=LostNode, place="cluster"),
}
"""Every kind of trial by its name."""
