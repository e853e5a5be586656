"""A report as one HTML file that needs nothing else: no network, no script, no font.

A page is a title, a lead and sections; a section has a title, a plain explanation and blocks. It follows the reader's
light or dark setting and reads on a phone: pictures scale, tables scroll inside their own box. All text is escaped;
`backticks` set code and a blank line begins a paragraph. The bytes depend on the content alone.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from densewalk.datasets.atomic import write_text
from densewalk.ssl.report.blocks import Block

__all__ = ["Page", "Section"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section of a page."""

    title: str
    text: str
    """What the reader sees here, in plain words."""
    blocks: tuple[Block, ...]


class Page:
    """A report in the making: sections are added in order, `render` gives the file's text."""

    def __init__(self, title: str, lead: str) -> None:
        self.title = title
        self.lead = lead
        self.sections: list[Section] = []

    def section(self, title: str, text: str, *blocks: Block) -> None:
        """Add a section: a title, what one sees in it in plain words, and its blocks."""
        self.sections.append(Section(title=title, text=text, blocks=blocks))

    def render(self) -> str:
        """Return the page as HTML."""
        environment = Environment(
            loader=FileSystemLoader(Path(__file__).parent),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters["paragraphs"] = _paragraphs
        environment.filters["inline"] = _inline
        style = Markup((Path(__file__).parent / "page.css").read_text())
        return environment.get_template("page.html.j2").render(page=self, style=style)

    def write(self, path: Path) -> None:
        """Write the page, atomically."""
        write_text(path, self.render())


def _paragraphs(text: str) -> Markup:
    parts = [part for part in re.split(r"\n\s*\n", text.strip()) if part.strip()]
    return Markup("\n").join(Markup("<p>{}</p>").format(_inline(part)) for part in parts)


def _inline(text: str) -> Markup:
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))
