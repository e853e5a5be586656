"""Fetch: every entry becomes a file or one verdict that says whether asking again may help."""

import copy
import hashlib
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from densewalk.datasets.ledger import Verdict
from densewalk.datasets.records import name_id
from densewalk.pipelines.fetch.config import YoutubeConfig
from densewalk.pipelines.fetch.faults import TERMINAL
from densewalk.pipelines.records import Entry, Fetched, Refusal
from densewalk.pipelines.stages.fetch import RETRYABLE, Fetch, FetchConfig, is_remote
from tests.loopback_server import LoopbackServer, QuietHandler

QUICK: dict[str, Any] = {"requests_per_second": 1e4, "backoff_seconds": 0.01, "stall_seconds": 0.5, "attempts": 2}
FILMS = {"/a.mp4": b"film a", "/b.mp4": b"film b"}


@pytest.fixture
def host() -> Iterator[str]:
    """Serve two films on this machine."""

    class Handler(QuietHandler):
        def do_GET(self) -> None:  # noqa: N802
            film = FILMS.get(self.path)
            self.send_response(404 if film is None else 200)
            self.send_header("Content-Length", str(len(film or b"")))
            self.end_headers()
            self.wfile.write(film or b"")

    with LoopbackServer(Handler) as server:
        yield server.url


@pytest.fixture
def fetch(tmp_path: Path) -> Callable[..., Fetched | Verdict]:
    """Fetch one address."""

    def run(uri: str, **settings: Any) -> Fetched | Verdict:
        (outcome,) = Fetch(FetchConfig(**QUICK | settings), tmp_path / "fetched")([Entry(uri=uri)])
        return outcome

    return run


def test_a_file_of_this_machine_stays_where_it_is(tmp_path: Path, fetch: Callable[..., Any]) -> None:
    path = tmp_path / "a@b:c.mp4"
    path.write_bytes(b"film")
    entry = Entry(uri=str(path), label="walking")
    assert Fetch(FetchConfig(), tmp_path / "fetched")([entry]) == [Fetched(entry=entry, path=str(path))]
    assert not (tmp_path / "fetched").exists()


def test_files_that_cannot_be_read_fail_and_may_come_back(tmp_path: Path, fetch: Callable[..., Any]) -> None:
    (tmp_path / "loop.mp4").symlink_to(tmp_path / "loop.mp4")
    (tmp_path / "folder.mp4").mkdir()
    os.mkfifo(tmp_path / "pipe.mp4")
    details = {}
    for name in ("absent.mp4", "loop.mp4", "folder.mp4", "pipe.mp4"):
        verdict = fetch(str(tmp_path / name))
        assert (verdict.outcome, verdict.reason) == ("failed", "not readable")
        assert verdict.id == verdict.source_id == name_id(str(tmp_path / name))
        details[name] = verdict.detail
    assert details["pipe.mp4"] == "not a regular file; retryable"
    assert details["absent.mp4"] == "No such file or directory; retryable"


def test_a_name_that_no_table_can_hold_fails(tmp_path: Path, fetch: Callable[..., Any]) -> None:
    for uri in (f"{tmp_path}/\udcff.mp4", f"{tmp_path}/a\n.mp4", "http://a.org/\x00"):
        verdict = fetch(uri)
        assert (verdict.reason, verdict.detail.endswith("; terminal")) == ("name not readable", True)
        assert verdict.uri == ascii(uri)


def test_what_a_list_refused_is_not_looked_at(tmp_path: Path) -> None:
    refusal = Refusal(outcome="rejected", reason="not a video file name", detail=".txt")
    (verdict,) = Fetch(FetchConfig(), tmp_path)([Entry(uri="/notes.txt", refusal=refusal)])
    assert isinstance(verdict, Verdict)
    assert (verdict.outcome, verdict.reason, verdict.detail) == ("rejected", "not a video file name", ".txt")
    assert (verdict.kind, verdict.id, verdict.uri) == ("source", name_id("/notes.txt"), "/notes.txt")


def test_a_remote_file_comes_under_a_name_made_of_its_address(
    host: str, fetch: Callable[..., Any], tmp_path: Path
) -> None:
    uri = f"{host}/a.mp4"
    fetched = fetch(uri)
    assert fetched.temporary
    assert fetched.path == str(tmp_path / "fetched" / hashlib.sha256(uri.encode()).hexdigest()[:20])
    assert Path(fetched.path).read_bytes() == b"film a"


def test_what_was_fetched_before_is_not_asked_for_again(host: str, fetch: Callable[..., Any]) -> None:
    path = Path(fetch(f"{host}/a.mp4").path)
    path.write_bytes(b"as it was")
    assert Path(fetch(f"{host}/a.mp4").path).read_bytes() == b"as it was"


def test_a_remote_fault_says_whether_it_may_pass(host: str, fetch: Callable[..., Any]) -> None:
    gone, closed = fetch(f"{host}/none.mp4"), fetch("http://127.0.0.1:9/a.mp4")
    large = fetch(f"{host}/a.mp4", max_bytes=3)
    assert (gone.outcome, gone.reason, gone.detail) == ("failed", "gone", "404 Not Found; terminal")
    assert (closed.outcome, closed.reason) == ("failed", "network fault")
    assert closed.detail.endswith("; tried 2 times in a row; retryable")
    assert (large.outcome, large.reason, large.detail) == (
        "rejected",
        "too large",
        "6 bytes; fetch.max_bytes=3; terminal",
    )
    assert {gone.reason, large.reason} <= TERMINAL
    assert closed.reason in RETRYABLE


@pytest.mark.parametrize(
    "uri", ["ftp://a.org/b.mp4", "file:///etc/passwd", "youtube:short", "yt8m:toolong", "http://", "a.mp4", ""]
)
def test_addresses_that_mean_nothing_are_terminal(fetch: Callable[..., Any], uri: str) -> None:
    verdict = fetch(uri)
    assert (verdict.outcome, verdict.reason) == ("failed", "bad address")
    assert verdict.detail.endswith("; terminal")


def test_videos_of_youtube_come_through_the_given_command(tmp_path: Path) -> None:
    program = tmp_path / "actor.py"
    program.write_text("import sys; open(sys.argv[sys.argv.index('--output') + 1], 'wb').write(sys.argv[-1].encode())")
    config = FetchConfig(**QUICK, youtube=YoutubeConfig(videos_per_second=1e3))
    stage = Fetch(config, tmp_path / "fetched", youtube_command=(sys.executable, str(program)))
    (fetched,) = stage([Entry(uri="youtube:aB3_-xyz789")])
    assert isinstance(fetched, Fetched)
    assert Path(fetched.path).read_bytes() == b"https://www.youtube.com/watch?v=aB3_-xyz789"


def test_entries_leave_in_their_order_and_copies_of_a_stage_agree(host: str, tmp_path: Path) -> None:
    stage = Fetch(FetchConfig(**QUICK), tmp_path / "fetched")
    entries = [Entry(uri=f"{host}/{name}.mp4") for name in ("a", "none", "b")]
    for worker in (copy.deepcopy(stage), pickle.loads(pickle.dumps(stage))):
        first, absent, second = worker(entries)
        assert [Path(one.path).read_bytes() for one in (first, second)] == [b"film a", b"film b"]
        assert absent.uri == entries[1].uri


@pytest.mark.parametrize(
    ("uri", "remote"),
    [
        ("/a/b.mp4", False),
        ("/a/http://x", False),
        ("youtube:aB3_-xyz789", True),
        ("yt8m:abcd", True),
        ("s3://b/k", True),
    ],
)
def test_remote_addresses_are_told_from_paths(uri: str, remote: bool) -> None:
    assert is_remote(uri) is remote
