"""Pages in a real browser: quiet, sortable, legible, and no wider than the screen."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from ablate.report.html.page import Entry, Section, Table, render, render_index
from ablate.report.html.page import Page as Report
from support import PUBLISHED
from support.browser import ARGUMENTS, CHROMIUM, NO_BROWSER
from support.pages import SUMMARY, example

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=NO_BROWSER)

WIDTHS = (360, 768, 1280)
HOSTILE = '"><script>window.hacked = 1</script><img src=x onerror="window.hacked = 1">'
# Text colour, and the first background behind it that is not clear.
COLOURS = """element => {
  let behind = element;
  while (getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)")
    behind = behind.parentElement;
  return [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor];
}"""
TEXT = "h1, h2, p, nav a, figcaption, .note, th, th button, td, code, footer p, main a, .facts li"


@dataclass
class Opened:
    """A page, and what the browser had to say about it."""

    page: Page
    url: str
    said: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report, an index of reports, and a report of hostile names."""
    made = tmp_path_factory.mktemp("pages")
    report = example()
    frame = pd.DataFrame({HOSTILE: [HOSTILE, "=cmd()"], f"b{HOSTILE}": ["1", HOSTILE]})
    table = Table(caption=HOSTILE, frame=frame, note=HOSTILE)
    entry = Entry(
        title=report.title,
        href="report.html",
        question=report.question,
        answer=report.answer,
        facts=("digits", "30 trials", "cpu"),
    )
    sources = {
        "report": render(report),
        "index": render_index("Results", [entry, entry]),
        "hostile": render(
            Report(
                title=HOSTILE,
                question=HOSTILE,
                answer=HOSTILE,
                sections=(Section(heading=HOSTILE, tables=(table,), code=HOSTILE),),
                footer=HOSTILE,
            )
        ),
    }
    for name, source in sources.items():
        (made / f"{name}.html").write_text(source, encoding="utf-8")
    return made


def opened(browser: Browser, path: Path, width: int = 1280, scheme: str = "light") -> Opened:
    """A page in a window of its own; close it by its context."""
    page = browser.new_page(
        viewport={"width": width, "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    found = Opened(page, path.as_uri())
    page.on("console", lambda message: found.said.append(message.text))
    page.on("pageerror", lambda error: found.said.append(str(error)))
    page.on("dialog", lambda dialog: found.said.append(dialog.message))
    page.on("request", lambda request: found.requests.append(request.url))
    page.goto(found.url)
    return found


@pytest.fixture
def report(browser: Browser, folder: Path) -> Iterator[Page]:
    found = opened(browser, folder / "report.html")
    yield found.page
    found.page.close()


def luminance(colour: str) -> float:
    """Relative luminance of `rgb(...)` (WCAG 2.2); all our colours are opaque."""
    numbers = re.findall(r"[\d.]+", colour)
    assert len(numbers) == 3, colour
    parts = [int(number) / 255 for number in numbers]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(element: Locator) -> float:
    light, dark = sorted(map(luminance, element.evaluate(COLOURS)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def column(page: Page, heading: str) -> list[str]:
    """The cells below a heading of the first table, from top to bottom."""
    place = list(SUMMARY.columns).index(heading) + 1
    return page.locator(f"table >> nth=0 >> tbody tr > :nth-child({place})").all_inner_texts()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["report", "index", "hostile"])
def test_a_page_is_quiet_and_asks_for_itself_alone(
    browser: Browser, folder: Path, name: str, scheme: str
) -> None:
    found = opened(browser, folder / f"{name}.html", scheme=scheme)
    found.page.wait_for_load_state("networkidle")
    hacked = found.page.evaluate("window.hacked")
    found.page.close()
    assert found.said == []
    assert found.requests == [found.url]
    assert hacked is None


def test_a_script_that_is_not_the_pages_own_does_not_run(browser: Browser, folder: Path) -> None:
    injected = (folder / "report.html").read_text(encoding="utf-8")
    path = folder / "injected.html"
    attack = '<script>window.hacked = 1</script><p style="color: red">a</p>'
    path.write_text(injected.replace("</main>", f"{attack}</main>"), encoding="utf-8")
    found = opened(browser, path)
    hacked = found.page.evaluate("window.hacked")
    found.page.close()
    assert hacked is None
    assert len([line for line in found.said if "Content Security Policy" in line]) == 2


COMMITTED = sorted(PUBLISHED.glob("**/*.html"))


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: "-".join(path.parts[-3:-1]))
def test_a_committed_page_is_quiet_and_fits_a_phone(browser: Browser, path: Path) -> None:
    found = opened(browser, path, 360)
    found.page.wait_for_load_state("networkidle")
    widths = found.page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    sizes = [picture.bounding_box() for picture in found.page.locator(".picture > svg").all()]
    found.page.close()
    assert found.said == []
    assert found.requests == [found.url]
    assert widths[0] <= widths[1] == 360
    assert all(size is not None and size["height"] > 100 for size in sizes)


def test_there_are_committed_pages() -> None:
    assert len(COMMITTED) > 1


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["report", "index", "hostile"])
def test_nothing_is_wider_than_the_screen(
    browser: Browser, folder: Path, name: str, width: int
) -> None:
    page = opened(browser, folder / f"{name}.html", width).page
    root = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    # What is cut off rather than scrolled would not widen the page.
    beyond = page.evaluate(
        "[...document.querySelectorAll('h1, h2, p, a, li, figure, .scroll, pre')].filter(e =>"
        " e.getBoundingClientRect().right > innerWidth).map(e => e.outerHTML.slice(0, 80))"
    )
    page.close()
    assert root[0] <= root[1] == width
    assert [element for element in beyond if "skip" not in element] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_figures_fill_their_frame_and_stay_legible(
    browser: Browser, folder: Path, width: int
) -> None:
    page = opened(browser, folder / "report.html", width).page
    boxes = [picture.bounding_box() for picture in page.locator(".picture > svg").all()]
    frames = [frame.bounding_box() for frame in page.locator(".picture").all()]
    names = [picture.get_attribute("aria-label") for picture in page.get_by_role("img").all()]
    page.close()
    assert len(boxes) == len(frames) == len(names) == 6
    assert all(names)
    for box, frame in zip(boxes, frames, strict=True):
        assert box is not None
        assert frame is not None
        # 13 of 792 points high, the labels have at least 10 pixels.
        assert box["width"] >= 640
        assert 0.3 < box["height"] / box["width"] < 0.8
        if width >= 768:
            assert frame["width"] - 30 < box["width"] < frame["width"]


# A function, since the page's own rules refuse the text that `wait_for_function` evaluates.
SCROLLED = """frame => new Promise(done => {
    const start = performance.now();
    const look = () => frame.scrollLeft > 0 ? done(true)
        : performance.now() - start > 10_000 ? done(false) : requestAnimationFrame(look);
    look();
})"""


def test_wide_tables_and_figures_scroll_by_keyboard_on_a_phone(
    browser: Browser, folder: Path
) -> None:
    page = opened(browser, folder / "report.html", 360).page
    frames = page.locator(".scroll[tabindex='0']")
    frames.first.wait_for()
    assert frames.count() == 6 + 3 + 1  # figures, tables and the command
    frames.first.focus()
    page.keyboard.press("ArrowRight")
    assert frames.first.evaluate(SCROLLED)
    # The names of the rows stay in view.
    cell = page.locator("tbody th").first.bounding_box()
    page.close()
    assert cell is not None
    assert 0 <= cell["x"] < 40


def test_a_sentence_that_heads_a_row_stays_in_its_cell_on_a_phone(
    browser: Browser, tmp_path: Path
) -> None:
    frame = pd.DataFrame({"prediction": ["a few words " * 9], "verdict": ["supported"]})
    section = Section(heading="b", tables=(Table(caption="c", frame=frame),))
    source = render(Report(title="t", question="q", answer="a", sections=(section,)))
    (tmp_path / "report.html").write_text(source, encoding="utf-8")
    page = opened(browser, tmp_path / "report.html", 390).page
    sentence = page.locator("tbody th .sentence").bounding_box()
    beside = page.locator("tbody td").bounding_box()
    page.close()
    assert sentence is not None
    assert beside is not None
    assert sentence["x"] + sentence["width"] <= beside["x"]


def test_nothing_is_a_tab_stop_for_scrolling_where_nothing_scrolls(report: Page) -> None:
    assert report.locator(".scroll[tabindex]").count() == 0


SORTED = {
    "arm": ["constant", "doubling", "quadrupling", "tripling"],
    "test accuracy %": ["95.3 [94.6, 95.9]", "97.5 [97.1, 98.0]", "97.5 [97.2, 97.9]", "-"],
    "difference, points": ["-2.3 [-3.2, -1.3]", "+0.0 [-0.8, +0.8]", "-", "-"],
    "params": ["1.97k", "11.3k", "45.2k", "2.1M"],
    "MACs": ["51k", "105k", "267k", "1.25M"],
    "images/s": ["9.8k (41)", "39.4k (667)", "45k (796)", "47.2k (1.1k)"],
    "verdict": ["baseline", "inconclusive", "lower", "too few seeds"],
}


@pytest.mark.parametrize("heading", SORTED)
def test_a_click_sorts_up_then_down_then_as_it_was(report: Page, heading: str) -> None:
    table = report.locator("table").first
    button = table.get_by_role("button", name=heading, exact=True)
    head = button.locator("xpath=..")
    written, upwards = column(report, heading), SORTED[heading]
    known = [cell for cell in upwards if cell != "-"]
    missing = ["-"] * (len(upwards) - len(known))

    def leading(cells: list[str]) -> list[str]:
        # Equal means keep their order, so their intervals may differ.
        return [cell.split(" [")[0] for cell in cells]

    button.click()
    assert column(report, heading) == upwards
    assert head.get_attribute("aria-sort") == "ascending"
    button.click()
    assert leading(column(report, heading)) == leading(known[::-1] + missing)
    assert head.get_attribute("aria-sort") == "descending"
    button.click()
    assert column(report, heading) == written
    assert head.get_attribute("aria-sort") == "none"


def test_rows_stay_whole_and_one_column_is_sorted_at_a_time(report: Page) -> None:
    table = report.locator("table").first
    table.get_by_role("button", name="params").click()
    table.get_by_role("button", name="images/s").click()
    rows = [row.locator("th, td").all_inner_texts() for row in table.locator("tbody tr").all()]
    assert [row[0] for row in rows] == ["quadrupling", "tripling", "doubling", "constant"]
    assert sorted(rows) == sorted(SUMMARY.astype(str).to_numpy().tolist())
    assert table.locator("th[aria-sort='ascending']").all_inner_texts() == ["images/s"]


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_the_keyboard_sorts_too(report: Page, key: str) -> None:
    report.keyboard.press("Tab")
    assert report.evaluate("document.activeElement.textContent") == "Skip to the content"
    for _ in range(20):
        report.keyboard.press("Tab")
        if report.evaluate("document.activeElement.textContent") == "params":
            break
    assert report.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    report.keyboard.press(key)
    report.keyboard.press(key)
    assert column(report, "params") == SORTED["params"][::-1]
    assert report.evaluate("document.activeElement.textContent") == "params"


@pytest.mark.parametrize("name", ["report", "index"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(
    browser: Browser, folder: Path, name: str, scheme: str
) -> None:
    page = opened(browser, folder / f"{name}.html", scheme=scheme).page
    texts = page.locator(TEXT).all()
    low = [text.inner_text() for text in texts if contrast(text) < 4.5]
    page.close()
    assert len(texts) >= 8
    assert low == []


def test_dark_mode_is_dark_and_so_are_pictures(browser: Browser, folder: Path) -> None:
    background = "getComputedStyle(document.querySelector('{}')).backgroundColor"
    seen = {}
    for scheme in ("light", "dark"):
        page = opened(browser, folder / "report.html", scheme=scheme).page
        seen[scheme] = [page.evaluate(background.format(at)) for at in ("body", ".picture")]
        page.close()
    assert luminance(seen["light"][0]) > 0.9
    assert luminance(seen["dark"][0]) < 0.05
    assert seen["light"][1] == "rgb(255, 255, 255)"
    assert seen["dark"][1] == seen["dark"][0]


def test_nothing_moves(report: Page) -> None:
    report.get_by_role("button", name="params").click()
    assert report.evaluate("document.getAnimations().length") == 0


def test_the_contents_lead_to_their_sections(report: Page) -> None:
    for link in report.locator("nav a").all():
        link.click()
        heading = report.locator(report.evaluate("location.hash"))
        assert heading.inner_text() == link.inner_text()


def test_paper_shows_all_of_every_table_in_black_on_white(browser: Browser, folder: Path) -> None:
    page = opened(browser, folder / "report.html", 720).page
    page.emulate_media(media="print", color_scheme="dark")
    cut = page.evaluate(
        "[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth)"
        ".map(e => e.textContent.slice(0, 40))"
    )
    ink = page.evaluate("getComputedStyle(document.querySelector('td')).color")
    dimmed = page.evaluate("getComputedStyle(document.querySelector('.picture')).filter")
    page.close()
    assert cut == []
    assert luminance(ink) == 0
    assert dimmed == "none"
