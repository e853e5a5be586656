"""Counters that processes share, kept while their owner lives."""

import pickle
import subprocess
import sys
from pathlib import Path

from densewalk.datasets.storage.tally import Tally

_ADD = "import pickle, sys; pickle.load(sys.stdin.buffer).add('ranges', 5)"


def test_counts_of_processes_that_ended_stay(tmp_path: Path) -> None:
    tally = Tally.begin(tmp_path / "counts")
    tally.add("ranges", 1)
    for _ in range(2):
        subprocess.run([sys.executable, "-P", "-c", _ADD], input=pickle.dumps(tally), check=True)
    assert tally.total()["ranges"] == 11
    assert tally.total()["retries"] == 0


def test_counts_without_an_owner_are_swept(tmp_path: Path) -> None:
    folder = tmp_path / "counts"
    program = (
        "import sys; from pathlib import Path; from densewalk.datasets.storage.tally import Tally\n"
        "Tally.begin(Path(sys.argv[1])).add('ranges', 5)"
    )
    subprocess.run([sys.executable, "-P", "-c", program, str(folder)], check=True)
    assert len(list(folder.iterdir())) == 2
    tally = Tally.begin(folder)
    tally.add("ranges", 1)
    other = Tally.begin(folder)
    assert tally.total()["ranges"] == 1
    assert other.total()["ranges"] == 0
    assert len(list(folder.iterdir())) == 4


def test_a_process_counts_for_itself_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    tally = Tally.begin(tmp_path / "file" / "counts")
    tally.add("downloads", 2)
    tally.add("downloads", 1)
    assert tally.total()["downloads"] == 3
