"""YouTube through yt-dlp as a child process, and the ids of YouTube-8M through its published lookup.

The id is checked and the URL built here; no configuration file, plugin, cookie, proxy or stored password is read, and
nothing but one file in a folder of its own is written. A block (429, a check for bots, a refusal) is respected: it
pauses the host for every worker, longer each time, and is recorded; there is no attempt to get around it.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from densewalk.datasets.child_process import import_path, module_command
from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.fetch.errand import Errand
from densewalk.pipelines.fetch.faults import FetchFault
from densewalk.pipelines.fetch.http_source import read_text
from densewalk.pipelines.fetch.partial import held_partial
from densewalk.pipelines.sources.locate import is_youtube8m_id, is_youtube_id

__all__ = ["YT_DLP", "download", "looked_up"]

YT_DLP = (sys.executable, "-P", "-m", "yt_dlp")
"""The program, before its options."""

_HOST = "www.youtube.com"
_LOOKUP = re.compile(r'\s*i\("([A-Za-z0-9_-]{4})"\s*,\s*"([A-Za-z0-9_-]{11})"\);?\s*')
_LOOKUP_BYTES = 4096
_LAST_WORDS = 1 << 14
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "TMPDIR")

_MEANINGS = (
    ("blocked by host", r"not a bot|HTTP Error 4(29|03)|too many requests|rate-limited|captcha|unusual traffic"),
    ("not offered here", r"in your (country|location)|geo.?restrict"),
    (
        "private or removed",
        (
            r"private video|video is private|video (is )?(un|not )available|been (removed|terminated)"
            r"|no longer available|does not exist|HTTP Error 4(04|10)"
        ),
    ),
    ("age or sign-in needed", r"confirm your age|age.restricted|sign in|log ?in|members|requires payment|join this"),
    ("not broadcast yet", r"live event|premieres in|will begin|does not pass filter|is_live|is live"),
    ("too large", r"larger than max-filesize|file too large|EFBIG"),
    ("no usable format", r"requested format is not available|only images|no video formats|DRM"),
    ("network fault", r"unable to download|timed? ?out|connection|resol|HTTP Error 5|bytes read|ssl|network"),
)
"""What yt-dlp says, by what it means for the video; the first that fits."""


def download(video_id: str, path: Path, errand: Errand, command: Sequence[str] = YT_DLP) -> None:
    """Bring a video to `path`; raises `FetchFault`, and `ConfigError` when yt-dlp is absent or too old."""
    if not is_youtube_id(video_id):
        raise FetchFault("bad address", f"{video_id!r} is no YouTube id; expected 11 letters, digits, - or _")
    with held_partial(path, errand.clock) as partial:
        if path.is_file():
            partial.discard()
            return
        folder = path.with_name(path.name + ".youtube")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            with errand.turn(_HOST, errand.config.youtube.videos_per_second):
                code, said = _run(command, video_id, folder, errand)
            video = folder / "video"
            if code or not video.is_file():
                raise _fault(code, said.replace(video_id, "this video"), errand)
            errand.hosts.welcome(_HOST)
            partial.adopt(video)
            partial.finish(errand.config.max_bytes)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def looked_up(hidden_id: str, errand: Errand) -> str:
    """Return the YouTube id behind a YouTube-8M id; raises `FetchFault`, as when the video is not public any more."""
    if not is_youtube8m_id(hidden_id):
        raise FetchFault("bad address", f"{hidden_id!r} is no YouTube-8M id; expected 4 letters or digits")
    url = f"{errand.config.youtube.lookup_url}/{hidden_id[:2]}/{hidden_id}.js"
    try:
        text = read_text(url, _LOOKUP_BYTES, errand)
    except FetchFault as fault:
        if fault.reason in ("gone", "refused by host"):
            raise FetchFault("private or removed", f"its lookup answers {fault.detail}") from fault
        raise
    found = _LOOKUP.fullmatch(text)
    if found is None or found[1] != hidden_id:
        raise FetchFault("lookup not readable", f"{url} holds {text[:80]!r}; fetch.youtube.lookup_url")
    return found[2]


def _options(video_id: str, folder: Path, errand: Errand) -> list[str]:
    config, youtube = errand.config, errand.config.youtube
    return [
        *("--ignore-config", "--no-plugin-dirs", "--no-remote-components", "--no-cookies", "--proxy", ""),
        *("--xff", "never", "--use-extractors", "youtube", "--no-playlist", "--abort-on-error"),
        *("--cache-dir", str(folder.parent / "youtube-cache"), "--color", "never", "--no-progress"),
        *("--retries", str(config.attempts), "--fragment-retries", str(config.attempts)),
        *("--abort-on-unavailable-fragments", "--socket-timeout", f"{config.stall_seconds:g}"),
        *("--sleep-requests", f"{youtube.sleep_seconds:g}", "--max-filesize", str(config.max_bytes)),
        *("--match-filters", "!is_live", "--fixup", "never", "--no-continue", "--no-mtime"),
        *("--format", "bv/b", "--format-sort", f"res:{youtube.short_side},vcodec:h264"),
        *("--output", str(folder / "video").replace("%", "%%")),
        *("--", f"https://{_HOST}/watch?v={video_id}"),
    ]


def _run(command: Sequence[str], video_id: str, folder: Path, errand: Errand) -> tuple[int, str]:
    """Return yt-dlp's exit code and its last words; it is killed at the deadline, and with this process."""
    leash = module_command("densewalk.pipelines.fetch.leash", os.getpid(), errand.config.max_bytes)
    passed_on = {name: value for name, value in os.environ.items() if name in _PASSED_ON}
    with tempfile.TemporaryFile() as words:
        child = subprocess.Popen(
            [*leash, *command, *_options(video_id, folder, errand)],
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=passed_on | {"HOME": str(folder), "YTDLP_NO_PLUGINS": "1"} | import_path(),
            start_new_session=True,
        )
        try:
            code = child.wait(errand.clock.left())
        except subprocess.TimeoutExpired:
            raise FetchFault("deadline passed", f"fetch.deadline_seconds={errand.config.deadline_seconds:g}") from None
        finally:
            _end(child)
        words.seek(max(0, words.seek(0, os.SEEK_END) - _LAST_WORDS))
        return code, words.read().decode(errors="replace")


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill the child and whatever it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _fault(code: int, said: str, errand: Errand) -> Exception:
    """Return what yt-dlp's last words mean."""
    if "No module named yt_dlp" in said:
        return ConfigError("videos of YouTube need yt-dlp: pip install densewalk[youtube]")
    if code == 2 and "no such option" in said:
        return ConfigError(f"yt-dlp is too old: {said.strip().splitlines()[-1]}; pip install -U densewalk[youtube]")
    lines = [line for line in said.splitlines() if line.strip()]
    complaint = " ".join([line for line in lines if line.startswith("ERROR:")] or lines[-3:])
    fits = (reason for reason, pattern in _MEANINGS if re.search(pattern, complaint, re.IGNORECASE))
    reason = next(fits, "youtube fault")
    if reason == "blocked by host":
        pause = errand.hosts.block(_HOST, errand.config.youtube.pause_seconds)
        complaint = f"nothing is asked of it for {pause:g} s; {complaint}"
    return FetchFault(reason, complaint or f"yt-dlp ended with code {code} and said nothing")
