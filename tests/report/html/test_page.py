"""Pages: valid HTML in one file, nothing of a user's taken for markup, drawings let in alone."""

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ablate.errors import InputError
from ablate.report import html
from ablate.report.html.page import (
    Answer,
    Link,
    Page,
    Picture,
    Section,
    Statement,
    Table,
    render,
)
from ablate.report.html.svg import inline
from ablate.report.html.table import sort_key
from support.pages import (
    FIGURES,
    SUMMARY,
    answer,
    drawing,
    example,
    figures_of,
    ids,
    parsed,
    picture,
    text_of,
)

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "=cmd()",
    "{{7*7}} {% raw %} <b>{{m^2}}",
    "**bold** &amp; </table><h1>",
    "</title></style></script>",
)


def cells_of(frame: pd.DataFrame) -> list[Any]:
    return list(parsed(render(with_table(frame))).iter("td"))


def values(document: Any, names: set[str]) -> Iterator[tuple[str, str]]:
    """The values of the named attributes, SVG's included."""
    for element in document.iter():
        for key, value in element.attrib.items():
            if str(key) in names:
                yield str(key), value


def with_table(frame: pd.DataFrame) -> Page:
    section = Section(heading="Tables", anchor="t", tables=(Table(caption="All", frame=frame),))
    return Page(title="t", question="q", answer=answer(), sections=(section,), footer="f")


@pytest.fixture(scope="module")
def source() -> str:
    return render(example())


def test_a_page_is_valid_html_with_one_first_heading_and_its_landmarks(source: str) -> None:
    document = parsed(source)
    assert document.attrib["lang"] == "en"
    assert [text_of(heading) for heading in document.iter("h1")] == [example().question]
    assert text_of(document.find(".//title")) == example().title
    for landmark in ("header", "main", "footer"):
        assert len(list(document.iter(landmark))) == 1
    named = [nav.attrib["aria-label"] for nav in document.iter("nav")]
    assert len(set(named)) == len(named) == 3
    names = {element.attrib.get("name") for element in document.iter("meta")}
    assert {"viewport", "color-scheme"} <= names


def test_ids_are_unique_and_every_reference_has_its_target(source: str) -> None:
    document = parsed(source)
    known = ids(document)
    assert len(known) == len(set(known))
    used = re.findall(r'(?:href="#|url\(#)([^")]+)', source)
    used += [
        name
        for _, value in values(document, {"aria-labelledby", "headers"})
        for name in value.split()
    ]
    assert len(used) > 300
    assert set(used) <= set(known)


def test_six_figures_stay_below_500_kb(source: str) -> None:
    assert len(figures_of(parsed(source))) == 6
    assert len(source.encode()) < 500_000


def test_a_page_asks_for_no_other_file(source: str) -> None:
    document = parsed(source)
    links = {value for _, value in values(document, {"src", "href", "srcset"})}
    others = {link for link in links if not link.startswith(("#", "data:text/csv;base64,"))}
    assert others == {"data:,", *(f"./{link.href}" for link in example().links)}
    assert "@import" not in source
    assert re.findall(r"url\((?!#)", source) == []
    assert set(re.findall(r"https?://[^\"<\s]+", source)) <= {"http://www.w3.org/2000/svg"}


def test_the_policy_forbids_all_but_the_style_and_script_of_the_page(source: str) -> None:
    document = parsed(source)
    (policy,) = [
        element.attrib["content"]
        for element in document.iter("meta")
        if element.attrib.get("http-equiv") == "Content-Security-Policy"
    ]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert len(re.findall(r"'sha256-[^']{44}'", policy)) == 2
    assert list(values(document, {"style"})) == []


def test_a_page_is_the_same_bytes_each_time(source: str) -> None:
    assert render(example()) == source


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_user_wrote_is_shown_and_never_obeyed(text: str) -> None:
    frame = pd.DataFrame({text: [text, "b"], f"{text} ": ["1", text], text * 2: ["1", "2"]})
    table = Table(caption=text, frame=frame, note=text)
    shown = Picture(name="a", title=text, alt=text, svg=drawing('<path d="M 0 0"/>'), data=text)
    said = Statement(mark="open", text=text, sentence=text, numbers=text)
    section = Section(
        heading=text,
        anchor="a",
        paragraphs=(text,),
        statements=(said,),
        tables=(table,),
        pictures=(shown,),
        code=text,
    )
    page = Page(
        title=text,
        question=text,
        answer=Answer(word="no", label=text, sentence=text, numbers=text, caveat=text, settle=text),
        sections=(section,),
        footer=text,
        links=(Link(rel="next", label=text, href=text),),
    )
    document = parsed(render(page))
    assert len(list(document.iter("script"))) == 1
    assert len(list(document.iter("h1"))) == 1
    for element in ("img", "strong"):
        assert list(document.iter(element)) == []
    assert [text_of(bold) for bold in document.iter("b")] == ["But:"]
    cells = [text_of(cell) for row in document.findall(".//tbody/tr") for cell in row]
    assert cells == [text, "1", "1", "b", text, "2"]
    headings = [text_of(cell) for cell in document.find(".//thead").iter("th")]
    assert headings == [text, f"{text} ", text * 2]
    for element in ("title", "h1", "footer", "figcaption", "code"):
        assert text in text_of(document.find(f".//{element}"))
    assert ("aria-label", text) in list(values(document, {"aria-label"}))


def test_names_of_columns_and_rows_cannot_take_another_elements_id() -> None:
    frame = pd.DataFrame({"stub-1": ["main", "main"], "c1": ["a", "b"], "main": ["c", "d"]})
    known = ids(parsed(render(with_table(frame))))
    assert len(known) == len(set(known))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("95.3 [94.6, 95.9]", 95.3),
        ("1.97k", 1970),
        ("2.1M", 2.1e6),
        ("1.25G", 1.25e9),
        ("47.2k (1.1k)", 47200),
        ("+0.0 [-0.8, +0.8]", 0),
        ("-2.3 [-3.2, -1.3]", -2.3),
        ("\u22122.3", -2.3),
        ("<0.001", 0.001),
        ("97.5%", 97.5),
        ("1,234,567", 1234567),
        ("1.5e-07", 1.5e-7),
        ("10 of 12", 10),
        ("-", None),
        ("", None),
        ("doubling", None),
        ("3x3", None),
        ("3.11.2", None),
        ("2026-11-25T07:18", None),
        ("5 GB", 5),
        ("[-3.87, -1.22]", -3.87),
        ("[low, high]", None),
    ],
)
def test_a_cell_sorts_by_the_number_it_begins_with(text: str, key: float | None) -> None:
    assert sort_key(text) == pytest.approx(key)


def test_a_column_is_of_numbers_only_if_every_known_cell_is_one() -> None:
    frame = pd.DataFrame(
        {"arm": ["a", "b"], "n": ["3", "-"], "version": ["2.9", "2.9.1"], "lost": ["-", "-"]}
    )
    cells = cells_of(frame)
    marked = [[data.attrib["value"] for data in cell.iter("data")] for cell in cells]
    assert marked == [["3"], [], [], [], [], []]
    assert [cell.attrib.get("class") == "number" for cell in cells] == [True, False, False] * 2


def test_headings_say_what_they_head_and_the_first_column_heads_the_rows() -> None:
    frame = pd.DataFrame({"seed": [0, 1], "n": [3, 4], "arm": ["a", "b"]})
    table = parsed(render(with_table(frame))).find(".//table")
    columns, rows = table.findall("thead/tr/th"), table.findall("tbody/tr/th")
    assert [heading.attrib for heading in columns] == [
        {"scope": "col"},
        {"scope": "col", "class": "number"},
        {"scope": "col"},
    ]
    assert [heading.attrib for heading in rows] == [{"scope": "row"}] * 2
    assert [data.attrib["value"] for row in rows for data in row.iter("data")] == ["0", "1"]


def test_a_sentence_gets_room_and_a_name_may_break_after_an_underscore() -> None:
    name, sentence = "growth_by_stage<b>", "one_word & " * 9
    cells = cells_of(pd.DataFrame({"arm": ["a"], "name": [name], "note": [sentence]}))
    assert [text_of(cell) for cell in cells] == [name, sentence]
    assert [len(list(cell.iter("wbr"))) for cell in cells] == [2, 9]
    assert [[span.attrib["class"] for span in cell.iter("span")] for cell in cells] == [
        [],
        ["sentence"],
    ]


def test_an_interval_stands_below_its_mean_and_the_cell_reads_as_before() -> None:
    texts = ["95.3 [94.6, 95.9]", "47.2k (1.1k)", "7.5%", "[1, 2]", "3 [1, 2] (n = 4)",
             "3 [1, 2]; 4 (5)", "3 [1, 2]; 4"]  # fmt: skip
    cells = cells_of(pd.DataFrame({"arm": list("abcdefg"), "accuracy": texts}))
    assert [text_of(cell) for cell in cells] == texts
    spreads = [[text_of(span) for span in cell.iter("span")] for cell in cells]
    assert spreads == [["[94.6, 95.9]"], ["(1.1k)"], [], [], [], ["[1, 2];", "(5)"], []]


def test_numbers_read_as_numbers_and_what_is_missing_as_a_dash() -> None:
    frame = pd.DataFrame(
        {
            "arm": ["a", "b"],
            "n": np.array([10, 7]),
            "share": [0.25, np.nan],
            "count": pd.array([3, None], dtype="Int64"),
            "note": ["x", None],
        }
    )
    cells = [text_of(cell) for cell in cells_of(frame)]
    assert cells == ["10", "0.25", "3", "x", "7", "-", "-", "-"]


def test_a_table_without_rows_is_a_table() -> None:
    assert "<table" in render(with_table(SUMMARY.head(0)))
    parsed(render(with_table(SUMMARY.head(0))))


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_keeps_its_shapes_and_becomes_smaller(name: str) -> None:
    before = picture(name).svg
    after = inline(before, name, "a & b", "f1")
    for shape in ("path", "use", "rect", "clipPath", "text", "title"):
        start = re.compile(f"<{shape}[ >]")
        assert len(start.findall(after)) == len(start.findall(before))
    assert "<path" in after
    assert "<title>" in after
    assert after.startswith("<svg viewBox=")
    assert 'role="img" aria-label="a &amp; b"' in after
    assert "style" not in after
    assert len(after) < 0.7 * len(before)


def test_coordinates_are_rounded_and_scales_are_not() -> None:
    body = (
        '<path d="M 1.23456 -0.001 &#10;L 2 103.949" transform="translate(1.239 2) scale(0.015625)"'
        ' style="stroke-width: 0.125; fill: #0173b2"/>'
    )
    element = inline(drawing(body), "a", "b", "f1")
    assert 'd="M1.23 0L2 103.9"' in element
    assert 'transform="translate(1.24 2) scale(0.015625)"' in element
    assert 'stroke-width="0.125" fill="#0173b2"' in element


def test_what_elements_have_in_common_is_said_on_their_group() -> None:
    body = (
        '<g id="a"><g><path d="M 0 0" fill="red" opacity="0.5" stroke="blue"/>'
        '<path d="M 1 1" fill="red" opacity="0.5" stroke="green"/></g></g>'
        '<path id="p" d="M 2 2"/><use href="#p" transform="translate(3.5 0)"/>'
        '<use href="#p" transform="translate(3 4) scale(2 2)"/>'
    )
    element = inline(drawing(body), "a", "b", "f1")
    assert '<g fill="red"><path d="M0 0" opacity="0.5" stroke="blue"/>' in element
    assert '<path d="M1 1" opacity="0.5" stroke="green"/></g>' in element
    assert '<path d="M2 2" id="f1-0"/><use href="#f1-0" x="3.5"/>' in element
    assert '<use href="#f1-0" transform="translate(3 4) scale(2 2)"/>' in element


def test_a_title_stays_with_its_mark_though_its_group_goes() -> None:
    body = (
        '<g id="a"><title>a &amp; &lt;b&gt;</title><g id="b"><path d="M 0 0" fill="red"/></g></g>'
        '<g id="c"><title>two</title><path d="M 1 1" fill="red"/><path d="M 2 2" fill="red"/></g>'
    )
    element = inline(drawing(body), "a", "b", "f1")
    assert '<path d="M0 0" fill="red"><title>a &amp; &lt;b&gt;</title></path>' in element
    assert '<g fill="red"><title>two</title><path d="M1 1"/><path d="M2 2"/></g>' in element


def test_what_all_uses_say_is_taken_from_the_shape() -> None:
    body = (
        '<defs><path id="p" d="M 2 2" stroke="#000000" stroke-width="2"/></defs>'
        '<use href="#p" x="1" stroke="#000000"/><use href="#p" x="2" stroke="#000000"/>'
    )
    element = inline(drawing(body), "a", "b", "f1")
    assert '<path d="M2 2" stroke-width="2" id="f1-0"/>' in element
    assert element.count('stroke="#000000"') == 2


def test_text_keeps_its_size_and_anchor_and_says_its_fonts_once() -> None:
    style = "font-size: 12px; font-family: 'DejaVu Sans', sans-serif; text-anchor: middle"
    body = (
        f'<text style="{style}" x="1" y="2" transform="rotate(-0 1 2)">a</text>'
        f'<g style="fill: #262626"><text><tspan x="0" style="font-style: oblique; {style}">x'
        f'</tspan></text></g><text style="{style}" transform="rotate(-90 1 2)">b</text>'
    )
    element = inline(drawing(body), "a", "b", "f1")
    assert element.count("DejaVu Sans") == 1
    assert '<text x="1" y="2" font-size="12px" text-anchor="middle">a</text>' in element
    assert 'transform="rotate(-90 1 2)"' in element
    assert 'font-style="oblique"' in element


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("<title><path/></title>", "an element in <title>"),
        ("<title><title/></title>", "an element in <title>"),
        ('<text style="font-family: url(//example.org/a)">a</text>', "example.org"),
        ("<script>alert(1)</script>", "<script>"),
        ('<g onload="alert(1)"/>', "'onload'"),
        ("<foreignObject><p/></foreignObject>", "<foreignObject>"),
        ('<a xlink:href="#x"><path d="M 0 0"/></a>', "<a>"),
        ('<use xlink:href="http://example.org/a.svg#b"/>', "http://example.org"),
        ('<use href="//example.org/a.svg#b"/>', "//example.org"),
        ('<image xlink:href="data:image/svg+xml;base64,AAAA"/>', "data:image/svg"),
        ('<image xlink:href="photo.png"/>', "photo.png"),
        ('<use href="javascript:alert(1)"/>', "javascript"),
        ('<path fill="url(http://example.org/#a)"/>', "example.org"),
        ('<path style="fill: url(http://example.org/#a)"/>', "url(http"),
        (r'<path fill="\75rl(//example.org/a)"/>', "example.org"),
        ('<path style="background: red"/>', "background"),
        ("<style>@import 'http://example.org/a.css'</style>", "a style sheet"),
        ("<style>* {color: red}</style>", "a style sheet"),
        ('<set attributeName="href" to="x"/>', "<set>"),
        ('<animate attributeName="d"/>', "<animate>"),
        ('<h:p xmlns:h="http://www.w3.org/1999/xhtml"/>', "xhtml"),
        ('<g xml:base="http://example.org/"/>', "base"),
    ],
)
def test_what_is_no_plain_drawing_is_refused(body: str, what: str) -> None:
    with pytest.raises(InputError, match=re.escape(what)) as error:
        inline(drawing(body), "growth", "b", "f1")
    assert "'growth'" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE svg [<!ENTITY a "b">]>' + drawing(""),
        drawing("<g>"),
        "<html/>",
        "",
        "<svg/>",
        drawing("", ' onclick="alert(1)"'),
    ],
)
def test_what_is_no_svg_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(InputError, match="growth"):
        inline(text, "growth", "b", "f1")


def test_pixels_that_a_picture_holds_itself_are_let_through() -> None:
    body = '<image xlink:href="data:image/png;base64,iVBORw0KGgo=" width="1" height="1"/>'
    assert 'href="data:image/png;base64,iVBORw0KGgo="' in inline(drawing(body), "a", "b", "f1")


def test_a_page_is_made_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        render(example())


def test_the_templates_are_within_the_package() -> None:
    folder = Path(html.__file__).parent / "templates"
    names = {path.name for path in folder.iterdir()}
    parts = ("base", "page", "index", "table", "picture", "mark")
    pages = {f"{name}.html.j2" for name in parts}
    assert pages | {"style.css", "sort.js", "copy.js"} == names
