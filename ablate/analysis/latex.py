"""A summary as a LaTeX table, for a paper."""

import re
from collections.abc import Sequence

from ablate.analysis.summary import Summary
from ablate.analysis.wording import WORDS, display, legend
from ablate.errors import InputError

RATE = "images/s"
SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "|": r"\textbar{}",
    **{letter: rf"\{letter}" for letter in "&%$#_{}"},
}


def latex_table(
    summary: Summary,
    columns: Sequence[str] | None = None,
    caption: str | None = None,
    label: str | None = None,
) -> str:
    """The same table as `text_table`, in LaTeX; the document needs the package booktabs.

    Args:
        summary: as `summarise` makes it.
        columns: names of columns, as the table shows them, in the order that is wanted; all if
            None, but for images/s where the baseline timed against itself was not equal.
        caption: of a floating table, in LaTeX, which has the legend as a note below.
        label: of it; without both there is only a `tabular`.

    Raises:
        InputError: there is no such column.
    """
    table = display(summary)
    if columns is None:
        off = summary.table["throughput_control_off"].any()
        columns = [name for name in table.columns if not (off and name == RATE)]
    unknown = [name for name in columns if name not in table.columns]
    if unknown or not columns:
        why = f"no column {unknown[0]!r}" if unknown else "none given"
        raise InputError(f"columns: {why}: expected some of {'; '.join(table.columns)}", "columns")
    shown = table[list(columns)]
    cells = [[_text(name, cell) for cell in shown[name]] for name in dict.fromkeys(columns)]
    by_name = dict(zip(dict.fromkeys(columns), cells, strict=True))
    lines = [
        rf"\begin{{tabular}}{{{''.join('l' if name in WORDS else 'r' for name in columns)}}}",
        r"\toprule",
        _row([escaped(name) for name in columns]),
        r"\midrule",
        *(_row(row) for row in zip(*(by_name[name] for name in columns), strict=True)),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    if caption is None and label is None:
        return "\n".join([*lines, ""])
    above = [] if caption is None else [rf"\caption{{{caption}}}"]
    above += [] if label is None else [rf"\label{{{label}}}"]
    note = " ".join(f"{escaped(one)}." for one in legend(summary, columns))
    below = ["", r"\smallskip", rf"{{\footnotesize\raggedright {note}\par}}"] if note else []
    whole = [r"\begin{table}", *above, r"\centering", *lines, *below, r"\end{table}", ""]
    return "\n".join(whole)


def escaped(text: str) -> str:
    """Text as LaTeX that prints it."""
    return "".join(SPECIAL.get(letter, letter) for letter in text)


def _text(column: str, cell: str) -> str:
    """A cell: in a column of numbers with signs of minus in place of hyphens."""
    text = escaped(cell)
    if column in WORDS:
        return text
    return "--" if text == "-" else re.sub(r"(?<![\w.])-(?=\d)", "$-$", text)


def _row(cells: Sequence[str]) -> str:
    """A line; what begins with a bracket or a star is kept from being taken for an option."""
    text = " & ".join(cells)
    return f"{'{}' if text.startswith(('[', '*')) else ''}{text} \\\\"
