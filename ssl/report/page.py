"""A report as one HTML file that needs nothing else: no network, no font, no file beside it.

A page is a title, a lead and sections; a section has a title, a plain explanation and blocks. It follows the reader's
light or dark setting and reads on a phone: pictures scale, tables and wide charts scroll inside their own box. One
small script sorts tables and copies them as Markdown or LaTeX; the page is whole without it, and its policy names the
script's hash, so no other one runs. All text is escaped; `backticks` set code and a blank line begins a paragraph. The
bytes depend on the content alone.
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from densewalk.datasets.atomic import write_text
from densewalk.ssl.report.blocks import Block
from densewalk.ssl.report.latex import table_latex
from densewalk.ssl.report.markdown import table_markdown

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
        environment.filters |= {"markdown": table_markdown, "latex": table_latex}
        style, script = (Markup((Path(__file__).parent / name).read_text()) for name in ("page.css", "page.js"))
        # The hash is of what stands between the tags, line breaks included.
        digest = base64.b64encode(hashlib.sha256(f"\n{script}\n".encode()).digest()).decode()
        template = environment.get_template("page.html.j2")
        return template.render(page=self, style=style, script=script, script_hash=f"sha256-{digest}")

    def write(self, path: Path) -> None:
        """Write the page, atomically."""
        write_text(path, self.render())


def _paragraphs(text: str) -> Markup:
    parts = [part for part in re.split(r"\n\s*\n", text.strip()) if part.strip()]
    return Markup("\n").join(Markup("<p>{}</p>").format(_inline(part)) for part in parts)


def _inline(text: str) -> Markup:
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))
