"""Chaos in short: a few trials of every sort; `make chaos N=200` runs many."""

import os
import random
import shutil
from pathlib import Path

import pytest

from tests.chaos.faults import Fault, Scene
from tests.chaos.kinds import KINDS, Kind
from tests.chaos.places import can_mount
from tests.chaos.references import References
from tests.chaos.trial import run_trial

_LOCAL = ("local: command killed at a step", "local: poisoned reel", "local: full disk", "bucket: store fails")
_ON_RAY = ("ray: worker killed", "ray: command killed", "ray: poisoned file", "ray: node lost")


@pytest.fixture(scope="module")
def references(tmp_path_factory: pytest.TempPathFactory) -> References:
    return References(tmp_path_factory.mktemp("chaos"))


class _Tampering(Fault):
    """Somebody changes a byte of a shard between the end of the command and the comparison."""

    def after(self, scene: Scene) -> list[str]:
        shard = next((scene.work / "shards").iterdir())
        content = bytearray(shard.read_bytes())
        content[1000] ^= 1
        shard.write_bytes(content)
        return []


class _Staying(Fault):
    """A process of the trial outlives it."""

    def after(self, scene: Scene) -> list[str]:
        if os.fork() == 0:
            os.execve("/bin/sleep", ["sleep", "100"], {"MARK": str(scene.folder)})
        return []


@pytest.mark.slow
@pytest.mark.parametrize("name", _LOCAL)
def test_a_disturbed_preparation_ends_like_an_undisturbed_one(
    name: str, references: References, tmp_path: Path
) -> None:
    if KINDS[name].place == "disk" and not can_mount(tmp_path):
        pytest.skip("this user may not mount a disk of bounded size")
    assert run_trial(KINDS[name], references, random.Random(name)).wrongs == ()


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.parametrize("name", _ON_RAY)
def test_a_disturbed_preparation_on_ray_ends_like_an_undisturbed_one(name: str, references: References) -> None:
    assert run_trial(KINDS[name], references, random.Random(name)).wrongs == ()


def _wrongs(fault: type[Fault], references: References) -> tuple[str, ...]:
    ending = run_trial(Kind(engine="local", fault=fault), references, random.Random(0))
    if ending.folder is not None:
        shutil.rmtree(ending.folder)
    return ending.wrongs


@pytest.mark.slow
def test_a_trial_sees_a_changed_byte(references: References) -> None:
    assert any(wrong.startswith("differs: shards/") for wrong in _wrongs(_Tampering, references))


@pytest.mark.slow
def test_a_trial_sees_a_process_that_stays_and_ends_it(references: References) -> None:
    assert any(wrong.startswith("left alive") for wrong in _wrongs(_Staying, references))
