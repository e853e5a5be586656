"""A page in a real browser: tables sort, nothing is wider than a phone, both colour schemes show the same."""

import base64
import hashlib
import html as markup
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from densewalk.ssl.report.blocks import Chart, Code, Facts, Fold, Listing, Note, Picture
from densewalk.ssl.report.latex import table_latex
from densewalk.ssl.report.page import Page
from densewalk.ssl.report.table import Column, Row, Table
from densewalk.ssl.show.confusion import confusion_chart
from densewalk.ssl.show.item_bars import item_bars
from densewalk.ssl.show.still import png_bytes

pytestmark = pytest.mark.slow

_FLAGS = [
    f"--{flag}"
    for flag in (
        *("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "hide-scrollbars"),
        *("disable-background-networking", "disable-component-update", "disable-sync"),
    )
]
TABLE = Table(
    columns=(
        Column(title="Subject"),
        Column(title="AJ", better="higher"),
        Column(title="endpoint error of a tracked point", better="lower", unit="px"),
    ),
    rows=(
        Row(values=("run 10", 30.04, 7.0), role="ours"),
        Row(values=("run 9 with a name of many words", 30.01, 12.5), role="baseline"),
        Row(values=("not measured", None, None)),
        Row(values=("an_unbroken_name_that_goes_on_and_on", -4.0, 1000.0), role="published"),
    ),
    caption="A caption.",
    title="query mode: first",
)


@pytest.fixture
def chromium(tmp_path: Path) -> Callable[..., str]:
    """Run Chromium on a file, or skip."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no chromium on the path (Debian package chromium)")

    def run(path: Path, *flags: str) -> str:
        command = [program, *_FLAGS, f"--user-data-dir={tmp_path / 'profile'}", *flags, path.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        return done.stdout

    return run


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A page with one of everything, wide things among them."""
    classes = [f"class {number}" for number in range(60)]
    made = Page("A page for the browser", "Everything that a page may hold.\n\nTwo paragraphs.")
    picture = Picture(content=png_bytes(np.full((200, 1280, 3), 90, np.uint8)), alt="grey", caption="A wide picture.")
    confusion = Chart(svg=confusion_chart(np.eye(60, dtype=int) * 9, classes), caption="A wide chart.")
    bars = Chart(svg=item_bars({"a": {"x": 3.0, "y": 2.0}, "b": {"x": 1.0}}, label="IoU"))
    facts = Facts(facts=(("12,345", "steps"), ("0.5", "loss")))
    listing = Listing(entries=(("a setting with a long name, of a section", "a value"), ("b", "c" * 90)))
    made.section("Table", "Some `code` in text.", facts, TABLE, Note(text="Mind this.", tone="warning"))
    made.section("Pictures", "", picture, bars, confusion)
    made.section("Settings", "", Fold(summary="Protocol", blocks=(listing,), is_open=True), Code(text="x" * 300))
    made.write(tmp_path / "page.html")
    return tmp_path / "page.html"


def with_script(page: Path, script: str) -> Path:
    """Return a copy of the page that runs a script of the test after its own; its policy admits it by hash."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    text = page.read_text().replace("script-src &#39;", "script-src '")
    text = re.sub(r"script-src '?", f"script-src 'sha256-{digest}' '", text, count=1)
    path = page.with_name("scripted.html")
    path.write_text(text.replace("</body>", f"<script>{script}</script></body>"))
    return path


def answer(dom: str) -> list[str]:
    """Return the lines that a script left in the document."""
    return markup.unescape(re.findall(r'<pre id="answer">(.*?)</pre>', dom, re.DOTALL)[0]).split("\n")


def say(expression: str) -> str:
    return (
        "const said = document.createElement('pre'); said.id = 'answer'; "
        f"said.textContent = ({expression}).join('\\n'); document.body.append(said);"
    )


NAMES = "[...document.querySelectorAll('tbody th')].map(h => h.firstChild.textContent.trim())"


@pytest.mark.parametrize(
    ("column", "clicks", "order", "state"),
    [
        (1, 1, [0, 1, 3, 2], "descending"),
        (1, 2, [3, 1, 0, 2], "ascending"),
        (1, 3, [0, 1, 2, 3], "none"),
        (2, 1, [0, 1, 3, 2], "ascending"),
        (2, 2, [3, 1, 0, 2], "descending"),
        (0, 1, [3, 2, 1, 0], "ascending"),
    ],
)
def test_tables_sort_by_the_numbers_themselves_with_gaps_last(
    column: int, clicks: int, order: list[int], state: str, page: Path, chromium: Callable[..., str]
) -> None:
    press = f"document.querySelectorAll('th .sort')[{column}].click();" * clicks
    state_of = f"document.querySelectorAll('thead th')[{column}].getAttribute('aria-sort')"
    said = answer(chromium(with_script(page, press + say(f"[{state_of}, ...{NAMES}]")), "--dump-dom"))
    assert said[0] == state
    assert said[1:] == [TABLE.rows[number].values[0] for number in order]


def test_copying_falls_back_to_a_selection_and_offers_the_text_made_at_render_time(
    page: Path, chromium: Callable[..., str]
) -> None:
    script = (
        "let copied = ''; document.execCommand = () => { copied = document.activeElement.value; return true; };"
        "Object.defineProperty(navigator, 'clipboard', {value: undefined});"
        "const press = document.querySelectorAll('.copy button')[1]; press.click();"
        f"setTimeout(() => {{ {say('[press.textContent, copied]')} }}, 200);"
    )
    dom = chromium(with_script(page, script), "--dump-dom", "--virtual-time-budget=1000")
    assert answer(dom) == ["Copied", *table_latex(TABLE).split("\n")]


def test_without_script_a_page_is_whole_and_has_no_dead_buttons(page: Path, chromium: Callable[..., str]) -> None:
    silent = page.with_name("silent.html")
    silent.write_text(re.sub(r"script-src '[^']*'", "script-src 'none'", page.read_text().replace("&#39;", "'")))
    dom = chromium(silent, "--dump-dom")
    assert 'class="sort"' not in dom
    assert '<div class="copy" hidden="">' in dom
    assert dom.count("<tr") == 5


@pytest.mark.parametrize("width", [360, 1100])
def test_nothing_makes_the_page_wider_than_its_window(width: int, page: Path, chromium: Callable[..., str]) -> None:
    measure = "const root = document.documentElement; parent.postMessage([root.scrollWidth, root.clientWidth], '*');"
    inner, outer = with_script(page, measure), page.with_name("outer.html")
    # A window of Chromium is at least 500 px wide; a frame is as wide as it is told.
    listen = f"addEventListener('message', event => {{ {say('event.data.map(String)')} }});"
    frame = f'<iframe src="{inner.name}" style="width: {width}px; height: 800px; border: 0"></iframe>'
    outer.write_text(f"<!doctype html><body><script>{listen}</script>{frame}</body>")
    said = chromium(outer, "--dump-dom", "--window-size=1400,900", "--virtual-time-budget=1000")
    assert answer(said) == [str(width), str(width)]


@pytest.mark.parametrize(("scheme", "is_dark"), [("1", False), ("0", True)])
@pytest.mark.parametrize("width", [360, 1100])
def test_a_page_is_drawn_in_the_readers_colours(
    width: int, scheme: str, is_dark: bool, page: Path, chromium: Callable[..., str]
) -> None:
    shot = page.with_name("shot.png")
    look = [f"--window-size={width},2600", f"--blink-settings=preferredColorScheme={scheme}"]
    chromium(page, *look, f"--screenshot={shot}")
    picture = np.array(Image.open(shot).convert("L")).astype(float)
    assert picture.shape == (2600, width)
    ground = picture[5, 5]
    assert (ground < 40) == is_dark
    contrast = np.abs(picture - ground)
    assert contrast.max() > 150
    assert (contrast[:, -3:] < 5).all(), "something runs over the right edge"


def test_the_page_asks_for_nothing_outside_and_reports_no_fault(page: Path, chromium: Callable[..., str]) -> None:
    watch = (
        "const faults = []; addEventListener('securitypolicyviolation', e => faults.push(e.violatedDirective));"
        "addEventListener('error', e => faults.push(String(e.message)));"
        "setTimeout(() => { const loaded = performance.getEntriesByType('resource').map(r => r.name.slice(0, 5));"
        f"{say('[`faults ${faults.length}`, ...loaded.filter(name => name !== `data:`)]')} }}, 200);"
    )
    dom = chromium(with_script(page, watch), "--dump-dom", "--virtual-time-budget=1000")
    assert answer(dom) == ["faults 0"]
