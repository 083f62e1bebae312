"""One self-contained HTML page from headings, tables and pictures; it knows nothing of studies."""

import base64
import hashlib
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Literal

import jinja2
import pandas as pd
from markupsafe import Markup

from ablate.report.html.anchors import PICTURE, check_anchors, check_names, table_anchors
from ablate.report.html.svg import inline
from ablate.report.html.table import table_cells

LARGEST = 500_000  # bytes of a page; the values of its figures are left out where it would be more


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table as it is to be read.

    Args:
        caption: what it shows; plain text.
        frame: display-ready values, text or numbers; the first column names the row.
        note: a line below it.
    """

    caption: str
    frame: pd.DataFrame
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure.

    Args:
        name: begins with a letter, then letters, digits, `-` and `_`; comes once a page.
        title: its caption.
        alt: what it shows, for whoever cannot see it.
        svg: the text of an SVG file as matplotlib writes it.
        data: file name of the CSV that it was drawn from.
        csv: what stands in that file; it can be saved from the page.
    """

    name: str
    title: str
    alt: str
    svg: str
    data: str = ""
    csv: str = ""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The answer to a page's question. All but the picture is plain text.

    Args:
        word: which of three it is; it sets the mark.
        label: the word as it is read, such as "Open in part".
        sentence: the answer in one sentence.
        numbers: the effect with its interval and n.
        caveat: what speaks against it, in a sentence; the page says "But:" before it.
        settle: what would settle what is open, such as "To settle it: 20 seeds more."; what stands
            before a colon is set in bold.
        picture: the figure that shows it.
    """

    word: Literal["yes", "no", "open"]
    label: str
    sentence: str
    numbers: str = ""
    caveat: str = ""
    settle: str = ""
    picture: Picture | None = None


@dataclass(frozen=True, kw_only=True)
class Statement:
    """Something that was said before, and what became of it.

    Args:
        mark: what became of it.
        text: what was said.
        sentence: what was found, in plain words.
        numbers: the statistics, in small print.
    """

    mark: Literal["supported", "refuted", "equivalent", "open"]
    text: str
    sentence: str = ""
    numbers: str = ""


@dataclass(frozen=True, kw_only=True)
class Link:
    """A link to another page of the same results.

    Args:
        rel: what it is to this one.
        label: as it reads.
        href: its path, relative to the page; not yet quoted as a URL.
    """

    rel: Literal["index", "prev", "next"]
    label: str
    href: str


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading and what stands below it, in this order.

    Args:
        heading: plain text.
        anchor: names the section in links: letters, digits, `-`; begins with a letter.
        paragraphs, statements, tables, pictures: as they are to be read.
        code: preformatted text to copy, such as a command.
    """

    heading: str
    anchor: str
    paragraphs: tuple[str, ...] = ()
    statements: tuple[Statement, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()
    code: str = ""


@dataclass(frozen=True, kw_only=True)
class Page:
    """A report.

    Args:
        title, question, footer: plain text.
        answer: to the question.
        sections: in order.
        links: to other pages.
    """

    title: str
    question: str
    answer: Answer
    sections: tuple[Section, ...]
    footer: str = ""
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One report in the index.

    Args:
        title: of the study; plain text, as all but `href`.
        question, sentence: the sentence is the answer.
        href: its path, relative to the index; not yet quoted as a URL.
        dataset: that it is about; empty for none.
        word, label: of the answer, as in `Answer`; no word where there is no answer to read.
        effect: with its interval.
        n: behind it.
        facts: short ones, such as the number of trials.
    """

    title: str
    href: str
    question: str
    sentence: str
    dataset: str = ""
    word: Literal["yes", "no", "open", ""] = ""
    label: str = ""
    effect: str = ""
    n: str = ""
    facts: tuple[str, ...] = ()


def render(page: Page) -> str:
    """The page as one HTML document that asks nothing of any other file.

    The same page gives the same bytes. All text is escaped. The values of the figures can be saved
    from the page; where it would be larger than `LARGEST`, those of the largest files cannot, and
    the page names the files instead.

    Raises:
        InputError: a picture that cannot be shown; a name or an anchor that is not one, or comes
            twice.
    """
    pictures = [picture for section in page.sections for picture in section.pictures]
    if page.answer.picture is not None:
        pictures.insert(0, page.answer.picture)
    check_names([picture.name for picture in pictures])
    tables = table_anchors(table.caption for section in page.sections for table in section.tables)
    check_anchors(
        [section.anchor for section in page.sections],
        [*tables, *(f"{PICTURE}{picture.name}" for picture in pictures)],
    )
    # No other id begins with an underscore.
    drawn = {
        picture.name: Markup(inline(picture.svg, picture.name, picture.alt, f"_{number}"))
        for number, picture in enumerate(pictures)
    }

    def document(saved: dict[str, str]) -> str:
        return _document(
            "page.html.j2", title=page.title, page=page, drawn=drawn, table_ids=iter(tables),
            saved=dict.fromkeys(drawn, "") | saved,
        )  # fmt: skip

    saved = {picture.name: _data(picture.csv) for picture in pictures if picture.csv}
    whole = document(saved)
    excess = len(whole.encode()) - LARGEST
    if excess <= 0:
        return whole
    for name in sorted(saved, key=lambda name: len(saved[name]), reverse=True):
        excess -= len(saved.pop(name))
        if excess <= 0:
            break
    return document(saved)


def _data(csv: str) -> str:
    """The text of a CSV file as the URL of a link."""
    return f"data:text/csv;base64,{base64.b64encode(csv.encode()).decode()}"


def render_index(title: str, entries: Sequence[Entry]) -> str:
    """The list of reports as one HTML document: a table of all, then a line each, in this order."""
    frame = pd.DataFrame(
        [(entry.title, entry.dataset or "-", entry.label or "-", entry.effect or "-",
          entry.n or "-") for entry in entries],
        columns=["study", "data set", "verdict", "effect", "n"],
    )  # fmt: skip
    return _document("index.html.j2", title=title, entries=entries, frame=frame)


def _document(template: str, **content: object) -> str:
    """A template filled in; the policy lets its own style and script through, and nothing else."""
    style, script = _asset("style.css"), _asset("sort.js") + _asset("copy.js")
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("ablate.report.html"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals |= {"table_cells": table_cells, "next": next}
    environment.filters["relative"] = _relative
    return environment.get_template(template).render(
        policy=policy, style=Markup(style), script=Markup(script), **content
    )


def _asset(name: str) -> str:
    return (resources.files("ablate.report.html") / "templates" / name).read_text(encoding="utf-8")


def _digest(source: str) -> str:
    """What a content security policy calls a style or script by."""
    return f"sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}"


def _relative(path: str) -> str:
    """A path as a link that cannot leave the place it starts from for another host or scheme."""
    return f"./{urllib.parse.quote(path)}"
