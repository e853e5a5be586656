"""The other side sees which clip is read and that the process gets on; outside workers nothing is written."""

import os

import pytest

from densewalk.datasets.loading import place
from densewalk.datasets.loading.place import PLACE_BYTES, Place, alive, be_seen_at, reading
from densewalk.datasets.loading.shared_memory import new_block


@pytest.fixture
def sides() -> tuple[Place, Place]:
    descriptor = new_block(PLACE_BYTES)
    both = Place(descriptor), Place(descriptor)
    os.close(descriptor)
    return both


def test_the_key_is_seen_while_the_clip_is_read(sides: tuple[Place, Place]) -> None:
    worker, pool = sides
    be_seen_at(worker)
    try:
        assert pool.key is None
        beats = [pool.beats]
        with reading("ключ/0001"):
            assert pool.key == "ключ/0001"
            beats.append(pool.beats)
            alive()
            beats.append(pool.beats)
        assert pool.key is None
        beats.append(pool.beats)
        assert len(set(beats)) == 4
        with pytest.raises(KeyError), reading("b"):
            raise KeyError
        assert pool.key is None
    finally:
        be_seen_at(None)


@pytest.mark.parametrize("key", ["", "k" * PLACE_BYTES])
def test_a_key_that_does_not_fit_is_refused(sides: tuple[Place, Place], key: str) -> None:
    with pytest.raises(ValueError, match="a clip's key has"):
        sides[0].enter(key)


def test_in_other_processes_nothing_is_said() -> None:
    assert place._seen_at is None
    with reading(""):
        alive()
