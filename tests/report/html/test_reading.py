"""What a reader meets first on a page, what a narrow or a wide screen does to it, and paper."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from ablate.report.html.page import Entry, Section, Table, render, render_index
from ablate.report.html.page import Page as Report
from support.browser import ARGUMENTS, CHROMIUM, NO_BROWSER
from support.pages import answer, example

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=NO_BROWSER)

# What scrolls sideways.
CUT = """[...document.querySelectorAll(".scroll")].filter(e => e.scrollWidth > e.clientWidth + 1)
    .map(e => e.textContent.trim().slice(0, 40))"""
# As the widest tables of our reports: comparisons, networks, predictions.
WIDE = {
    "comparisons": pd.DataFrame(
        {
            "arm": ["identity shortcut / quadrupling", "r = 2.83"],
            "seeds": [30, 30],
            "difference, points": ["-12.54 [-13.87, -11.22]", "-0.14 [-0.57, +0.29]"],
            "90% interval": ["[-13.72, -11.37]", "[-0.52, +0.24]"],
            "on images like these": ["[-13.72, -11.37]", "[-0.52, +0.24]"],
            "p, like these": ["5e-05", "0.91"],
            "finding, like these": ["lower", "inconclusive"],
            "g": ["-1.30", "-0.22"],
            "p": ["5e-05", "0.91"],
            "p, TOST": ["1", "0.066"],
            "would show": ["1.76", "0.58"],
            "needed": ["350", "40"],
            "finding": ["lower", "inconclusive"],
        }
    ),
    "networks": pd.DataFrame(
        {
            "arm": ["growth at each stride", "identity shortcut / quadrupling"],
            "widths": ["16-16-16-16, 32-32-32-32, 64-64-64-64, 128-128-128-128", "4, 16, 64"],
            "blocks": ["4, 4, 4, 4", "2, 2, 2"],
            "strides": ["2-1-1-1, 2-1-1-1, 2-1-1-1, 1-1-1-1", "1, 2, 2"],
            "shortcut": ["projection", "identity"],
            "params": ["12,345,678", "9,012"],
            "MACs": ["1,234,567,890", "426,618"],
            "activations": ["1,234,567", "4,710"],
            "off the budget": ["+2.92%", "-0.43%"],
            "off the shape": ["12.3%", "4.4%"],
        }
    ),
    "predictions": pd.DataFrame(
        {
            "prediction": ["At equal MACs accuracy is highest where each stage has as many. " * 2],
            "run": ["width_iso_activations on folder-cifar10-jpeg-2-epochs"],
            "verdict": ["not supported"],
            "numbers": ["Test accuracy is highest at growth 2.00 [0.78, 3.54], up to an end. " * 3],
            "rows": ["trials.csv: r = 0.5, r = 1, r = 1.41, r = 2, r = 2.5; seeds 0 to 29"],
        }
    ),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report, and one of wide tables alone."""
    made = tmp_path_factory.mktemp("pages")
    tables = tuple(Table(caption=name, frame=frame) for name, frame in WIDE.items())
    section = Section(heading="Tables", anchor="tables", tables=tables)
    wide = Report(title="t", question="q", answer=answer(), sections=(section,))
    for name, page in {"report": example(), "wide": wide}.items():
        (made / f"{name}.html").write_text(render(page), encoding="utf-8")
    return made


def opened(browser: Browser, path: Path, width: int, height: int = 800) -> Page:
    page = browser.new_page(viewport={"width": width, "height": height})
    page.goto(path.as_uri())
    return page


def box(element: Locator) -> tuple[float, float, float, float]:
    """Left, top, right and bottom."""
    found = element.bounding_box()
    assert found is not None
    return (found["x"], found["y"], found["x"] + found["width"], found["y"] + found["height"])


def overlap(one: Locator, other: Locator) -> bool:
    left, top, right, bottom = box(one)
    other_left, other_top, other_right, other_bottom = box(other)
    # Half a pixel is rounding.
    return (
        min(right, other_right) - max(left, other_left) > 0.5
        and min(bottom, other_bottom) - max(top, other_top) > 0.5
    )


@pytest.mark.parametrize("width", [390, 1280])
def test_the_first_screen_has_question_verdict_caveat_and_the_beginning_of_the_figure(
    browser: Browser, folder: Path, width: int
) -> None:
    page = opened(browser, folder / "report.html", width)
    parts = [page.locator(at) for at in ("h1", "#answer", ".verdict .said", ".but", ".settle")]
    ends = [box(part)[3] for part in parts]
    figure = box(page.locator(".answer .picture > svg"))[1]
    page.close()
    assert ends == sorted(ends)
    assert ends[-1] < figure < 760


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_of_a_statement_is_printed_over_its_verdict(
    browser: Browser, folder: Path, width: int
) -> None:
    page = opened(browser, folder / "report.html", width)
    items = page.locator(".statements li").all()
    over = [
        paragraph.inner_text()
        for item in items
        for paragraph in item.locator("p").all()
        if overlap(item.locator(".mark"), paragraph)
    ]
    right = max(box(mark)[2] for mark in page.locator(".statements .mark").all())
    page.close()
    assert len(items) == 4
    assert over == []
    assert right < width


@pytest.mark.parametrize("width", [1280, 1920])
@pytest.mark.parametrize("name", ["report", "wide"])
def test_tables_and_figures_fit_a_wide_screen_whole(
    browser: Browser, folder: Path, name: str, width: int
) -> None:
    page = opened(browser, folder / f"{name}.html", width)
    cut = page.evaluate(CUT)
    sides = [box(table) for table in page.locator("table").all()]
    page.close()
    assert cut == []
    assert len(sides) == (3 if name == "wide" else 2)
    assert all(left >= 0 and right <= width for left, _, right, _ in sides)


def test_cells_stand_beside_each_other_and_not_over_each_other(
    browser: Browser, folder: Path
) -> None:
    """Text is no wider than its cell: a range about it says how wide it is."""
    beyond = """() => [...document.querySelectorAll("th, td")].filter(cell => {
        const range = document.createRange();
        range.selectNodeContents(cell);
        return range.getBoundingClientRect().right > cell.getBoundingClientRect().right + 0.5;
    }).map(cell => cell.textContent)"""
    for width in (390, 1280):
        page = opened(browser, folder / "wide.html", width)
        found = page.evaluate(beyond)
        page.close()
        assert found == []


def test_what_is_cut_shows_on_which_side_there_is_more(browser: Browser, folder: Path) -> None:
    page = opened(browser, folder / "wide.html", 390)
    frame = page.locator(".frame").first
    shades = """frame => ["::before", "::after"].map(side => getComputedStyle(frame, side).content
        !== "none")"""
    page.locator(".frame.after").first.wait_for()
    seen = [frame.evaluate(shades)]
    for where in (40, 9999):
        frame.locator(".scroll").evaluate("(scroll, x) => { scroll.scrollLeft = x }", where)
        page.locator(".frame.before").first.wait_for()
        if where == 9999:
            page.locator(".frame.before:not(.after)").first.wait_for()
        seen.append(frame.evaluate(shades))
    page.close()
    assert seen == [[False, True], [True, True], [True, False]]


def test_an_anchor_brings_its_heading_to_the_top(browser: Browser, folder: Path) -> None:
    page = opened(browser, folder / "report.html", 1280)
    page.goto(f"{page.url}#cost")
    top = box(page.locator("#cost"))[1]
    page.close()
    assert 0 <= top < 40


def test_paper_has_the_verdict_and_its_figure_on_the_first_page(
    browser: Browser, folder: Path
) -> None:
    # 180 by 267 mm at 96 dots an inch: A4 within margins of 15 mm.
    page = opened(browser, folder / "report.html", 680, 1009)
    page.emulate_media(media="print")
    end = box(page.locator(".answer .picture > svg"))[3]
    tools = [tool.is_visible() for tool in page.locator(".tools, .skip, nav").all()]
    page.close()
    assert end < 1009
    assert not any(tools)


@pytest.mark.parametrize("width", [390, 1280])
def test_the_table_of_an_index_fits_a_phone_too(
    browser: Browser, tmp_path: Path, width: int
) -> None:
    entry = Entry(
        title="width_iso_activations",
        href="a/report.html",
        question="Does it?",
        sentence="It does.",
        dataset="folder:cifar10-jpeg, 2 epochs",
        word="open",
        label="No prediction",
        effect="+13.0 points [+5.4, +20.7]; -0.1 points [-1.3, +1.1]",
        n="30 seeds",
    )
    other = replace(entry, title="shortcut_x_growth", dataset="fashion_mnist", word="no",
                    effect="growth 2.00 [0.78, 3.54]")  # fmt: skip
    path = tmp_path / "index.html"
    path.write_text(render_index("Results", [entry, other]), encoding="utf-8")
    page = opened(browser, path, width)
    cut = page.evaluate(CUT)
    order = page.locator("tbody tr").first.locator("th, td").all()
    edges = [box(cell) for cell in order]
    page.close()
    assert cut == []
    assert len(edges) == 5
    assert all(one[2] <= next_one[0] + 0.5 for one, next_one in pairwise(edges))
