"""Fetch: the bytes of every entry come to a file of this machine, whatever its address.

Files of this machine stay where they are. Anything else comes into `folder` under a name made of its address, so that
what was fetched before is used again and what was interrupted goes on. Each entry that cannot be had ends with a
verdict whose detail ends with `terminal` or `retryable` (see pipelines/fetch/faults.py).
"""

import hashlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from densewalk.datasets.ledger import Outcome, Verdict, name_verdict
from densewalk.datasets.storage.object_filesystem import STORES
from densewalk.pipelines.fetch import http_source, object_store, youtube
from densewalk.pipelines.fetch.config import FetchConfig
from densewalk.pipelines.fetch.errand import Clock, Errand
from densewalk.pipelines.fetch.faults import RETRYABLE, FetchFault
from densewalk.pipelines.fetch.hosts import Hosts
from densewalk.pipelines.records import Entry, Fetched
from densewalk.pipelines.stage import Resources, Stage

__all__ = ["RETRYABLE", "Fetch", "FetchConfig", "is_remote"]


def is_remote(uri: str) -> bool:
    """Whether an entry's address names something that has to be fetched: anything but an absolute path."""
    return not uri.startswith("/")


class Fetch(Stage[Entry, Fetched]):
    """Brings videos to this machine, waiting its turn at their hosts."""

    name = "fetch"
    version = 1

    def __init__(
        self,
        config: FetchConfig,
        folder: Path,
        *,
        all_local: bool = False,
        youtube_command: Sequence[str] = youtube.YT_DLP,
    ) -> None:
        """With `all_local` nothing is remote, and workers need not be many who wait for hosts."""
        self.resources = Resources() if all_local else Resources(cpus=0.1)
        self.config = config
        self.folder = folder
        self.youtube_command = tuple(youtube_command)

    def __call__(self, records: Sequence[Entry]) -> list[Fetched | Verdict]:
        """Return a file or a verdict for each entry.

        Raises `ConfigError` when a package or key is missing, `DataError` when `folder` cannot be written.
        """
        return [self._fetch(entry) for entry in records]

    def _fetch(self, entry: Entry) -> Fetched | Verdict:
        refusal = entry.refusal
        if refusal is not None:
            return _ended(entry.uri, refusal.outcome, refusal.reason, refusal.detail)
        try:
            if not entry.uri.isprintable():
                raise FetchFault("name not readable", "expected UTF-8 without control characters")
            if not is_remote(entry.uri):
                _check_file(Path(entry.uri))
                return Fetched(entry=entry, path=entry.uri)
            path = self.folder / hashlib.sha256(entry.uri.encode()).hexdigest()[:20]
            if not path.is_file():
                self._bring(entry.uri, path)
        except FetchFault as fault:
            state = "retryable" if fault.is_retryable else "terminal"
            detail = f"{fault.detail}; {state}"
            return _ended(entry.uri, fault.outcome, fault.reason, detail)
        return Fetched(entry=entry, path=str(path), temporary=True)

    def _bring(self, uri: str, path: Path) -> None:
        config = self.config
        hosts = Hosts(self.folder / "hosts", config.connections_per_host, config.patience_seconds)
        errand = Errand(uri, config, hosts, Clock(config.deadline_seconds, config.stall_seconds))
        scheme, _, rest = uri.partition(":")
        if scheme in ("http", "https"):
            http_source.download(uri, path, errand)
        elif scheme in STORES:
            object_store.download(uri, path, errand)
        elif scheme == "youtube":
            youtube.download(rest, path, errand, self.youtube_command)
        elif scheme == "yt8m":
            youtube.download(youtube.looked_up(rest, errand), path, errand, self.youtube_command)
        else:
            known = ", ".join(f"{name}://" for name in ("http", "https", *STORES))
            raise FetchFault("bad address", f"{uri} has no known scheme; expected {known}, youtube: or yt8m:")


def _check_file(path: Path) -> None:
    """Raise `FetchFault` unless a file of this machine can be read; a pipe or device would never end."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        raise FetchFault("not readable", getattr(error, "strerror", None) or str(error)) from error
    if not stat.S_ISREG(mode):
        raise FetchFault("not readable", "not a regular file")
    if not os.access(path, os.R_OK):
        raise FetchFault("not readable", "no permission to read it")


def _ended(uri: str, outcome: Outcome, reason: str, detail: str) -> Verdict:
    uri = uri if uri.isprintable() else ascii(uri)
    return name_verdict(uri, outcome, reason, detail)
