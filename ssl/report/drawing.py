"""Whether a text is a drawing that may stand inside a page: shapes and words, nothing that acts or loads.

It is read as a browser reads SVG inside HTML, not as XML, so that nothing can mean one thing here and another there.
"""

import re
from html.parser import HTMLParser

__all__ = ["check_drawing"]

_ELEMENTS = {"svg", "g", "path", "rect", "text", "tspan", "title", "defs", "clippath", "use", "style"}
_OUTSIDE = re.compile(r"url\((?!#)|@import|<", re.IGNORECASE)


def check_drawing(svg: str) -> None:
    """Raise `ValueError` with what is wrong unless `svg` is one whole `<svg>` element that is self-contained."""
    reader = _Reader()
    reader.feed(svg)
    reader.close()
    if reader.open or reader.roots != 1:
        raise ValueError(f"a chart is one <svg> element; this is damaged or something else: {svg[:40]!r}")


class _Reader(HTMLParser):
    """Follows the elements of a drawing and refuses what is none."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.roots = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _ELEMENTS or (tag == "svg") == bool(self.open):
            raise ValueError(f"a chart is one <svg> of shapes and words, found <{tag}> in {self.open or 'its place'}")
        for name, value in attrs:
            text = value or ""
            is_link = name.endswith("href") and not text.startswith("#")
            if name.startswith("on") or is_link or (name != "aria-label" and _OUTSIDE.search(text)):
                raise ValueError(f"a chart neither acts nor refers outside, found {name}={text[:40]!r} in <{tag}>")
        self.roots += not self.open
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            raise ValueError(f"a chart is one <svg> element; </{tag}> closes nothing in it")

    def handle_data(self, data: str) -> None:
        if (not self.open and data.strip()) or (self.open[-1:] == ["style"] and _OUTSIDE.search(data)):
            raise ValueError(f"a chart neither acts nor refers outside, found {data.strip()[:40]!r}")

    def handle_comment(self, data: str) -> None:
        raise ValueError("a chart holds no comments")

    def handle_decl(self, decl: str) -> None:
        raise ValueError(f"a chart is one <svg> element; found a declaration {decl[:40]!r}")

    def handle_pi(self, data: str) -> None:
        raise ValueError(f"a chart is one <svg> element; found an instruction {data[:40]!r}")
