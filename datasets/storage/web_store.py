"""Files of a web server, read with Range requests over connections that stay open.

A file that is read in parts must be one file: the first answer tells its strong ETag (or date) and length, and a
later one that tells others is a `DataError`. What breaks off in mid body goes on at the byte that was reached. A query
in the location (an access signature) is sent with every file and never shown.
"""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.storage.config import CacheConfig
from densewalk.datasets.storage.persistence import PassingFaultError, Persistence
from densewalk.datasets.storage.remote import Count, NoRangesError, Version
from densewalk.datasets.storage.web_answers import (
    GONE,
    MOVED,
    REFUSED,
    body_chunks,
    drain,
    range_of,
    retry_after,
    stated_location,
    status_of,
    validator_of,
)
from densewalk.datasets.storage.web_link import PORTS, Links, Origin, WebLink

__all__ = ["WebStore"]

_MOST_REDIRECTS = 5
_PASSING = (408, 425, 429)
_KEPT = "%/:=&?~+!$,;'@()*[]#"
_HEADERS = {"User-Agent": "densewalk", "Accept": "*/*", "Accept-Encoding": "identity"}


class WebStore:
    """Files below an http(s) address."""

    def __init__(self, location: str, config: CacheConfig) -> None:
        self._location, self._config = location, config
        self._parts = _place(location)
        self._links = Links()
        self._versions: dict[str, Version] = {}

    def __reduce__(self) -> tuple[type["WebStore"], tuple[str, CacheConfig]]:
        return WebStore, (self._location, self._config)

    @property
    def name(self) -> str:
        """The address without its query."""
        return _shown(self._parts).rstrip("/")

    def names(self, below: str) -> list[str]:
        """Raise `ConfigError`: the protocol has no way to list files."""
        raise ConfigError(
            f"{self.name} is on a web server, which cannot list its files; name them: train-{{00000..00099}}.tar"
        )

    def version(self, name: str) -> Version:
        """Return which content a file has."""
        if name not in self._versions:
            persistence = self._persistence(name, _uncounted)
            while name not in self._versions:
                try:
                    with self._answer(name, "bytes=0-0", persistence) as answer:
                        self._identified(name, answer)
                except PassingFaultError as fault:
                    persistence.pause(fault)
        return self._versions[name]

    def chunks(self, name: str, start: int, size: int | None, count: Count) -> Iterator[bytes]:
        """Yield the bytes of a file from `start`, None: to its end."""
        persistence = self._persistence(name, count)
        at, stop = start, None if size is None else start + size
        while stop is None or at < stop:
            try:
                for chunk in self._once(name, at, stop, persistence, is_whole=size is None):
                    at += len(chunk)
                    persistence.gained(len(chunk))
                    yield chunk
            except PassingFaultError as fault:
                persistence.pause(fault)
            if name in self._versions:
                total = self._versions[name].total
                if stop is not None and stop > total:
                    raise DataError(
                        f"{self._url(name)} ends at byte {total}; expected {stop - start} bytes from byte {start}"
                    )
                stop = total if stop is None else stop

    def _once(
        self, name: str, at: int, stop: int | None, persistence: Persistence, *, is_whole: bool
    ) -> Iterator[bytes]:
        """Yield what one answer brings of the bytes from `at`, which may be less than all.

        Of a whole file, bytes that came before may come again.
        """
        asked = f"bytes={at}-{'' if stop is None else stop - 1}"
        with self._answer(name, asked, persistence) as answer:
            version = self._identified(name, answer)
            end = version.total if stop is None else min(stop, version.total)
            if answer.status == 416 or at >= end:
                return
            first, size = 0, version.total
            if answer.status == 206:
                first, size = _span(answer)
            elif not is_whole and (at or end < version.total):
                raise NoRangesError(self._url(name))
            if answer.status == 206 and (first != at or size < 1):
                raise PassingFaultError(f"it sent {size} bytes from {first} when asked for {asked}")
            for chunk in body_chunks(answer, size):
                new = chunk[max(0, at - first) : max(0, end - first)]
                first += len(chunk)
                at += len(new)
                if new:
                    yield new
                if at >= end:
                    return  # some send more than was asked for

    @contextmanager
    def _answer(self, name: str, asked: str, persistence: Persistence) -> Iterator[http.client.HTTPResponse]:
        """GET a range of a file, following redirects; the answer is one of status 200, 206 or 416."""
        url = f"{self._url(name)}{'?' if self._parts.query else ''}{self._parts.query}"
        for _ in range(_MOST_REDIRECTS + 1):
            parts = urlsplit(url)
            with self._asked(parts, asked, persistence) as answer:
                if answer.status not in MOVED:
                    self._check_status(name, answer)
                    yield answer
                    return
                url = _moved(parts, answer)
        raise DataError(f"{self._url(name)} is redirected more than {_MOST_REDIRECTS} times")

    @contextmanager
    def _asked(self, parts: SplitResult, asked: str, persistence: Persistence) -> Iterator[http.client.HTTPResponse]:
        """Send one request; the connection is kept if the block leaves nothing of the answer unread."""
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        origin = Origin.of(parts)
        link: WebLink | None = None
        is_kept = False
        try:
            link, answer = self._sent(origin, target, asked, persistence)
            yield answer
            is_kept = drain(answer)
        except TimeoutError as error:
            raise PassingFaultError(f"{origin.netloc} stalled ({error}; data.cache.stall_seconds)") from error
        except (OSError, http.client.HTTPException) as error:
            raise PassingFaultError(f"{origin.netloc}: {str(error) or type(error).__name__}") from error
        finally:
            if link is not None:
                if is_kept:
                    self._links.give_back(link)
                else:
                    link.close()

    def _sent(
        self, origin: Origin, target: str, asked: str, persistence: Persistence
    ) -> tuple[WebLink, http.client.HTTPResponse]:
        """Ask over a kept connection, or a new one where the server closed the kept one meanwhile."""
        while True:
            link = self._links.take(origin, persistence)
            was_used = link.is_used
            try:
                return link, link.get(target, {**_HEADERS, "Range": asked}, persistence)
            except BaseException as error:
                link.close()
                if not was_used or not isinstance(error, ConnectionError | http.client.BadStatusLine):
                    raise

    def _check_status(self, name: str, answer: http.client.HTTPResponse) -> None:
        said = status_of(answer)
        encoding = (answer.getheader("Content-Encoding") or "identity").strip().lower()
        if answer.status in (200, 206, 416):
            if encoding != "identity":
                raise DataError(
                    f"{self._url(name)} comes as {encoding}, whose bytes are others; let it be sent as it is"
                )
            return
        if answer.status in _PASSING or answer.status >= 500:
            raise PassingFaultError(f"it answered {said}", wait_seconds=retry_after(answer) or 0.0)
        if answer.status in GONE:
            raise DataError(f"{self._url(name)} is absent ({said})")
        if answer.status in REFUSED:
            raise DataError(f"{self._url(name)} is refused ({said}); is its access signature missing or over?")
        raise DataError(f"{self._url(name)} cannot be read ({said})")

    def _identified(self, name: str, answer: http.client.HTTPResponse) -> Version:
        """Return the version an answer is of; raises `DataError` when it is not the one that was seen first."""
        declared = (answer.getheader("Content-Range") or "").rpartition("/")[2].strip()
        total = int(declared) if declared.isdecimal() else answer.length if answer.status == 200 else None
        seen = self._versions.get(name)
        if total is None:
            raise DataError(
                f"{self._url(name)} comes without its length ({status_of(answer)}, {declared or 'no'} total)"
            )
        found = Version(total, validator_of(answer))
        if seen is None or (seen.total == found.total and not seen.identity):
            self._versions[name] = seen = found
        if found.total != seen.total or (found.identity and found.identity != seen.identity):
            raise DataError(
                f"{self._url(name)} changed while it was read: it was {seen.stamp}, now {found.stamp}; start again "
                "when it stays as it is"
            )
        return seen

    def _url(self, name: str) -> str:
        return f"{self.name}/{quote(name)}"

    def _persistence(self, name: str, count: Count) -> Persistence:
        return Persistence(self._url(name), self._config, lambda: count("retries", 1))


def _place(location: str) -> SplitResult:
    """Take an address apart, as ASCII; raises `ConfigError` for one that is none."""
    try:
        parts = urlsplit(quote(location, safe=_KEPT))
        port = parts.port
        host = urlsplit(location).hostname or ""
        host = host if ":" in host else host.encode("idna").decode()
    except ValueError as error:
        raise ConfigError(f"{location.partition('?')[0]} is no web address: {error}") from error
    if not host or parts.username is not None or parts.fragment:
        raise ConfigError(
            f"{_shown(parts)} is no place on a web server; expected http(s)://HOST/FOLDER without user or fragment"
        )
    return parts._replace(netloc=Origin(parts.scheme, host, port or PORTS[parts.scheme]).netloc)


def _span(answer: http.client.HTTPResponse) -> tuple[int, int]:
    """Return first byte and size of a partial answer's body."""
    stated = range_of(answer)
    if stated is None:
        declared = answer.getheader("Content-Range") or ""
        raise PassingFaultError(f"it answered {status_of(answer)} with Content-Range {declared!r}")
    return stated[0], stated[1] + 1 - stated[0]


def _moved(parts: SplitResult, answer: http.client.HTTPResponse) -> str:
    url = urljoin(parts.geturl(), quote(stated_location(answer), safe=_KEPT))
    to = urlsplit(url)
    if to.scheme not in ("http", "https") or not to.hostname or (parts.scheme == "https" and to.scheme == "http"):
        raise DataError(f"{_shown(parts)} is redirected to {_shown(to)!r}; expected another https address")
    return url


def _shown(parts: SplitResult) -> str:
    """Return an address without user, query and fragment, which may be secrets."""
    netloc = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=netloc, query="", fragment="").geturl()


def _uncounted(_name: str, _size: int) -> None:
    pass
