"""What an answer's head says, read from heads as hosts write them."""

import http.client
import io

import pytest

from densewalk.pipelines.fetch.answers import declined_uses, location_of
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


def test_a_redirect_leads_somewhere_or_is_a_fault() -> None:
    assert location_of(_answer("302 Found\r\nLocation: ../b.mp4"), "http://h/x/a.mp4") == "http://h/b.mp4"
    with pytest.raises(FetchFault, match="without a Location"):
        location_of(_answer("302 Found"), "http://h/a")
