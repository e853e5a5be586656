"""What an answer's head says, read from heads as hosts write them."""

import http.client
import io
import time

import pytest

from densewalk.pipelines.fetch.answers import declined_uses, location_of, retry_after, status_of, validator_of
from densewalk.pipelines.fetch.faults import FetchFault


class _Said:
    def __init__(self, head: str) -> None:
        self._head = f"HTTP/1.1 {head}\r\n\r\n".encode()

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._head)


def _answer(head: str) -> http.client.HTTPResponse:
    answer = http.client.HTTPResponse(_Said(head))  # type: ignore[arg-type]
    answer.begin()
    return answer


def test_a_status_is_told_in_the_usual_words() -> None:
    assert status_of(_answer("404 Nope")) == "404 Not Found"
    assert status_of(_answer("599 Odd")) == "599 Odd"


@pytest.mark.parametrize(
    ("tags", "declined"),
    [
        ("X-Robots-Tag: noai, NoImageAI", ["noai", "noimageai"]),
        ("X-Robots-Tag: googlebot: noindex", []),
        ("X-Robots-Tag: densewalk: none\r\nX-Robots-Tag: noindex", ["noindex", "none"]),
        ("X-Robots-Tag: unavailable_after: 25 Jun 2030 15:00:00 GMT, noindex", ["noindex"]),
        ("X-Robots-Tag: all", []),
    ],
)
def test_uses_are_declined_by_tags_addressed_to_everybody_or_to_densewalk(tags: str, declined: list[str]) -> None:
    assert declined_uses(_answer(f"200 OK\r\n{tags}")) == declined


def test_the_wait_is_a_number_or_a_date_and_otherwise_unknown() -> None:
    in_an_hour = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 3600))
    assert retry_after(_answer("429 Too\r\nRetry-After: 7")) == 7
    assert retry_after(_answer(f"429 Too\r\nRetry-After: {in_an_hour}")) == pytest.approx(3600, abs=5)
    assert retry_after(_answer("429 Too\r\nRetry-After: soon")) is None


def test_a_date_to_wait_for_is_read_by_the_clock_of_who_gave_it() -> None:
    dates = ("Date: Fri, 02 Jan 1970 00:00:00 GMT", "Retry-After: Fri, 02 Jan 1970 00:02:00 GMT")
    assert retry_after(_answer("\r\n".join(("503 Later", *dates)))) == 120
    assert retry_after(_answer("429 Too")) is None


def test_only_a_strong_etag_or_a_date_identifies_content() -> None:
    assert validator_of(_answer('200 OK\r\nETag: "a"\r\nLast-Modified: then')) == '"a"'
    assert validator_of(_answer('200 OK\r\nETag: W/"a"\r\nLast-Modified: then')) == "then"
    assert validator_of(_answer('200 OK\r\nETag: W/"a"')) == ""


def test_a_redirect_leads_somewhere_or_is_a_fault() -> None:
    assert location_of(_answer("302 Found\r\nLocation: ../b.mp4"), "http://h/x/a.mp4") == "http://h/b.mp4"
    with pytest.raises(FetchFault, match="without a Location"):
        location_of(_answer("302 Found"), "http://h/a")
