"""What is copied and saved from a page, in a browser: tables, commands, the values of figures."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from ablate.report.html.page import Page as Report
from ablate.report.html.page import Picture, Section, Table, render
from support.browser import ARGUMENTS, CHROMIUM, NO_BROWSER
from support.pages import answer, example, picture

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=NO_BROWSER)

FRAME = pd.DataFrame(
    {
        "arm": ["r = 2", 'a "b", c', "[x] & y_1|z", r"50% {#} $~^ \a <b>"],
        "n": ["10", "7", "8", "9"],
        "difference, points": ["-", "-2.54 [-3.87, -1.22]", "+0.1 [-0.2, +0.4]", "-0.3 (0.1)"],
    }
)
CSV = """arm,n,"difference, points"
"a ""b"", c",7,"-2.54 [-3.87, -1.22]"
[x] & y_1|z,8,"+0.1 [-0.2, +0.4]"
50% {#} $~^ \\a <b>,9,-0.3 (0.1)
r = 2,10,-
"""
MARKDOWN = r"""| arm | n | difference, points |
| :-- | --: | --: |
| a "b", c | 7 | -2.54 [-3.87, -1.22] |
| [x] & y\_1\|z | 8 | +0.1 [-0.2, +0.4] |
| 50% {#} $~^ \\a \<b> | 9 | -0.3 (0.1) |
| r = 2 | 10 | - |
"""
LATEX = r"""\begin{tabular}{lrr}
\toprule
arm & n & difference, points \\
\midrule
a \textquotedbl{}b\textquotedbl{}, c & 7 & $-$2.54 [$-$3.87, $-$1.22] \\
{[}x] \& y\_1\textbar{}z & 8 & +0.1 [$-$0.2, +0.4] \\
50\% \{\#\} \$\textasciitilde{}\textasciicircum{} \textbackslash{}a \textless{}b\textgreater{} & 9 & $-$0.3 (0.1) \\
r = 2 & 10 & - \\
\bottomrule
\end{tabular}
"""  # noqa: E501
COMMAND = "ablate run --study 'a b'\n  --seeds 3"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with a table, a figure and a command."""
    shown = picture("accuracy")
    values = Picture(
        name="values", title="t", alt="a", svg=shown.svg, csv="arm,accuracy\nr \u2265 2,0.5\n"
    )
    section = Section(
        heading="All",
        anchor="all",
        tables=(Table(caption="c", frame=FRAME),),
        pictures=(values,),
        code=COMMAND,
    )
    made = tmp_path_factory.mktemp("page") / "report.html"
    page = Report(title="t", question="q", answer=answer(), sections=(section,))
    made.write_text(render(page), encoding="utf-8")
    return made


@pytest.fixture(params=["clipboard", "by hand"])
def page(request: pytest.FixtureRequest, browser: Browser, path: Path) -> Iterator[Page]:
    """The page, opened as a file, in a browser with and without a clipboard of its own."""
    context = browser.new_context()
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    made = context.new_page()
    if request.param == "by hand":
        made.add_init_script(
            "navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed'));"
        )
    made.goto(path.as_uri())
    yield made
    context.close()


def copied(page: Page, name: str) -> str:
    """What is on the clipboard after a click on the button of this name, once it says so."""
    page.get_by_role("button", name=name, exact=True).click()
    page.get_by_role("status").get_by_text("Copied", exact=True).wait_for()
    text = page.evaluate("navigator.clipboard.readText()")
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize(("kind", "text"), [("CSV", CSV), ("Markdown", MARKDOWN), ("LaTeX", LATEX)])
def test_a_table_is_copied_in_the_order_in_which_it_is_sorted(
    page: Page, kind: str, text: str
) -> None:
    page.get_by_role("button", name="n", exact=True).click()
    assert copied(page, f"Copy as {kind}") == text


def test_a_table_that_is_not_sorted_is_copied_as_it_was_written(page: Page) -> None:
    assert copied(page, "Copy as CSV").splitlines()[1] == "r = 2,10,-"


def test_a_command_is_copied_as_it_stands(page: Page) -> None:
    assert copied(page, "Copy") == COMMAND


def test_the_values_of_a_figure_are_copied(page: Page) -> None:
    assert copied(page, "Copy the values as CSV") == "arm,accuracy\nr \u2265 2,0.5\n"


def test_who_copied_by_keyboard_goes_on_from_there(page: Page) -> None:
    page.get_by_role("button", name="Copy as Markdown").focus()
    page.keyboard.press("Enter")
    page.get_by_role("status").get_by_text("Copied", exact=True).wait_for()
    assert page.evaluate("document.activeElement.textContent") == "Markdown"
    assert page.locator("textarea").count() == 0


def test_where_nothing_can_be_copied_the_page_says_so(browser: Browser, path: Path) -> None:
    page = browser.new_page()
    page.add_init_script(
        "Object.defineProperty(navigator, 'clipboard', { value: undefined });"
        "document.execCommand = () => false;"
    )
    page.goto(path.as_uri())
    page.get_by_role("button", name="Copy as CSV").click()
    page.get_by_role("status").get_by_text("does not let the page copy").wait_for()
    page.close()


def test_the_values_of_a_figure_are_saved_under_its_name(page: Page) -> None:
    with page.expect_download() as download:
        page.get_by_role("link", name="Save the values as CSV").click()
    assert download.value.suggested_filename == "values.csv"
    assert download.value.path().read_text(encoding="utf-8") == "arm,accuracy\nr \u2265 2,0.5\n"


def test_without_a_script_a_page_lacks_its_buttons_and_nothing_else(
    browser: Browser, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    path.write_text(render(example()), encoding="utf-8")
    texts = {}
    for script in (True, False):
        context = browser.new_context(java_script_enabled=script)
        page = context.new_page()
        page.goto(path.as_uri())
        buttons = page.get_by_role("button").count()
        assert (buttons > 0) == script
        texts[script] = page.locator("main").inner_text().split()
        links = page.get_by_role("link", name="Save the values as CSV").count()
        assert links == 6
        context.close()
    missing = [word for word in texts[False] if word not in texts[True]]
    assert missing == []
    assert len(texts[False]) > 200
