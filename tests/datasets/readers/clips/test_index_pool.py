"""Indexing in child processes: order, deadlines, crashes, kills, and no child left behind."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.clips import index_pool
from densewalk.datasets.readers.clips.index_pool import VideoPlace, index_videos
from densewalk.datasets.readers.clips.video_index import VideoIndex
from tests.numbered_videos import write_numbered

_STRANGE = """
import json, os, signal, sys, time
from densewalk.datasets.readers.clips import index_child
answer = index_child._answer
def strange(request):
    name = os.path.basename(request["path"])
    if name.startswith("hangs"): time.sleep(60)
    if name.startswith("crashes"): os.kill(os.getpid(), signal.SIGSEGV)
    if name.startswith("killed") and not os.path.exists(request["path"] + ".once"):
        open(request["path"] + ".once", "w").close(); os.kill(os.getpid(), signal.SIGKILL)
    return answer(request)
index_child._answer = strange
index_child.main()
"""


@pytest.fixture
def strange_children(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen]:
    """Children that hang, crash or are killed over files of such names."""
    children: list[subprocess.Popen] = []

    def start() -> subprocess.Popen:
        child = subprocess.Popen(
            [sys.executable, "-P", "-c", _STRANGE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        children.append(child)
        return child

    monkeypatch.setattr(index_pool, "_started", start)
    return children


def test_answers_come_in_the_order_of_the_questions(tmp_path: Path) -> None:
    paths = [write_numbered(tmp_path / f"{number}.mp4", 3 + number) for number in range(5)]
    (tmp_path / "text.mp4").write_text("no video")
    found = list(index_videos([VideoPlace(path) for path in [*paths, tmp_path / "text.mp4"]], workers=2))
    assert [each.frames for each in found[:-1] if isinstance(each, VideoIndex)] == [3, 4, 5, 6, 7]
    assert isinstance(found[-1], DataError)


def test_stretch_of_a_file_is_a_video(tmp_path: Path) -> None:
    content = write_numbered(tmp_path / "a.mp4", 6).read_bytes()
    (tmp_path / "many.tar").write_bytes(bytes(512) + content + bytes(100))
    places = [VideoPlace(tmp_path / "many.tar", 512, len(content)), VideoPlace(tmp_path / "many.tar", 512, 10**6)]
    whole, beyond = index_videos(places, workers=1)
    assert isinstance(whole, VideoIndex)
    assert whole.frames == 6
    assert "ends" in str(beyond)


def test_file_that_hangs_or_crashes_its_reader_costs_only_itself(tmp_path: Path, strange_children: list) -> None:
    names = ["a.mp4", "crashes.mp4", "hangs.mp4", "b.mp4", "killed.mp4"]
    places = [VideoPlace(write_numbered(tmp_path / name, 4)) for name in names]
    began = time.monotonic()
    a, crashed, hung, b, killed = index_videos(places, workers=2, deadline_seconds=4)
    assert time.monotonic() - began < 30
    assert all(isinstance(each, VideoIndex) for each in (a, b, killed)), "being killed is not the file's fault"
    assert "SIGSEGV" in str(crashed)
    assert "longer than 4 s" in str(hung)
    assert all(child.poll() is not None for child in strange_children)


def test_children_end_when_nobody_listens_any_more(tmp_path: Path, strange_children: list) -> None:
    places = [VideoPlace(write_numbered(tmp_path / f"{number}.mp4", 4)) for number in range(8)]
    answers = index_videos(places, workers=2)
    next(answers)
    answers.close()
    assert strange_children
    assert all(child.poll() is not None for child in strange_children)
