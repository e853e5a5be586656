"""Copies in a bounded folder: reserved, finished, used, evicted, also by other processes and after a kill."""

import contextlib
import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from densewalk.datasets.storage.shelf import NoRoomError, Shelf
from tests.small_disk import filled, small_disk

KIB = 1024


def _key(number: int) -> str:
    return f"{number:064x}"


@pytest.fixture
def evicted() -> list[int]:
    """Grows with every copy that is removed."""
    return []


@pytest.fixture
def open_shelf(tmp_path: Path, evicted: list[int]) -> Callable[..., Shelf]:
    """Open the folder as one more process would."""
    return lambda kib=10: Shelf(tmp_path / "files", kib * KIB, lambda: evicted.append(1))


def _put(shelf: Shelf, number: int, kib: int = 1, *, seconds_ago: float = 0.0) -> bool:
    with shelf.place(_key(number), kib * KIB) as file:
        if file is not None:
            file.write(bytes([number]) * kib * KIB)
    if file is not None and seconds_ago:
        then = time.time() - seconds_ago
        os.utime(shelf._folder / _key(number), (then, then))
    return file is not None


def _there(shelf: Shelf) -> set[int]:
    return {int(path.name, 16) for path in shelf._folder.iterdir() if len(path.name) == 64}


def test_a_copy_appears_whole_and_once(open_shelf) -> None:
    shelf = open_shelf()
    with shelf.place(_key(1), 2 * KIB) as file:
        file.write(b"x" * KIB)
        assert shelf.read(_key(1), 0, 1) is None
        assert shelf.progress(_key(1)) is not None
        with open_shelf().place(_key(1), 2 * KIB) as other:
            assert other is None
        file.write(b"y" * KIB)
    assert shelf.read(_key(1), KIB - 1, 2) == b"xy"
    assert shelf.progress(_key(1)) is None
    assert not _put(shelf, 1)
    assert [path.name for path in shelf._folder.iterdir() if path.name != "room"] == [_key(1)]


def test_a_copy_that_fails_leaves_nothing(open_shelf) -> None:
    shelf = open_shelf()
    with pytest.raises(ZeroDivisionError), shelf.place(_key(1), KIB):
        raise ZeroDivisionError
    assert shelf.size(_key(1)) is None
    assert _put(shelf, 1)


def test_what_was_used_longest_ago_goes_first(open_shelf, evicted) -> None:
    shelf = open_shelf()
    for number in range(10):
        _put(shelf, number, seconds_ago=100 - number)
    assert shelf.read(_key(0), 0, 1) == b"\0"
    _put(shelf, 10, kib=2)
    assert _there(shelf) == {0, *range(3, 11)}
    assert len(evicted) == 2


def test_what_is_wanted_stays_whoever_wants_it(open_shelf, evicted) -> None:
    shelf, other = open_shelf(), open_shelf()
    for number in range(10):
        _put(shelf, number, seconds_ago=100 - number)
    other.want([_key(number) for number in range(6)])
    shelf.want([_key(number) for number in (6, 7)])
    _put(shelf, 10, kib=2)
    assert _there(shelf) == {*range(8), 10}
    with pytest.raises(NoRoomError, match=r"data\.cache\.bytes=10240 are taken, 2048 of them not needed soon"):
        _put(shelf, 11, kib=3)
    assert len(evicted) == 2, "nothing goes in vain"
    other.want([_key(5)])
    _put(shelf, 11, kib=5)
    assert {5, 6, 7, 11} <= _there(shelf)


def test_copies_on_their_way_count_in_full(open_shelf) -> None:
    shelf = open_shelf()
    with shelf.place(_key(1), 8 * KIB) as file:
        assert file is not None
        with pytest.raises(NoRoomError):
            _put(open_shelf(), 2, kib=3)
        assert _put(open_shelf(), 3, kib=2)


def test_a_file_larger_than_the_bound_has_no_room(open_shelf) -> None:
    with pytest.raises(NoRoomError, match="a file of 11264 bytes"):
        _put(open_shelf(), 1, kib=11)


def test_a_copy_that_is_too_short_is_dropped(open_shelf) -> None:
    shelf = open_shelf()
    _put(shelf, 1, kib=2)
    os.truncate(shelf._folder / _key(1), KIB)
    assert shelf.read(_key(1), 0, KIB) is not None
    assert shelf.read(_key(1), 0, KIB + 1) is None
    assert shelf.size(_key(1)) is None
    assert _put(shelf, 1, kib=2)


def test_an_open_copy_is_read_though_it_vanishes(open_shelf) -> None:
    shelf = open_shelf()
    _put(shelf, 1)
    with shelf.open(_key(1)) as file:
        assert shelf.drop(_key(1))
        assert file.read() == b"\1" * KIB
    assert not shelf.drop(_key(1))
    assert shelf.open(_key(1)) is None


def test_what_a_killed_process_left_is_cleaned_and_no_longer_wanted(open_shelf, tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from densewalk.datasets.storage.shelf import Shelf\n"
        "shelf = Shelf(Path(sys.argv[1]), 10240, lambda: None)\n"
        "shelf.want([f'{2:064x}'])\n"
        "with shelf.place(f'{1:064x}', 9216) as file:\n"
        "    file.write(b'x'); file.flush(); print('begun', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-P", "-c", program, str(tmp_path / "files")], stdout=subprocess.PIPE
    ) as child:
        assert child.stdout.readline() == b"begun\n"
        shelf = open_shelf()
        assert not _put(shelf, 1, kib=9)
        assert _put(shelf, 2)
        with pytest.raises(NoRoomError):
            _put(shelf, 3)
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert _put(shelf, 3, kib=10)
    assert sorted(path.name for path in shelf._folder.iterdir()) == [_key(3), "room"]


def test_processes_keep_the_bound_together(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from densewalk.datasets.storage.shelf import Shelf\n"
        "seed = int(sys.argv[2])\n"
        "shelf = Shelf(Path(sys.argv[1]), 10240, lambda: None)\n"
        "for n in range(60):\n"
        "    with shelf.place(f'{(n * 7 + seed) % 40:064x}', 1024) as file:\n"
        "        if file is not None: file.write(bytes(1024))\n"
    )
    folder = tmp_path / "files"
    children = [subprocess.Popen([sys.executable, "-P", "-c", program, str(folder), str(seed)]) for seed in range(3)]
    most = 0
    while any(child.poll() is None for child in children):
        sizes = []
        for path in folder.iterdir() if folder.exists() else ():
            with contextlib.suppress(FileNotFoundError):
                sizes.append(path.stat().st_size if len(path.name) >= 64 else 0)
        most = max(most, sum(sizes))
        time.sleep(0.01)
    assert [child.returncode for child in children] == [0, 0, 0]
    assert most <= 12 * KIB, "what is renamed or replaced while the folder is listed may count twice"
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 10 * KIB


def test_a_full_disk_has_no_room_and_loses_old_copies_first(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", kibibytes=512) as disk:
        shelf = Shelf(disk / "files", 1 << 30, lambda: None)
        assert _put(shelf, 1, kib=100, seconds_ago=9)
        with filled(disk, leave=40 * KIB):
            assert _put(shelf, 2, kib=50)
            assert _there(shelf) == {2}
            shelf.want([_key(2)])
            with pytest.raises(NoRoomError, match="bytes of the disk may be used"):
                _put(shelf, 3, kib=100)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    shelf = Shelf(tmp_path / "file" / "files", 10 * KIB, lambda: None)
    assert shelf.read(_key(1), 0, 1) is None
    shelf.want([_key(1)])
    with pytest.raises(OSError):
        _put(shelf, 1)


def test_who_ends_wants_nothing_and_leaves_nothing(open_shelf) -> None:
    shelf = open_shelf()
    folder = shelf._folder
    shelf.want([_key(1)])
    assert len(list(folder.iterdir())) == 1
    del shelf
    gc.collect()
    assert not list(folder.iterdir())
