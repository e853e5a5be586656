import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from densewalk.datasets.atomic import PARTIAL, atomic_path, disk_faults, write_bytes, write_json, write_text
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.ledger import Verdict, name_verdict, write_ledger
from densewalk.datasets.shards.tar import write_shard
from tests.small_disk import filled, read_only, small_disk


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one mebibyte."""
    with small_disk(tmp_path / "disk", kibibytes=1024) as folder:
        yield folder


def test_file_appears_with_its_content_and_without_leftovers(tmp_path: Path) -> None:
    write_bytes(tmp_path / "new" / "a.bin", b"content")
    assert (tmp_path / "new" / "a.bin").read_bytes() == b"content"
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["a.bin"]


def test_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def fail_half_way() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("ne")
            raise RuntimeError("died")

    with pytest.raises(RuntimeError, match="died"):
        fail_half_way()
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_next_write_replaces_what_a_dead_process_left(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.with_name(path.name + PARTIAL).write_text("half of something longer than the new text")
    write_text(path, "new")
    assert path.read_text() == "new"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_killed_writer_leaves_no_file_under_the_final_name(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    program = (
        "import os, signal, sys, pathlib\n"
        "from densewalk.datasets.atomic import atomic_path\n"
        "with atomic_path(pathlib.Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt" + PARTIAL]


def test_json_bytes_do_not_depend_on_the_order_of_keys(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": 1, "a": ["ü"]})
    write_json(tmp_path / "b.json", {"a": ["ü"], "b": 1})
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": ["ü"], "b": 1}


def _rows() -> Iterator[Verdict]:
    return (name_verdict(f"/{number:07d}.mp4", "failed", "gone", "") for number in range(200_000))


FILES: dict[str, Callable[[Path], object]] = {
    "bytes": lambda path: write_bytes(path, bytes(2 << 20)),
    "shard": lambda path: write_shard(path, ((f"{number}.mp4", bytes(9000)) for number in count())),
    "table": lambda path: write_ledger(path, _rows()),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_full_disk_keeps_the_old_file_and_says_what_to_do(disk: Path, kind: str) -> None:
    path = disk / "a"
    write_text(path, "old")
    with pytest.raises(DataError, match=rf"no space left in {disk} for a .*free some space, then repeat the command"):
        FILES[kind](path)
    assert [file.name for file in disk.iterdir()] == ["a"]
    assert path.read_text() == "old"
    write_text(path, "there is room again")


def test_a_folder_that_no_longer_fits_is_told_as_well(disk: Path) -> None:
    with filled(disk), pytest.raises(DataError, match="no space left"):
        write_text(disk / "new" / "a.txt", "text")


def test_a_disk_that_only_reads_is_said_to_be_so(disk: Path) -> None:
    path = disk / "a.txt"
    write_text(path, "old")
    with read_only(disk), pytest.raises(ConfigError, match=r"cannot write .*a\.txt.*Read-only.*choose another place"):
        write_text(path, "new")
    assert path.read_text() == "old"


def test_other_faults_of_a_disk_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), disk_faults(tmp_path):
        (tmp_path / "absent").read_bytes()
