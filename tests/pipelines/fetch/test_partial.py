"""Partial files: one writer, whole files only, and faults of the disk that end the command."""

import contextlib
import json
import resource
import threading
import time
from pathlib import Path

import pytest

from densewalk.datasets.errors import DataError
from densewalk.pipelines.fetch.errand import Clock
from densewalk.pipelines.fetch.faults import FetchFault
from densewalk.pipelines.fetch.partial import Notes, held_partial

NOTES = Notes(validator='"v1"', total=6)


def _interrupt(path: Path, reason: str, chunk: bytes = b"abc") -> None:
    with contextlib.suppress(FetchFault), held_partial(path, Clock(1.0, 1.0)) as partial:
        partial.begin(NOTES)
        partial.append(iter([chunk] if chunk else []))
        raise FetchFault(reason, "")


def test_bytes_outlive_a_fault_that_may_pass(tmp_path: Path) -> None:
    path = tmp_path / "a"
    _interrupt(path, "stalled")
    with held_partial(path, Clock(1.0, 1.0)) as partial:
        assert (partial.size, partial.notes, partial.is_whole) == (3, NOTES, False)
        partial.append(iter([b"d", b"ef"]))
        assert partial.is_whole
        partial.finish(100)
    assert path.read_bytes() == b"abcdef"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("reason", "chunk"), [("gone", b"abc"), ("stalled", b"")])
def test_nothing_is_left_where_nothing_can_follow(tmp_path: Path, reason: str, chunk: bytes) -> None:
    _interrupt(tmp_path / "a", reason, chunk)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("notes", [b"", b"{", b"[]", b'{"unknown": 1}', b"\0\0"])
def test_bytes_without_readable_notes_belong_to_nothing(tmp_path: Path, notes: bytes) -> None:
    path = tmp_path / "a"
    _interrupt(path, "stalled")
    (tmp_path / "a.notes").write_bytes(notes)
    with held_partial(path, Clock(1.0, 1.0)) as partial:
        assert (partial.size, partial.notes) == (0, Notes())


def test_shorter_notes_replace_longer_ones(tmp_path: Path) -> None:
    with held_partial(tmp_path / "a", Clock(1.0, 1.0)) as partial:
        partial.begin(Notes(validator="long" * 50, total=1))
        partial.begin(Notes())
        assert Notes(**json.loads((tmp_path / "a.notes").read_text())) == Notes()


def test_a_second_worker_waits_and_then_finds_the_file(tmp_path: Path) -> None:
    path, seen = tmp_path / "a", []

    def second() -> None:
        with held_partial(path, Clock(5.0, 1.0)) as partial:
            seen.append(path.read_bytes())
            partial.discard()

    with held_partial(path, Clock(1.0, 1.0)) as partial:
        partial.begin(NOTES)
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.15)
        assert not seen
        partial.append(iter([b"abcdef"]))
        partial.finish(100)
    thread.join()
    assert seen == [b"abcdef"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_second_worker_gives_up_at_its_deadline(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with held_partial(path, Clock(5.0, 1.0)) as partial:
        partial.begin(NOTES)
        with pytest.raises(FetchFault) as caught, held_partial(path, Clock(0.2, 1.0)):
            pass
        assert caught.value.reason == "fetched elsewhere"


def test_a_disk_that_takes_no_more_ends_the_command(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with held_partial(tmp_path / "a", Clock(1.0, 1.0)) as partial:
        partial.begin(NOTES)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
        try:
            with pytest.raises(DataError, match=r"cannot write .*a: File too large"):
                partial.append(iter([b"x" * 5000]))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_folder_that_cannot_be_made_ends_the_command(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="choose another --out"), held_partial(tmp_path / "file" / "a", Clock(1.0, 1.0)):
        pass
