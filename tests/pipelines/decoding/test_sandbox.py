"""The sandbox: whatever the child does, the parent goes on, and no child outlives its parent."""

import errno
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from densewalk.pipelines.decoding.sandbox import ChildDiedError, DeadlinePassedError, Sandbox, UnreadableError

CHILD = """
import os, signal, sys, time
from pathlib import Path
from densewalk.pipelines.decoding.serving import serve

def handle(request):
    act = request["act"]
    if act == "sleep":
        time.sleep(60)
    if act == "die":
        signal.raise_signal(signal.SIGSEGV)
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
    if act == "count":
        return count(request)
    if act == "read":
        return {"text": os.pread(request["descriptor"], 99, 0).decode(), "descriptor": request["descriptor"]}
    if act == "closed":
        try:
            os.fstat(request["number"])
        except OSError:
            return {"closed": True}
    if act == "environment":
        return dict(os.environ)
    if act == "flood":
        return {"flood": "x" * (17 << 20)}
    if act == "write":
        try:
            Path(request["path"]).write_text("written")
        except OSError as error:
            return {"error": error.errno}
    if act == "huge log":
        print("x" * (4 << 20), file=sys.stderr)
    return {"pid": os.getpid(), "act": act}

def count(request):
    for number in range(request["upto"]):
        time.sleep(request.get("pause", 0))
        if number == request.get("fault"):
            raise KeyError("in the middle")
        if number == request.get("death"):
            os._exit(3)
        yield {"number": number, "seconds": time.monotonic()}

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


def test_a_stream_gives_its_answers_in_order_and_the_child_lives_on(sandbox: Sandbox) -> None:
    assert [answer["number"] for answer in sandbox.stream({"act": "count", "upto": 5})] == [0, 1, 2, 3, 4]
    assert list(sandbox.stream({"act": "count", "upto": 0})) == []
    assert sandbox.call({"act": "echo"})["act"] == "echo"


def test_the_next_answer_is_made_when_it_is_asked_for(sandbox: Sandbox) -> None:
    answers = sandbox.stream({"act": "count", "upto": 2})
    next(answers)
    asked = time.monotonic()
    time.sleep(0.2)
    assert next(answers)["seconds"] >= asked + 0.2


def test_time_between_answers_is_the_callers_and_time_for_them_adds_up(module: str) -> None:
    sandbox = Sandbox(module, deadline_seconds=1.0, memory_bytes=2 << 30)
    for _ in sandbox.stream({"act": "count", "upto": 3}):
        time.sleep(0.4)
    answers = sandbox.stream({"act": "count", "upto": 9, "pause": 0.4})
    next(answers)
    with pytest.raises(DeadlinePassedError):
        list(answers)
    sandbox.close()


@pytest.mark.parametrize(("how", "error"), [("fault", RuntimeError), ("death", ChildDiedError)])
def test_a_stream_may_break_off_in_the_middle(sandbox: Sandbox, how: str, error: type[Exception]) -> None:
    answers = sandbox.stream({"act": "count", "upto": 9, how: 1})
    assert next(answers)["number"] == 0
    with pytest.raises(error):
        next(answers)
    assert sandbox.call({"act": "echo"})["act"] == "echo"


def test_leaving_a_stream_early_ends_the_child_and_nothing_of_it_reaches_the_next_request(sandbox: Sandbox) -> None:
    first = sandbox.call({"act": "echo"})["pid"]
    answers = sandbox.stream({"act": "count", "upto": 9})
    next(answers)
    del answers
    assert not _is_alive(first)
    assert sandbox.call({"act": "echo"})["act"] == "echo"


def test_a_second_request_within_a_stream_is_a_fault_of_the_code(sandbox: Sandbox) -> None:
    answers = sandbox.stream({"act": "count", "upto": 9})
    next(answers)
    with pytest.raises(RuntimeError, match="second request"):
        sandbox.call({"act": "echo"})


def test_the_parent_hands_over_an_open_file_that_is_closed_afterwards(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    path.write_text("its content")
    answer = sandbox.call({"act": "read"}, file=path)
    assert answer["text"] == "its content"
    assert sandbox.call({"act": "closed", "number": answer["descriptor"]}) == {"closed": True}
    num_open = len([*Path("/proc/self/fd").iterdir()])
    for _ in range(5):
        sandbox.call({"act": "read"}, file=path)
    assert len([*Path("/proc/self/fd").iterdir()]) == num_open


def test_a_file_that_cannot_be_opened_says_so_and_the_child_is_not_asked(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="No such file"):
        sandbox.call({"act": "read"}, file=tmp_path / "absent")
    os.mkfifo(tmp_path / "pipe")
    assert sandbox.call({"act": "echo"}, file=tmp_path / "pipe")["act"] == "echo", "nobody waits for a pipe's writer"


def test_the_child_knows_nothing_of_the_environment_that_could_be_a_secret(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    environment = sandbox.call({"act": "environment"})
    assert "AWS_SECRET_ACCESS_KEY" not in environment
    assert environment["OMP_NUM_THREADS"] == "1"


def test_an_endless_answer_is_not_read_to_its_end(sandbox: Sandbox) -> None:
    with pytest.raises(ChildDiedError, match="more than"):
        sandbox.call({"act": "flood"})


def test_the_child_writes_below_its_folder_only(module: str, tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    outside.mkdir()
    sandbox = Sandbox(module, deadline_seconds=30, memory_bytes=2 << 30, writable=inside)
    assert "error" not in sandbox.call({"act": "write", "path": str(inside / "file")})
    assert (inside / "file").read_text() == "written"
    assert sandbox.call({"act": "write", "path": str(outside / "file")}) == {"error": errno.EACCES}
    sandbox.close()


def test_what_a_child_without_a_folder_prints_is_bounded(sandbox: Sandbox) -> None:
    with pytest.raises(RuntimeError, match="File too large"):
        sandbox.call({"act": "huge log"})


def test_a_machine_that_cannot_confine_is_said_once(
    sandbox: Sandbox, module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import platform; platform.machine = lambda: 'unknown'")
    with caplog.at_level(logging.WARNING):
        assert "system calls" in sandbox.start()
        sandbox.close()
        sandbox.start()
    assert caplog.text.count("system calls") == 1


def test_the_child_ends_with_a_parent_that_dies_with_an_answer_unread(module: str, tmp_path: Path) -> None:
    """The kernel then says that the connection was reset, not that it has ended."""
    script = f"""
import time
from densewalk.pipelines.decoding.sandbox import Sandbox
sandbox = Sandbox("{module}", deadline_seconds=60, memory_bytes=2 << 30)
child = sandbox.call({{"act": "echo"}})["pid"]
sandbox._send({{"request": {{"act": "echo"}}}}, [])
time.sleep(0.5)
print(child, flush=True)
time.sleep(60)
"""
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    assert _gone_within(child, 10)


def test_the_child_keeps_to_lower_limits_that_were_there_before(module: str, tmp_path: Path) -> None:
    script = f"""
import resource
from densewalk.pipelines.decoding.sandbox import Sandbox
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 19,) * 2)
print(Sandbox("{module}", deadline_seconds=60, memory_bytes=2 << 30).call({{"act": "echo"}})["act"])
"""
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False)
    assert done.stdout.strip() == "echo", done.stderr


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_child_ends_with_its_parent_in_the_middle_of_work(
    module: str, tmp_path: Path, blow: signal.Signals
) -> None:
    script = f"""
import signal
from densewalk.pipelines.decoding.sandbox import Sandbox
signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background of a shell ignore it
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
