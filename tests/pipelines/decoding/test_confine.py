"""Confinement: a process that gave up its rights cannot open, reach or start anything, and cannot get them back."""

import errno
import json
import socket
import subprocess
import sys
from typing import Any

import pytest

from densewalk.pipelines.decoding.confine import confine

SCRIPT = """
import ctypes, json, os, socket, subprocess, sys, threading
from pathlib import Path
from densewalk.pipelines.decoding.confine import confine

folder, outside, port = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
held = open(outside / "secret")
results = {"missing": confine(folder)}

def attempt(name, action):
    try:
        action()
        results[name] = "done"
    except OSError as error:
        results[name] = error.errno

def think():
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()

def call(number, *arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), "")

attempt("read elsewhere", lambda: open(outside / "secret").read())
attempt("list elsewhere", lambda: os.listdir(outside))
attempt("write elsewhere", lambda: (outside / "new").write_text("x"))
attempt("remove elsewhere", lambda: (outside / "secret").unlink())
attempt("change rights elsewhere", lambda: (outside / "secret").chmod(0o777))
attempt("link out", lambda: os.link(outside / "secret", folder / "link"))
attempt("read a parent's memory", lambda: open(f"/proc/{os.getppid()}/environ").read())
attempt("connect", lambda: socket.create_connection(("127.0.0.1", port)))
attempt("open a socket", lambda: socket.socket(socket.AF_UNIX))
attempt("run", lambda: subprocess.run(["true"]))
attempt("spawn", lambda: os.posix_spawn("/bin/true", ["true"], {}))
attempt("fork", lambda: os.fork())
attempt("signal", lambda: os.kill(os.getppid(), 0))
attempt("set up a ring", lambda: call(425, 8, ctypes.create_string_buffer(120)))
attempt("read what was open", lambda: held.read())
attempt("write inside", lambda: (folder / "a").mkdir() or (folder / "a" / "b").write_text("x"))
attempt("rename inside", lambda: (folder / "a" / "b").rename(folder / "c"))
attempt("think in a thread", think)
attempt("load a module", lambda: __import__("wave") and __import__("decimal"))
print(json.dumps(results))
"""
DENIED = (errno.EPERM, errno.EACCES, errno.EXDEV)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    inside, outside = tmp_path_factory.mktemp("inside"), tmp_path_factory.mktemp("outside")
    (outside / "secret").write_text("secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        arguments = [str(inside), str(outside), str(server.getsockname()[1])]
        done = subprocess.run([sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (outside / "secret").read_text() == "secret"
    assert sorted(path.name for path in outside.iterdir()) == ["secret"]
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "act",
    [
        "read elsewhere",
        "list elsewhere",
        "write elsewhere",
        "remove elsewhere",
        "link out",
        "read a parent's memory",
    ],
)
def test_other_files_are_out_of_reach(results: dict[str, Any], act: str) -> None:
    if "files" in results["missing"]:
        pytest.skip("this kernel has no Landlock")
    assert results[act] in DENIED


@pytest.mark.parametrize(
    "act", ["connect", "open a socket", "run", "spawn", "fork", "signal", "set up a ring", "change rights elsewhere"]
)
def test_network_programs_and_processes_are_out_of_reach(results: dict[str, Any], act: str) -> None:
    if "system calls" in results["missing"]:
        pytest.skip("this kernel or architecture has no filter here")
    assert results[act] in DENIED


@pytest.mark.parametrize(
    "act", ["read what was open", "write inside", "rename inside", "think in a thread", "load a module"]
)
def test_what_a_parser_needs_goes_on_working(results: dict[str, Any], act: str) -> None:
    assert results[act] == "done"


def test_a_machine_without_the_means_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    class OldKernel:
        def prctl(self, *_: object) -> int:
            return 0

        def syscall(self, *_: object) -> int:
            return -1

    monkeypatch.setattr("densewalk.pipelines.decoding.confine._LIBC", OldKernel())
    assert confine(None) == ["files", "system calls"]
