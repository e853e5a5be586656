"""A child that is killed from outside says nothing of its file: another one is asked, some times."""

from pathlib import Path

import pytest

from densewalk.pipelines.decoding.sandbox import ChildDiedError, Sandbox

CHILD = """
import os, signal
from pathlib import Path
from densewalk.pipelines.decoding.serving import serve

def lose_life(folder, what, deaths):
    "Be killed the first `deaths` times."
    lives = Path(folder) / what
    lived = len(lives.read_text()) if lives.is_file() else 0
    lives.write_text("x" * (lived + 1))
    if lived < deaths:
        signal.raise_signal(signal.SIGKILL)

def handle(request):
    lose_life(request["folder"], "work", request["deaths"])
    return {"pid": os.getpid()}

if __name__ == "__main__":
    lose_life(FOLDER, "start", DEATHS)
    serve(handle)
"""


def _sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, deaths_at_start: int = 0) -> Sandbox:
    text = CHILD.replace("FOLDER", repr(str(tmp_path))).replace("DEATHS", str(deaths_at_start))
    (tmp_path / "mortal_child.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    return Sandbox("mortal_child", deadline_seconds=30, memory_bytes=2 << 30, writable=tmp_path)


@pytest.mark.parametrize("deaths", [1, 2])
def test_a_request_outlives_children_that_are_killed(
    deaths: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = _sandbox(tmp_path, monkeypatch)
    assert sandbox.call({"folder": str(tmp_path), "deaths": deaths})["pid"]
    sandbox.close()


def test_a_request_that_is_always_killed_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ChildDiedError, match="killed by SIGKILL") as caught:
        _sandbox(tmp_path, monkeypatch).call({"folder": str(tmp_path), "deaths": 99})
    assert caught.value.killed
    assert (tmp_path / "work").read_text() == "xxx"


def test_a_stream_that_is_killed_says_so_and_is_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ChildDiedError) as caught:
        list(_sandbox(tmp_path, monkeypatch).stream({"folder": str(tmp_path), "deaths": 1}))
    assert caught.value.killed
    assert (tmp_path / "work").read_text() == "x"


def test_a_child_that_is_killed_while_it_starts_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = _sandbox(tmp_path, monkeypatch, deaths_at_start=2)
    assert sandbox.call({"folder": str(tmp_path), "deaths": 0})["pid"]
    sandbox.close()
    (tmp_path / "start").write_text("")
    (tmp_path / "mortal_child.py").unlink()
    with pytest.raises(RuntimeError, match="did not start: killed by SIGKILL"):
        _sandbox(tmp_path, monkeypatch, deaths_at_start=99).start()
