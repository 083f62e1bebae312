"""The index: a table of verdicts, then a line for each report."""

import dataclasses

from ablate.report.html.page import Entry, render_index
from support.pages import SVG, parsed, text_of

ENTRY = Entry(
    title="width_doubling",
    href="x/digits/report.html",
    question="Why double?",
    sentence="It is better.",
    dataset="digits",
    word="yes",
    label="Yes",
    effect="+2.3 [1.3, 3.2]",
    n="10",
    facts=("3 arms", "30 trials"),
)
UNREAD = Entry(title="torchvision", href="b.html", question="", sentence="It cannot be read.")


def test_an_index_opens_with_a_table_of_verdicts_in_the_order_given() -> None:
    document = parsed(render_index("Results", [ENTRY, UNREAD]))
    (table,) = document.iter("table")
    headings = [text_of(cell) for cell in table.findall("thead/tr/th")]
    assert headings == ["study", "data set", "verdict", "effect", "n"]
    rows = [[text_of(cell).strip() for cell in row] for row in table.findall("tbody/tr")]
    assert rows == [
        ["width_doubling", "digits", "Yes", "+2.3 [1.3, 3.2]", "10"],
        ["torchvision", "-", "-", "-", "-"],
    ]
    assert [data.attrib["value"] for data in table.iter("data")] == ["2.3", "10"]
    assert len(list(table.iter(f"{SVG}svg"))) == 1


def test_below_its_table_an_index_has_a_line_for_each_report() -> None:
    document = parsed(render_index("Results", [ENTRY, UNREAD]))
    lines = [" ".join(text_of(line).split()) for line in document.iter("li")]
    assert lines == [
        "width_doubling on digits: Why double? Yes It is better. 3 arms \u00b7 30 trials",
        "torchvision It cannot be read.",
    ]


def test_an_index_links_to_its_reports_and_to_nothing_else() -> None:
    hrefs = ("a b/#1/100%?.html", "javascript:alert(1)", "//example.org/a", "../up.html")
    others = [dataclasses.replace(ENTRY, href=href) for href in hrefs]
    document = parsed(render_index("Results", [ENTRY, *others]))
    for place in ("table", "ol"):
        links = [link.attrib["href"] for link in document.find(f".//{place}").iter("a")]
        assert links == [
            "./x/digits/report.html",
            "./a%20b/%231/100%25%3F.html",
            "./javascript%3Aalert%281%29",
            ".///example.org/a",
            "./../up.html",
        ]


def test_an_index_without_reports_says_so() -> None:
    document = parsed(render_index("Results", []))
    assert text_of(document.find(".//main")).strip() == "No reports yet."


def test_an_interval_stands_below_its_effect_whatever_the_effect_is_of() -> None:
    growth = dataclasses.replace(ENTRY, effect="growth 2.00 [0.78, 3.54]")
    document = parsed(render_index("Results", [ENTRY, growth]))
    spreads = [text_of(span) for span in document.iter("span") if span.attrib["class"] == "spread"]
    assert spreads == ["[1.3, 3.2]", "[0.78, 3.54]"]
