"""What an http answer says: status, how long to wait, where to go, which content it is of; and its body, counted."""

import email.utils
import http.client
import re
import time
from collections.abc import Iterator
from http import HTTPStatus

from densewalk.datasets.storage.persistence import PassingFaultError

__all__ = [
    "GONE",
    "MOVED",
    "REFUSED",
    "body_chunks",
    "drain",
    "range_of",
    "retry_after",
    "status_of",
    "stated_location",
    "validator_of",
]

MOVED, GONE, REFUSED = (301, 302, 303, 307, 308), (404, 410), (401, 403)
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_CHUNK_BYTES = 1 << 18
_DRAINED_BYTES = 1 << 16


def status_of(answer: http.client.HTTPResponse) -> str:
    """Return the number and the usual phrase of an answer's status."""
    known = {status.value: status.phrase for status in HTTPStatus}
    return f"{answer.status} {known.get(answer.status, answer.reason)}"


def retry_after(answer: http.client.HTTPResponse) -> float | None:
    """Return the seconds that Retry-After asks for, as a number or a date; dates are of the clock the server shows."""
    value = (answer.getheader("Retry-After") or "").strip()
    if value.isdecimal():
        return float(value)
    until, now = _moment(value), _moment(answer.getheader("Date") or "")
    return None if until is None else max(0.0, until - (time.time() if now is None else now))


def validator_of(answer: http.client.HTTPResponse) -> str:
    """Return a strong ETag or the date of the content; empty when there is neither."""
    etag = answer.getheader("ETag") or ""
    value = etag if etag.startswith('"') else answer.getheader("Last-Modified") or ""
    return value if value.isascii() and value.isprintable() else ""


def stated_location(answer: http.client.HTTPResponse) -> str:
    """Return where a redirect leads, which may be relative; empty when it does not say."""
    return (answer.getheader("Location") or "").encode("latin-1", "replace").decode(errors="replace")


def range_of(answer: http.client.HTTPResponse) -> tuple[int, int, int | None] | None:
    """Return first and last byte of a partial answer's body and the length of the whole (None: not told).

    None when it does not say.
    """
    place = _RANGE.fullmatch((answer.getheader("Content-Range") or "").strip())
    return place and (int(place[1]), int(place[2]), None if place[3] == "*" else int(place[3]))


def body_chunks(answer: http.client.HTTPResponse, size: int) -> Iterator[bytes]:
    """Yield a body as it comes in; raises `PassingFaultError` when it has not `size` bytes."""
    came = 0
    while came < size and (chunk := answer.read1(min(_CHUNK_BYTES, size - came))):
        came += len(chunk)
        yield chunk
    if came < size:
        raise PassingFaultError(f"the answer ended at byte {came} of {size}")


def drain(answer: http.client.HTTPResponse) -> bool:
    """Read what little may be left of an answer; return whether its connection can be used again."""
    if answer.will_close:
        return False
    if not answer.isclosed() and (answer.length or 0) <= _DRAINED_BYTES:
        while answer.read1(_DRAINED_BYTES) and answer.length != 0:
            pass
    is_done = answer.isclosed() or answer.length == 0
    answer.close()
    return is_done


def _moment(text: str) -> float | None:
    """Return the Unix time of a date, None for anything else."""
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
