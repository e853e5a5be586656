"""What the head of an http answer says beyond its status: where it leads, which uses are declined."""

import http.client
from urllib.parse import urljoin

from densewalk.datasets.storage.web_answers import stated_location, status_of
from densewalk.pipelines.fetch.faults import FetchFault

__all__ = ["declined_uses", "location_of"]

_UNWANTED = {"noai", "noimageai", "noindex", "none"}


def location_of(answer: http.client.HTTPResponse, url: str) -> str:
    """Return where a redirect leads from `url`; raises `FetchFault` when it does not say."""
    location = stated_location(answer)
    if not location:
        raise FetchFault("bad redirect", f"{status_of(answer)} without a Location")
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise FetchFault("bad redirect", f"{location!r}: {error}") from error


def declined_uses(answer: http.client.HTTPResponse) -> list[str]:
    """Return the directives of X-Robots-Tag against use, of the tags addressed to everybody or to densewalk, sorted."""
    tags = answer.headers.get_all("X-Robots-Tag", [])
    return sorted({directive for tag in tags for directive in _declines(tag)})


def _declines(tag: str) -> set[str]:
    """Return the directives against use in a tag that is addressed to everybody or to densewalk."""
    name, colon, rest = tag.lower().partition(":")
    agent = name.strip() if colon and name.strip().isidentifier() else ""
    agent = "" if agent == "unavailable_after" else agent
    if agent and agent != "densewalk":
        return set()
    return {directive.strip() for directive in (rest if agent else tag.lower()).split(",")} & _UNWANTED
