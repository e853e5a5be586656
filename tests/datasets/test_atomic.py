import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from densewalk.datasets.atomic import PARTIAL, atomic_path, write_bytes, write_json, write_text


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
