"""YouTube, played by a small program that records how it was called."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.fetch.config import YoutubeConfig
from densewalk.pipelines.fetch.faults import FetchFault
from densewalk.pipelines.fetch.youtube import YT_DLP, _options, download, looked_up
from tests.process_family import gone

ID = "aB3_-xyz789"

_ACTOR = """
import json, os, sys, time
record = {"argv": sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd()}
open(__file__ + ".record", "a").write(json.dumps(record) + "\\n")
output = sys.argv[sys.argv.index("--output") + 1].replace("%%", "%")
"""


@pytest.fixture
def actor(tmp_path: Path) -> Callable[[str], tuple[str, ...]]:
    """Return a command that plays yt-dlp as the given lines say."""

    def make(lines: str) -> tuple[str, ...]:
        program = tmp_path / "actor.py"
        program.write_text(_ACTOR + lines)
        return (sys.executable, str(program))

    return make


def _recorded(tmp_path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (tmp_path / "actor.py.record").read_text().splitlines()]


@pytest.fixture
def make_errand(errand: Callable[..., Any]) -> Callable[..., Any]:
    """Make an errand that need not wait a quarter of a minute for its turn."""
    return lambda **settings: errand(youtube=YoutubeConfig(videos_per_second=1e3), **settings)


@pytest.fixture
def fault_of(actor, make_errand, tmp_path) -> Callable[..., FetchFault]:
    """Return what yt-dlp's words and exit code mean; nothing may be left behind."""

    def run(lines: str, **settings: Any) -> FetchFault:
        with pytest.raises(FetchFault) as caught:
            download(ID, tmp_path / "files" / "one", make_errand(**settings), actor(lines))
        assert not list((tmp_path / "files").iterdir())
        return caught.value

    return run


def test_a_video_arrives_under_its_name(actor, make_errand, tmp_path) -> None:
    path = tmp_path / "100%" / "one"
    path.parent.mkdir()
    command = actor("open(output, 'wb').write(b'film'); open(output + '.info', 'w')")
    for _ in range(2):
        download(ID, path, make_errand(), command)
    assert path.read_bytes() == b"film"
    assert [file.name for file in path.parent.iterdir()] == ["one"]
    assert len(_recorded(tmp_path)) == 1


def test_nothing_of_the_user_reaches_the_program(actor, make_errand, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    download(ID, tmp_path / "one", make_errand(max_bytes=5000), actor("open(output, 'wb').write(b'film')"))
    (record,) = _recorded(tmp_path)
    argv = record["argv"]
    assert argv[-2:] == ["--", f"https://www.youtube.com/watch?v={ID}"]
    assert argv[argv.index("--proxy") + 1] == ""
    assert argv[argv.index("--max-filesize") + 1] == "5000"
    assert argv[argv.index("--format-sort") + 1] == "res:480,vcodec:h264"
    plain = {"--ignore-config", "--no-plugin-dirs", "--no-cookies", "--no-playlist", "--no-remote-components"}
    assert plain <= set(argv)
    forbidden = ("--cookies", "--exec", "--write", "--netrc", "--proxy=", "--username", "--plugin-dirs", "--config")
    assert not [option for option in argv if option.startswith(forbidden)]
    assert record["env"]["HOME"] == record["cwd"] == str(tmp_path / "one.youtube")
    assert not {"AWS_SECRET_ACCESS_KEY", "HTTPS_PROXY"} & record["env"].keys()


def test_the_installed_yt_dlp_knows_every_option(make_errand, tmp_path) -> None:
    options = _options(ID, tmp_path, make_errand())
    asked = [*YT_DLP, *options[: options.index("--")], "--simulate", "--", "https://www.youtube.com/embed/?"]
    ended = subprocess.run(asked, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert "No suitable extractor found" in ended.stderr, ended.stderr


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("Sign in to confirm you’re not a bot. Use --cookies-from-browser or --cookies", "blocked by host"),
        (
            "Unable to download API page: HTTP Error 429: Too Many Requests (caused by <HTTPError 429>)",
            "blocked by host",
        ),
        ("unable to download video data: HTTP Error 403: Forbidden", "blocked by host"),
        (
            "Video unavailable. This content isn't available. The current session has been rate-limited by YouTube",
            "blocked by host",
        ),
        ("Private video. Sign in if you've been granted access to this video", "private or removed"),
        ("Video unavailable. This video has been removed by the uploader", "private or removed"),
        (
            "Video unavailable. The YouTube account associated with this video has been terminated.",
            "private or removed",
        ),
        ("This video is not available", "private or removed"),
        ("Sign in to confirm your age. This video may be inappropriate for some users.", "age or sign-in needed"),
        ("Join this channel to get access to members-only content", "age or sign-in needed"),
        ("The uploader has not made this video available in your country", "not offered here"),
        ("Video unavailable. It has been blocked in your country on copyright grounds", "not offered here"),
        ("Premieres in 3 hours", "not broadcast yet"),
        ("This live event will begin in 2 days.", "not broadcast yet"),
        ("Requested format is not available. Use --list-formats", "no usable format"),
        ("Unable to download webpage: Failed to resolve 'www.youtube.com'", "network fault"),
        ("unable to download video data: timed out", "network fault"),
        ("unable to download video data: [Errno 27] File too large", "too large"),
        ("Something nobody has heard of", "youtube fault"),
    ],
)
def test_words_have_a_meaning(fault_of, said, reason) -> None:
    error = f"ERROR: [youtube] {ID}: {said}"
    fault = fault_of(f"print('WARNING: login', {error!r}, sep='\\n', file=sys.stderr); sys.exit(1)")
    assert fault.reason == reason
    assert said[:60].split("(")[0].rstrip() in fault.detail


@pytest.mark.parametrize("number", ["sslNetworkX", "429DRMlogin", "_resol_live"])
def test_an_id_is_not_taken_for_words(actor, make_errand, tmp_path, number) -> None:
    command = actor(f"print('ERROR: [youtube] {number}: odd', file=sys.stderr); sys.exit(1)")
    with pytest.raises(FetchFault, match="youtube fault"):
        download(number, tmp_path / "one", make_errand(), command)


def test_an_end_without_a_file_is_told(fault_of) -> None:
    large = fault_of("print('[download] File is larger than max-filesize (9 bytes > 5 bytes). Aborting.')")
    live = fault_of("print('[download] x does not pass filter (!is_live), skipping ..')")
    silent = fault_of("")
    assert (large.reason, large.outcome) == ("too large", "rejected")
    assert live.reason == "not broadcast yet"
    assert (silent.reason, "code 0" in silent.detail) == ("youtube fault", True)


def test_a_program_that_writes_too_much_is_stopped(fault_of) -> None:
    fault = fault_of("open(output, 'wb').write(bytes(100_000))", max_bytes=20_000)
    assert fault.reason == "too large"


def test_a_block_pauses_the_host_until_a_video_comes_again(actor, make_errand, fault_of, tmp_path) -> None:
    blocked = "print('ERROR: HTTP Error 429', file=sys.stderr); sys.exit(1)"
    assert fault_of(blocked).reason == "blocked by host"
    began = time.monotonic()
    paused = fault_of(blocked)
    assert (paused.reason, paused.is_retryable) == ("host paused", True)
    assert time.monotonic() - began < 0.5
    assert len(_recorded(tmp_path)) == 1
    hosts = make_errand().hosts
    state = json.loads((hosts.folder / "www.youtube.com.json").read_text())
    assert state["blocks"] == 1
    assert 800 < state["paused_until"] - time.time() <= 900
    (hosts.folder / "www.youtube.com.json").write_text(json.dumps(state | {"paused_until": 0}).ljust(256))
    download(ID, tmp_path / "one", make_errand(), actor("open(output, 'wb').write(b'film')"))
    assert json.loads((hosts.folder / "www.youtube.com.json").read_text())["blocks"] == 0


def test_a_program_that_hangs_is_killed_with_its_children(fault_of, tmp_path) -> None:
    child = "import subprocess; c = subprocess.Popen(['sleep', '60']); open(__file__ + '.pid', 'w').write(str(c.pid))"
    fault = fault_of(f"{child}; time.sleep(60)", deadline_seconds=1.0)
    assert fault.reason == "deadline passed"
    pid = int((tmp_path / "actor.py.pid").read_text())
    assert gone([pid], seconds=2)


def test_videos_take_turns(actor, errand, tmp_path) -> None:
    command = actor("open(output, 'wb').write(b'film')")
    settings = YoutubeConfig(videos_per_second=2.0)
    began = time.monotonic()
    for name in ("a", "b"):
        download(ID, tmp_path / name, errand(youtube=settings), command)
    assert time.monotonic() - began >= 0.5


def test_an_absent_or_old_program_is_told(actor, make_errand, tmp_path) -> None:
    command = actor("print('/usr/bin/python: No module named yt_dlp', file=sys.stderr); sys.exit(1)")
    with pytest.raises(ConfigError, match=r"pip install densewalk\[youtube\]"):
        download(ID, tmp_path / "one", make_errand(), command)
    command = actor("print('yt-dlp: error: no such option: --no-remote-components', file=sys.stderr); sys.exit(2)")
    with pytest.raises(ConfigError, match=r"too old: .*--no-remote-components"):
        download(ID, tmp_path / "one", make_errand(), command)


@pytest.mark.parametrize(
    "bad", ["", "short", "--exec=rm -rf", "aB3_-xyz78/", "aB3_-xyz789\n", "aB3_-xyz7890", "ééééééééééé"]
)
def test_only_ids_are_asked_for(actor, make_errand, tmp_path, bad) -> None:
    with pytest.raises(FetchFault, match="bad address"):
        download(bad, tmp_path / "one", make_errand(), actor(""))
    assert not (tmp_path / "actor.py.record").exists()


def test_hidden_ids_are_looked_up(server, answer, errand) -> None:
    base = server.url("/2/j/i")
    make = lambda: errand(youtube=YoutubeConfig(lookup_url=base))  # noqa: E731
    server.play("/2/j/i/nX/nXSc.js", answer(200, f'i("nXSc","{ID}");'.encode(), Content_Type="text/javascript"))
    server.play("/2/j/i/go/gone.js", answer(403))
    server.play("/2/j/i/ab/absd.js", answer(404))
    server.play("/2/j/i/wr/wron.js", answer(200, f'i("nXSc","{ID}");'.encode()))
    server.play("/2/j/i/ht/html.js", answer(200, b"<html>"))
    server.play("/2/j/i/la/larg.js", answer(200, b"x" * 10_000))
    assert looked_up("nXSc", make()) == ID
    reasons = {}
    for hidden in ("gone", "absd", "wron", "html", "larg", "../x", "toolong"):
        with pytest.raises(FetchFault) as caught:
            looked_up(hidden, make())
        reasons[hidden] = caught.value.reason
    assert reasons == {
        "gone": "private or removed",
        "absd": "private or removed",
        "wron": "lookup not readable",
        "html": "lookup not readable",
        "larg": "too large",
        "../x": "bad address",
        "toolong": "bad address",
    }
