"""The order of a page, and what its parts are called: verdict, statements, links, values."""

import base64
import dataclasses
from typing import Any

import pytest

from ablate.errors import InputError
from ablate.report.html.anchors import table_anchors
from ablate.report.html.page import LARGEST, Page, Picture, Section, Table, render
from support.pages import (
    FIGURES,
    STATEMENTS,
    SUMMARY,
    SVG,
    answer,
    drawing,
    example,
    figures_of,
    ids,
    parsed,
    picture,
    text_of,
)


@pytest.fixture(scope="module")
def source() -> str:
    return render(example())


@pytest.mark.parametrize("names", [("a", "a"), ("a b", "c"), ("", "c"), ("1", "c"), ("a\n", "c")])
@pytest.mark.parametrize("first", ["within the answer", "within a section"])
def test_names_of_pictures_must_be_names_and_differ(names: tuple[str, str], first: str) -> None:
    one, other = (dataclasses.replace(picture("accuracy"), name=name) for name in names)
    answered = first == "within the answer"
    section = Section(
        heading="Figures", anchor="f", pictures=(other,) if answered else (one, other)
    )
    page = Page(
        title="t",
        question="q",
        answer=answer(picture=one) if answered else answer(),
        sections=(section,),
    )
    with pytest.raises(InputError, match="a name is of letters"):
        render(page)


def with_anchors(*anchors: str) -> Page:
    """Each a section with a picture and a table."""
    sections = tuple(
        Section(
            heading="A heading",
            anchor=anchor,
            tables=(Table(caption="All, of 3 arms", frame=SUMMARY),),
            pictures=(
                Picture(name=f"a{place}", title="t", alt="a", svg=drawing('<path d="M 0 0"/>')),
            ),
        )
        for place, anchor in enumerate(anchors)
    )
    return Page(title="t", question="q", answer=answer(), sections=sections)


@pytest.mark.parametrize(
    "anchor",
    ["", "1a", "a b", "a_b", "a\n", "\u00e4", "#a", "main", "answer", "picture-a0", "ok",
     "table-all-of-3-arms", "table-all-of-3-arms-2"],
)  # fmt: skip
def test_an_anchor_that_is_none_or_is_taken_is_refused(anchor: str) -> None:
    with pytest.raises(InputError, match="an anchor is of letters") as error:
        render(with_anchors("ok", anchor))
    assert repr(anchor) in str(error.value)
    assert "\n" not in str(error.value)


def test_sections_tables_and_pictures_are_called_by_what_they_are() -> None:
    document = parsed(render(with_anchors("arms", "The-2nd")))
    called = [name for name in ids(document) if not name.startswith("_")]
    assert called == [
        "main",
        "answer",
        "arms",
        "table-all-of-3-arms",
        "picture-a0",
        "The-2nd",
        "table-all-of-3-arms-2",
        "picture-a1",
    ]


def test_a_table_without_letters_in_its_caption_has_an_anchor_too() -> None:
    assert table_anchors(["?", "!", "A" * 99]) == [
        "table-of-values",
        "table-of-values-2",
        f"table-{'a' * 60}",
    ]


def test_each_heading_links_to_itself(source: str) -> None:
    headings = [heading for heading in parsed(source).iter("h2") if list(heading.iter("a"))]
    links = [heading.find("a").attrib["href"] for heading in headings]
    assert links == [f"#{heading.attrib['id']}" for heading in headings]
    assert links == [f"#{section.anchor}" for section in example().sections]
    assert [text_of(heading) for heading in headings] == [
        section.heading for section in example().sections
    ]


def test_question_verdict_caveat_and_figure_come_first_in_this_order(source: str) -> None:
    said = example().answer
    text = text_of(parsed(source).find("body"))
    order = [example().question, said.label, said.sentence, said.numbers, f"But: {said.caveat}",
             said.settle, picture("accuracy").title,
             example().sections[0].heading, example().sections[1].heading]  # fmt: skip
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    answered = parsed(source).find(".//section")
    assert answered.attrib["class"] == "answer"
    assert len(figures_of(answered)) == 1


@pytest.mark.parametrize(
    ("settle", "bold"),
    [("To settle it: 30 seeds: 2 h.", ["To settle it:"]), ("30 seeds.", [])],
)
def test_what_would_settle_it_reads_as_it_was_given(settle: str, bold: list[str]) -> None:
    page = dataclasses.replace(with_anchors("a"), answer=answer(settle=settle))
    document = parsed(render(page))
    (line,) = [p for p in document.iter("p") if p.attrib.get("class") == "settle"]
    assert text_of(line) == settle
    assert [text_of(part) for part in line.iter("b")] == bold


def test_an_answer_says_nothing_of_what_it_lacks() -> None:
    text = text_of(parsed(render(with_anchors("a"))).find(".//section"))
    assert text.split() == ["No", "It", "does", "not."]


def test_each_mark_has_a_word_and_a_shape_of_its_own(source: str) -> None:
    (listed,) = [ul for ul in parsed(source).iter("ul") if ul.attrib.get("class") == "statements"]
    items = listed.findall("li")
    words = [text_of(item.find("span")) for item in items]
    assert words == ["Supported", "Refuted", "Equivalent", "Open"]
    drawn = [[path.attrib for path in item.find("span").iter(f"{SVG}path")] for item in items]
    assert [len(paths) for paths in drawn] == [1, 1, 2, 0]
    assert drawn[0] != drawn[1]
    for item, statement in zip(items, STATEMENTS, strict=True):
        for part in (statement.text, statement.sentence, statement.numbers):
            assert part in text_of(item)


def test_links_to_other_studies_stand_at_the_top_and_at_the_foot(source: str) -> None:
    document = parsed(source)
    for where in ("header", "footer"):
        links = list(document.find(f".//{where}").iter("a"))
        assert [(link.attrib["rel"], link.attrib["href"], text_of(link)) for link in links] == [
            (link.rel, f"./{link.href}", link.label) for link in example().links
        ]


def test_a_page_without_links_or_a_question_has_its_title_first() -> None:
    page = dataclasses.replace(with_anchors("a"), question="")
    document = parsed(render(page))
    assert [text_of(heading) for heading in document.iter("h1")] == ["t"]
    assert list(document.iter("nav")) == list(document.iter("footer")) == []


def saved(document: Any) -> dict[str, str]:
    """The files that can be saved from a page, by name."""
    links = [link for link in document.iter("a") if "download" in link.attrib]
    start = "data:text/csv;base64,"
    assert all(link.attrib["href"].startswith(start) for link in links)
    return {
        link.attrib["download"]: base64.b64decode(link.attrib["href"].removeprefix(start)).decode()
        for link in links
    }


def test_the_values_of_every_figure_can_be_saved(source: str) -> None:
    found = saved(parsed(source))
    assert len(found) == 6
    for name in FIGURES:
        assert found[f"{name}.csv"] == picture(name).csv


def with_values(*sizes: int) -> Page:
    """A picture for each number of letters, named a, b, c and so on."""
    pictures = tuple(
        Picture(name=name, title=name, alt=name, svg=drawing('<path d="M 0 0"/>'),
                data=f"{name}.csv", csv="x" * size)
        for name, size in zip("abcdefg", sizes, strict=False)
    )  # fmt: skip
    section = Section(heading="Figures", anchor="f", pictures=pictures[1:])
    return Page(title="t", question="q", answer=answer(picture=pictures[0]), sections=(section,))


@pytest.mark.parametrize(
    ("sizes", "kept"),
    [
        ((1000, 300_000, 2000), "abc"),
        ((1000, 400_000, 2000), "ac"),
        ((400_000, 2000, 0), "b"),
        ((150_000, 150_000, 160_000), "ab"),
        ((200_000, 200_000, 200_000), "c"),
    ],
)
def test_a_page_stays_below_its_size_by_leaving_out_the_largest_values(
    sizes: tuple[int, ...], kept: str
) -> None:
    source = render(with_values(*sizes))
    assert len(source.encode()) <= LARGEST
    assert list(saved(parsed(source))) == [f"{name}.csv" for name in kept]
    for name in set("abc") - set(kept):
        assert f"Data: {name}.csv" in source
