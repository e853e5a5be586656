"""What an answer's head says, read from heads as servers write them."""

import http.client
import io
import time

import pytest

from densewalk.datasets.storage.persistence import PassingFaultError
from densewalk.datasets.storage.web_answers import body_chunks, drain, retry_after, status_of, validator_of


class _Said:
    def __init__(self, head: str, body: bytes) -> None:
        self._said = f"HTTP/1.1 {head}\r\n\r\n".encode() + body

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._said)


def _answer(head: str, body: bytes = b"") -> http.client.HTTPResponse:
    answer = http.client.HTTPResponse(_Said(head, body))  # type: ignore[arg-type]
    answer.begin()
    return answer


def test_a_status_is_told_in_the_usual_words() -> None:
    assert status_of(_answer("404 Nope")) == "404 Not Found"
    assert status_of(_answer("599 Odd")) == "599 Odd"


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


def test_a_body_comes_whole_or_is_a_fault_that_may_pass() -> None:
    assert b"".join(body_chunks(_answer("200 OK\r\nContent-Length: 5", b"abcde"), 5)) == b"abcde"
    with pytest.raises(PassingFaultError, match="ended at byte 3 of 5"):
        list(body_chunks(_answer("200 OK\r\nContent-Length: 5", b"abc"), 5))


def test_a_connection_is_used_again_only_when_little_was_left_to_read() -> None:
    assert drain(_answer("404 Not Found\r\nContent-Length: 5", b"abcde"))
    assert not drain(_answer("200 OK\r\nContent-Length: 1000000", b"abcde"))
    assert not drain(_answer("200 OK\r\nContent-Length: 0\r\nConnection: close"))
