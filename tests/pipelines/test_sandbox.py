"""The sandbox: whatever the child does, the parent goes on, and no child outlives its parent."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from densewalk.pipelines.sandbox import ChildDiedError, DeadlinePassedError, Sandbox

CHILD = """
import os, signal, sys, time
from densewalk.pipelines.sandbox import serve

def handle(request):
    act = request["act"]
    if act == "sleep":
        time.sleep(60)
    if act == "die":
        os.kill(os.getpid(), signal.SIGSEGV)
    if act == "exit":
        print("last words", file=sys.stderr); sys.stderr.flush(); os._exit(7)
    if act == "raise":
        raise KeyError("in the child")
    if act == "noise":
        print('{"pid": 0}'); sys.stdout.flush()
    if act == "hoard":
        try:
            return {"got": len(bytearray(3 << 30))}
        except MemoryError:
            return {"got": None}
    return {"pid": os.getpid(), "act": act}

if __name__ == "__main__":
    serve(handle)
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "stand_in_child.py").write_text(CHILD)
    (tmp_path / "broken_child.py").write_text("import no_such_module_anywhere")
    monkeypatch.syspath_prepend(tmp_path)
    return "stand_in_child"


@pytest.fixture
def sandbox(module: str) -> Iterator[Sandbox]:
    sandbox = Sandbox(module, deadline_seconds=30, memory_bytes=2 << 30)
    yield sandbox
    sandbox.close()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _gone_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while _is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not _is_alive(pid)


def test_one_child_answers_many_requests_and_ends_when_closed(sandbox: Sandbox) -> None:
    pids = {sandbox.call({"act": "echo"})["pid"] for _ in range(3)}
    assert len(pids) == 1
    assert os.getpid() not in pids
    sandbox.close()
    sandbox.close()
    assert not _is_alive(pids.pop())


def test_a_late_child_is_killed_and_costs_only_its_request(module: str) -> None:
    sandbox = Sandbox(module, deadline_seconds=0.3, memory_bytes=2 << 30)
    first = sandbox.call({"act": "echo"})["pid"]
    with pytest.raises(DeadlinePassedError, match=r"0\.3 s"):
        sandbox.call({"act": "sleep"})
    assert not _is_alive(first)
    assert sandbox.call({"act": "echo"})["pid"] != first
    sandbox.close()


@pytest.mark.parametrize(("act", "words"), [("die", "SIGSEGV"), ("exit", "exit code 7: last words")])
def test_a_dead_child_is_replaced(sandbox: Sandbox, act: str, words: str) -> None:
    with pytest.raises(ChildDiedError, match=words):
        sandbox.call({"act": act})
    assert sandbox.call({"act": "echo"})["act"] == "echo"


def test_the_childs_memory_is_limited(sandbox: Sandbox) -> None:
    assert sandbox.call({"act": "hoard"}) == {"got": None}


def test_what_a_library_prints_is_no_answer(sandbox: Sandbox) -> None:
    assert sandbox.call({"act": "noise"})["pid"] != 0


def test_a_bug_in_the_child_is_a_bug_here(sandbox: Sandbox) -> None:
    with pytest.raises(RuntimeError, match="KeyError: 'in the child'"):
        sandbox.call({"act": "raise"})
    assert sandbox.call({"act": "echo"})["act"] == "echo"


def test_a_child_that_cannot_start_is_a_bug_not_a_bad_file(module: str) -> None:
    with pytest.raises(RuntimeError, match="no_such_module_anywhere"):
        Sandbox("broken_child", deadline_seconds=5, memory_bytes=2 << 30).call({})


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_child_ends_with_its_parent_in_the_middle_of_work(
    module: str, tmp_path: Path, blow: signal.Signals
) -> None:
    script = f"""
from densewalk.pipelines.sandbox import Sandbox
sandbox = Sandbox("{module}", deadline_seconds=60, memory_bytes=2 << 30)
print(sandbox.call({{"act": "echo"}})["pid"], flush=True)
sandbox.call({{"act": "sleep"}})
"""
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.send_signal(blow)
        parent.wait(10)
    assert _gone_within(child, 10)
