"""A page is whole, safe and self-contained whatever is put into it."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from densewalk.ssl.report.blocks import Chart, Code, Facts, Fold, Listing, Note, Picture
from densewalk.ssl.report.latex import table_latex
from densewalk.ssl.report.markdown import table_markdown
from densewalk.ssl.report.page import Page
from densewalk.ssl.report.table import Column, Row, Table
from densewalk.ssl.show.curves import bars, loss_curve
from densewalk.ssl.show.film import gif_bytes, write_mp4
from densewalk.ssl.show.still import png_bytes

VOID = {"meta", "img", "br", "link", "input"}
HOSTILE = '<script>alert("1")</script> & \'x\' onload="y"'


class Outline(HTMLParser):
    """Reads a page, holds it to balanced tags and remembers elements and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open, f"unclosed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> crosses another element"

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def full_page(tmp_path: Path, text: str) -> Page:
    video = np.zeros((3, 40, 60, 3), np.uint8)
    write_mp4(tmp_path / "film.mp4", video, fps=5)
    page = Page(text, text)
    table = Table(
        columns=(Column(title=text), Column(title="AJ", better="higher", unit="%"), Column(title="e", better="lower")),
        rows=(Row(values=(text, 60.0, 3.0), role="ours"), Row(values=("rgb", 20.0, None), role="baseline")),
        caption=text,
        title=text,
    )
    listing = Listing(title=text, entries=((text, text),))
    page.section(text, text, Facts(facts=((text, text),)), Note(text=text), Note(text=text, tone="warning"))
    page.section("Pictures", "", Picture(content=png_bytes(video[0]), alt=text, caption=text))
    page.section(
        "Films",
        "Moving.",
        Picture(content=(tmp_path / "film.mp4").read_bytes(), alt=text),
        Picture(content=gif_bytes(video, fps=5), alt="gif"),
    )
    charts = [
        Chart(svg=bars({text: 1.0}, label=text)),
        Chart(svg=loss_curve({text: ([0, 1], [2.0, 1.0])}), caption=text),
    ]
    page.section("Numbers", "Two\n\nparagraphs with `code`.", table, *charts, Code(text=text, caption=text))
    page.section(
        "Folded", "Away.", Fold(summary=text, blocks=(listing, table, Fold(summary=text, blocks=(Note(text=text),))))
    )
    return page


@pytest.mark.parametrize(
    "text", ["plain words", HOSTILE, "{{ 7 * 7 }} {% raw %} `a<b>`"], ids=["plain", "hostile", "jinja"]
)
def test_a_page_is_well_formed_loads_nothing_and_escapes_everything(tmp_path: Path, text: str) -> None:
    html = full_page(tmp_path, text).render()
    outline = Outline(html)
    assert html.startswith("<!doctype html>")
    assert not re.search(r"https?://|@import|\burl\((?!#)", html)
    assert len(outline.named("script")) == 1
    assert not any(name.startswith("on") for _, attributes in outline.elements for name in attributes)
    for tag in ("img", "video"):
        assert all(str(attributes["src"]).startswith("data:") for attributes in outline.named(tag))
    if "`" not in text:
        assert text in outline.words
        assert text in {attributes.get("alt") for attributes in outline.named("img")}


def test_the_policy_admits_this_script_and_nothing_else(tmp_path: Path) -> None:
    html = full_page(tmp_path, HOSTILE).render()
    policy = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)[0].replace("&#39;", "'")
    script = html[html.index("<script>") + len("<script>") : html.index("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules == {
        "default-src": "'none'",
        "script-src": f"'sha256-{digest}'",
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
        "media-src": "data:",
    }


def test_tables_carry_their_numbers_and_their_own_text_in_two_forms(tmp_path: Path) -> None:
    table = Table(
        columns=(Column(title="s"), Column(title="AJ", better="higher", digits=1)),
        rows=(Row(values=("a & b", 60.04)), Row(values=("c", None))),
    )
    page = Page("t", "l")
    page.section("s", "", table)
    outline = Outline(page.render())
    assert [cell.get("data-value") for cell in outline.named("td")] == ["60.04", None]
    assert ["data-gap" in cell for cell in outline.named("td")] == [False, True]
    copies = [attributes["data-copy"] for attributes in outline.named("button")]
    assert copies == [table_markdown(table), table_latex(table)]
    assert [attributes.get("data-first") for attributes in outline.named("th")][:2] == [None, "descending"]
    assert "hidden" in next(attributes for attributes in outline.named("div") if attributes.get("class") == "copy")


def test_a_wide_chart_keeps_its_letters_and_scrolls_inside_its_box() -> None:
    page = Page("t", "l")
    wide = '<svg viewBox="0 0 1900 400" width="100%"></svg>'
    page.section("s", "", Chart(svg=wide), Chart(svg=wide.replace("1900", "340")))
    html = page.render()
    assert html.count('class="chart wide"') == 1
    assert 'style="min-width: 1900px"' in html


def test_pictures_carry_words_and_sizes(tmp_path: Path) -> None:
    outline = Outline(full_page(tmp_path, "a bear").render())
    for attributes in [*outline.named("img"), *outline.named("video")]:
        assert attributes.get("alt") or attributes.get("aria-label")
        assert (attributes["width"], attributes["height"]) == ("60", "40")
    assert all(attributes.get("aria-label") for attributes in outline.named("svg"))


def test_both_colour_schemes_and_phones_are_provided_for(tmp_path: Path) -> None:
    html = full_page(tmp_path, "x").render()
    assert "prefers-color-scheme: dark" in html
    assert 'content="width=device-width, initial-scale=1"' in html
    used = set(re.findall(r"var\((--[a-z0-9-]+)", html))
    light = html[html.index(":root") : html.index("@media")]
    dark = html[html.index("@media screen and (prefers-color-scheme: dark)") : html.index("box-sizing")]
    for name in used:
        assert f"{name}:" in light, f"{name} has no light value"
        assert f"{name}:" in dark, f"{name} has no dark value"


def test_the_best_is_marked_the_direction_stated_and_the_baseline_named(tmp_path: Path) -> None:
    page = Page("t", "l")
    columns = (Column(title="s"), Column(title="AJ", better="higher"), Column(title="epe", better="lower"))
    rows = (Row(values=("net", 60.0, 3.0), role="ours"), Row(values=("rgb", 20.0, 9.0), role="baseline"))
    page.section("Scores", "text", Table(columns=columns, rows=rows))
    html = page.render()
    assert re.findall(r'<strong title="best in this column">([\d.]+)</strong>', html) == ["60.0", "3.0"]
    assert re.findall(r'<span class="better" role="img" aria-label="(\w+) is better"', html) == ["higher", "lower"]
    assert re.search(r'<tr class="baseline">\s*<th scope="row">rgb <span class="role">baseline</span>', html)


def test_contents_link_to_sections_that_exist(tmp_path: Path) -> None:
    outline = Outline(full_page(tmp_path, "x").render())
    targets = [str(attributes["href"]).removeprefix("#") for attributes in outline.named("a")]
    assert targets == [attributes["id"] for attributes in outline.named("section")]
    assert len(targets) == 5


def test_text_keeps_paragraphs_and_code_and_code_blocks_keep_their_spaces() -> None:
    page = Page("t", "one\n\n\ntwo `x<y` three")
    page.section("s", "", Code(text="  a\n    b"))
    html = page.render()
    assert "<p>one</p>\n<p>two <code>x&lt;y</code> three</p>" in html
    assert "<code>  a\n    b</code>" in html


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    page = full_page(tmp_path, "x")
    page.write(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text() == full_page(tmp_path, "x").render()
