"""A table as HTML, with what its cells mean as numbers beside what they say."""

import math
import re
from numbers import Integral, Real

import pandas as pd
from great_tables import GT, html
from markupsafe import Markup, escape

MISSING = "-"
LONG = 80  # characters, of a sentence
_FACTORS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
# A number at the start, in figures or with an SI letter, and nothing that would make it a word.
_LEADING = re.compile(
    r"[<>~]?\s*([-+\u2212]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?)([kMGT]?)(?=$|[\s%\[(,;])"
)


def sort_key(text: str) -> float | None:
    """The number that a cell begins with, or None where it is not one.

    "95.3 [94.6, 95.9]" is 95.3, "1.97k" is 1970 and "<0.001" is 0.001.
    """
    found = _LEADING.match(text.strip())
    if found is None:
        return None
    number, letter = found.groups()
    return float(number.replace(",", "").replace("\u2212", "-")) * _FACTORS[letter]


def html_table(frame: pd.DataFrame, name: str, labelled_by: str) -> Markup:
    """A frame as a `<table>`: the first column heads the rows, columns of numbers go to the right.

    Great Tables makes the element; its style sheet, one a table and without a dark mode, is left
    out. Each cell of a column of numbers is a `<data>` element whose value is `sort_key`'s.

    Args:
        frame: text or numbers, at least one column; missing values become `-`.
        name: unique on the page; put before the ids of the table.
        labelled_by: id of the element that says what the table shows.
    """
    texts = frame.map(_text).set_axis([f"c{place}" for place in range(frame.shape[1])], axis=1)
    headings = [_label(heading) for heading in frame.columns]
    stub, *others = texts.columns
    numeric = [column for column in texts if _is_numeric(texts[column])]
    table = GT(texts, id=name, rowname_col=stub).tab_stubhead(html(headings[0]))
    for column in texts:
        table = table.fmt(_number if column in numeric else _words, columns=[column])
    for column in others:
        align = "right" if column in numeric else "left"
        table = table.cols_align(align, columns=[column])
    table = table.cols_label(dict(zip(others, map(html, headings[1:]), strict=True)))
    source = table.as_raw_html()
    inner = source[source.index("<table") + len("<table") : source.rindex("</table>")]
    return Markup('<table aria-labelledby="{}"{}</table>').format(labelled_by, Markup(inner))


def _text(value: object) -> str:
    """A value as it reads."""
    if isinstance(value, str):
        return value
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Real) and not math.isnan(value):
        return f"{float(value):g}"
    return MISSING


def _is_numeric(column: pd.Series) -> bool:
    """Whether each cell that is not missing begins with a number, and one does."""
    keys = [sort_key(text) for text in column if text != MISSING]
    return bool(keys) and None not in keys


def _number(text: str) -> Markup:
    """A cell of a column of numbers; the value keeps all digits."""
    key = sort_key(text)
    if key is None:
        return escape(text)
    return Markup('<data value="{}">{}</data>').format(f"{key:.12g}", text)


def _words(text: str) -> Markup:
    """A cell of text; a long name may be broken after an underscore, a sentence gets some room."""
    words = Markup(str(escape(text)).replace("_", "_<wbr>"))
    return Markup('<span class="sentence">{}</span>').format(words) if len(text) > LONG else words


def _label(heading: object) -> str:
    """A heading as HTML; Great Tables would read `{{...}}` as units, and not escape the rest."""
    return str(escape(str(heading))).replace("{", "&#123;")
