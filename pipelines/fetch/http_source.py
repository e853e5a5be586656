"""http and https: redirects, status, type and size checked, the body counted, interrupted ones continued.

A download goes on where it stopped only when the host gave the content a strong ETag or a date and confirms it
(`Range` with `If-Range`, answered 206 with the same total); any other answer starts again from the first byte.
"""

import contextlib
import http.client
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from densewalk.datasets.storage.web_answers import GONE, MOVED, range_of, retry_after, status_of, validator_of
from densewalk.pipelines.fetch.addresses import Network, parse_url
from densewalk.pipelines.fetch.answers import declined_uses, location_of
from densewalk.pipelines.fetch.connection import request
from densewalk.pipelines.fetch.errand import Errand
from densewalk.pipelines.fetch.faults import FetchFault
from densewalk.pipelines.fetch.partial import Notes, Partial, held_partial

__all__ = ["download", "read_text"]

_CHUNK_BYTES = 1 << 18
_UNTOLD_PAUSE = 8
"""A busy host that names no time is left alone for so many times `fetch.backoff_seconds`."""
_ENCODINGS = {"": "identity", "identity": "identity", "gzip": "gzip", "x-gzip": "gzip", "deflate": "gzip"}
_REACHABLE: frozenset[Network] = frozenset({"public", "private", "loopback"})


def download(url: str, path: Path, errand: Errand) -> None:
    """Bring what `url` names to `path`; raises `FetchFault`."""
    with held_partial(path, errand.clock) as partial:
        if path.is_file():
            partial.discard()
            return
        errand.persist(lambda: _attempt(url, partial, errand), lambda: partial.size)


def read_text(url: str, max_bytes: int, errand: Errand) -> str:
    """Return a small text file; raises `FetchFault`, also when it is longer than `max_bytes`."""
    text = bytearray()

    def attempt() -> None:
        text.clear()
        with _answered(url, {}, errand) as (answer, host):
            _check_status(answer, host, errand)
            text.extend(answer.read(max_bytes + 1))

    errand.persist(attempt, lambda: 0)
    if len(text) > max_bytes:
        raise FetchFault("too large", f"{url} has more than {max_bytes} bytes")
    return text.decode(errors="replace")


def _attempt(url: str, partial: Partial, errand: Errand) -> None:
    if not partial.is_whole:
        headers = {}
        if partial.size and partial.notes.validator:
            headers = {"Range": f"bytes={partial.size}-", "If-Range": partial.notes.validator}
        with _answered(url, headers, errand) as (answer, host):
            if answer.status == 416:
                partial.begin(Notes())
                raise FetchFault("changed while read", f"{status_of(answer)} to {headers}", again=True)
            _check_status(answer, host, errand)
            _check_wanted(answer, errand)
            _receive(answer, partial, continued=bool(headers), max_bytes=errand.config.max_bytes)
    partial.finish(errand.config.max_bytes)


@contextmanager
def _answered(url: str, headers: Mapping[str, str], errand: Errand) -> Iterator[tuple[http.client.HTTPResponse, str]]:
    """GET `url`, following redirects; yield the answer and the host it came from, each hop in its turn."""
    config = errand.config
    networks = _REACHABLE if config.private_networks else frozenset[Network]({"public"})
    always = {"User-Agent": config.user_agent, "Accept": "*/*", "Accept-Encoding": "identity"}
    for hop in range(config.redirects + 1):
        with contextlib.ExitStack() as stack:
            try:
                address = parse_url(url)
                stack.enter_context(errand.turn(address.host))
                answer, network = stack.enter_context(
                    request(address, {**always, **headers}, networks=networks, clock=errand.clock)
                )
            except FetchFault as fault:
                if hop and fault.reason == "bad address":
                    raise FetchFault("bad redirect", fault.detail) from fault
                raise
            if answer.status not in MOVED:
                yield answer, address.host
                return
            networks = frozenset({"public", network}) if hop == 0 else networks
            url = location_of(answer, address.url)
    raise FetchFault("bad redirect", f"more than fetch.redirects={config.redirects} redirects, the last to {url}")


def _check_status(answer: http.client.HTTPResponse, host: str, errand: Errand) -> None:
    """Raise `FetchFault` for every status but 200 and 206."""
    said = status_of(answer)
    match answer.status:
        case 200 | 206:
            return
        case status if status in GONE:
            raise FetchFault("gone", said)
        case status if status == 429 or (status == 503 and answer.getheader("Retry-After")):
            pause = retry_after(answer)
            seconds = _UNTOLD_PAUSE * errand.config.backoff_seconds if pause is None else pause
            errand.hosts.hold(host, seconds)
            raise FetchFault("host busy", f"{said}; left alone for {seconds:g} s", again=True)
        case status if status >= 500 or status == 408:
            raise FetchFault("host error", said, again=True)
        case status if status >= 400:
            raise FetchFault("refused by host", said)
    raise FetchFault("not a video answer", said)


def _check_wanted(answer: http.client.HTTPResponse, errand: Errand) -> None:
    """Raise `FetchFault` when the answer is no video or its publisher asks not to use it."""
    config = errand.config
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind and not kind.startswith(tuple(allowed.lower() for allowed in config.content_types)):
        raise FetchFault("not a video answer", f"Content-Type {kind}; fetch.content_types")
    if config.honour_robots and (declined := declined_uses(answer)):
        raise FetchFault("declined by X-Robots-Tag", f"{', '.join(declined)}; fetch.honour_robots")


def _receive(answer: http.client.HTTPResponse, partial: Partial, *, continued: bool, max_bytes: int) -> None:
    """Append the body; raises `FetchFault` when it is too large or less than was declared."""
    if answer.status == 206:
        _check_continues(answer, partial, continued=continued)
    else:
        partial.begin(_notes(answer))
    total = partial.notes.total
    if total is not None and total > max_bytes:
        raise FetchFault("too large", f"{total} bytes; fetch.max_bytes={max_bytes}")
    partial.append(_body(answer, partial, max_bytes))
    if total is not None and partial.size < total:
        raise FetchFault("network fault", f"the connection ended at byte {partial.size} of {total}", again=True)
    if not partial.size:
        raise FetchFault("empty answer", f"{status_of(answer)} without a body", again=True)


def _body(answer: http.client.HTTPResponse, partial: Partial, max_bytes: int) -> Iterator[bytes]:
    while chunk := answer.read1(min(_CHUNK_BYTES, (partial.notes.total or 1 << 62) - partial.size)):
        if partial.size + len(chunk) > max_bytes:
            raise FetchFault("too large", f"more than fetch.max_bytes={max_bytes} bytes")
        yield chunk


def _notes(answer: http.client.HTTPResponse) -> Notes:
    """Return what identifies an answer with a whole body."""
    named = (answer.getheader("Content-Encoding") or "").strip().lower()
    if named not in _ENCODINGS:
        raise FetchFault("unknown encoding", f"Content-Encoding {named}")
    return Notes(validator_of(answer), answer.length, _ENCODINGS[named])


def _check_continues(answer: http.client.HTTPResponse, partial: Partial, *, continued: bool) -> None:
    """Raise `FetchFault` unless a partial answer carries on behind the bytes that have come."""
    declared, stated = answer.getheader("Content-Range") or "", range_of(answer)
    total, notes = stated and stated[2], partial.notes
    same = answer.getheader("ETag" if notes.validator.startswith('"') else "Last-Modified") in (None, notes.validator)
    if not continued or stated is None or total is None:
        raise FetchFault("host error", f"206 with Content-Range {declared!r} was not asked for", again=True)
    if stated[0] != partial.size or total != (notes.total or total) or not same:
        partial.begin(Notes())
        raise FetchFault("changed while read", f"it was {notes.total} bytes, now {declared}", again=True)
    partial.notes = Notes(notes.validator, total, notes.encoding)
