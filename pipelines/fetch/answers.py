"""What the head of an http answer says: status, where it leads, how long to wait, which uses are declined."""

import email.utils
import http.client
import time
from http import HTTPStatus
from urllib.parse import urljoin

from densewalk.pipelines.fetch.faults import FetchFault

__all__ = ["declined_uses", "location_of", "retry_after", "status_of", "validator_of"]

_UNWANTED = {"noai", "noimageai", "noindex", "none"}


def status_of(answer: http.client.HTTPResponse) -> str:
    """Return the number and the usual phrase of an answer's status."""
    known = {status.value: status.phrase for status in HTTPStatus}
    return f"{answer.status} {known.get(answer.status, answer.reason)}"


def location_of(answer: http.client.HTTPResponse, url: str) -> str:
    """Return where a redirect leads from `url`; raises `FetchFault` when it does not say."""
    location = answer.getheader("Location")
    if not location:
        raise FetchFault("bad redirect", f"{status_of(answer)} without a Location")
    try:
        return urljoin(url, location.encode("latin-1", "replace").decode(errors="replace"))
    except ValueError as error:
        raise FetchFault("bad redirect", f"{location!r}: {error}") from error


def retry_after(answer: http.client.HTTPResponse) -> float | None:
    """Return the seconds that Retry-After asks for, as a number or a date; dates are of the clock the server shows."""
    value = (answer.getheader("Retry-After") or "").strip()
    if value.isdecimal():
        return float(value)
    until, now = _moment(value), _moment(answer.getheader("Date") or "")
    return None if until is None else max(0.0, until - (time.time() if now is None else now))


def declined_uses(answer: http.client.HTTPResponse) -> list[str]:
    """Return the directives of X-Robots-Tag against use, of the tags addressed to everybody or to densewalk, sorted."""
    tags = answer.headers.get_all("X-Robots-Tag", [])
    return sorted({directive for tag in tags for directive in _declines(tag)})


def validator_of(answer: http.client.HTTPResponse) -> str:
    """Return a strong ETag or the date of the content; empty when there is neither."""
    etag = answer.getheader("ETag") or ""
    value = etag if etag.startswith('"') else answer.getheader("Last-Modified") or ""
    return value if value.isascii() and value.isprintable() else ""


def _moment(text: str) -> float | None:
    """Return the Unix time of a date, None for anything else."""
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def _declines(tag: str) -> set[str]:
    """Return the directives against use in a tag that is addressed to everybody or to densewalk."""
    name, colon, rest = tag.lower().partition(":")
    agent = name.strip() if colon and name.strip().isidentifier() else ""
    agent = "" if agent == "unavailable_after" else agent
    if agent and agent != "densewalk":
        return set()
    return {directive.strip() for directive in (rest if agent else tag.lower()).split(",")} & _UNWANTED
