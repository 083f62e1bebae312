"""The table of arms as it is read: on a page, in a terminal and in Markdown."""

import math

import pandas as pd

from ablate.analysis import wording
from ablate.analysis.wording import interval_text, limits_text
from ablate.errors import printable
from ablate.tables.arms.compare import MOST_BOOTSTRAPS, MOST_RESAMPLED, Judged
from ablate.tables.arms.numbers import forms
from ablate.tables.arms.repeats import BUDGET

MOST_SHOWN = 40  # arms, in a terminal and in Markdown
WORDS = ("arm", "finding")  # columns that stand to the left


def display(judged: Judged, full: bool = False) -> pd.DataFrame:
    """One row an arm, all text: the baseline first, then the others as the table has them.

    Args:
        judged: what the table says.
        full: with the interval that decides what is equivalent, and its p-value.
    """
    table, repeats = judged.table, judged.repeats
    mean, diff = forms(judged)
    unit = " %" if repeats.points else ""
    points = ", points" if repeats.points else ""
    differences = table[["diff", "diff_low", "diff_high"]]
    columns: dict[str, list[str]] = {
        "arm": [printable(str(arm)) for arm in table["arm"]],
        f"{repeats.row}s": [f"{n:,}" for n in table["n"]],
        f"{repeats.outcome}{unit}": [
            interval_text(value, low, high, mean)
            for value, low, high in table[["mean", "low", "high"]].to_numpy(dtype=float).tolist()
        ],
        "deviation": [_number(value, mean) for value in table["deviation"]],
        f"difference{points}": [
            interval_text(value, low, high, diff)
            for value, low, high in differences.to_numpy(dtype=float).tolist()
        ],
    }
    if full and judged.margin:
        columns["90% interval"] = [
            limits_text(low, high, diff)
            for low, high in table[["equal_low", "equal_high"]].to_numpy(dtype=float).tolist()
        ]
    columns["p"] = [_p(value) for value in table["p"]]
    if full and judged.margin:
        columns["p, TOST"] = [_p(value) for value in table["p_equal"]]
    columns["finding"] = list(table["finding"])
    if BUDGET in repeats.frame:
        columns[repeats.columns[BUDGET]] = [wording.si(float(one)) for one in table["budget"]]
    return pd.DataFrame(columns, dtype=object)


def legend(judged: Judged) -> list[str]:
    """How to read the table, a sentence each."""
    better = "more" if judged.repeats.better > 0 else "less"
    sentences = [
        f"better, worse: than {judged.baseline}; {better} of {judged.repeats.outcome} is better",
        f"95% intervals: of means, BCa bootstrap; Student's t for few rows, for more than "
        f"{MOST_RESAMPLED} or for more than {MOST_BOOTSTRAPS} arms",
    ]
    if judged.together:
        many = f"all {judged.together} comparisons" if judged.together > 1 else "the comparison"
        pairing = (
            "paired by the seed"
            if judged.asked.paired
            else "unpaired, so that rows of two arms have nothing to do with each other"
        )
        sentences.append(
            f"difference and p: max-t of {many}, each arm with its own spread, {pairing}"
        )
    if judged.margin:
        sentences.append(
            f"equivalent: the 90% interval is within {judged.margin:g}{judged.repeats.unit} "
            "(two one-sided tests)"
        )
    return sentences


def shown(judged: Judged) -> tuple[pd.DataFrame, str]:
    """The table for a terminal, and a line that says which arms were left out; empty for none.

    Of more than `MOST_SHOWN` arms the baseline stays, and the best.
    """
    frame = display(judged)
    if len(frame) <= MOST_SHOWN:
        return frame, ""
    keep = foremost(judged, MOST_SHOWN)
    return frame.iloc[keep], f"{MOST_SHOWN} of {len(frame)} arms: the baseline and the best"


def foremost(judged: Judged, most: int) -> list[int]:
    """The places of the baseline and of the best arms, in the order of the table."""
    others = judged.table.iloc[1:]
    order = (judged.repeats.better * others["mean"]).sort_values(ascending=False, kind="stable")
    return sorted([0, *order.index[: most - 1]])


def text_table(judged: Judged) -> str:
    """Aligned plain text, and how to read it."""
    frame, left_out = shown(judged)
    lines = [list(frame.columns), *frame.to_numpy().tolist()]
    notes = [*([left_out] if left_out else []), *legend(judged)]
    return "\n".join([*wording.aligned(lines, WORDS), "", *notes])


def markdown_table(judged: Judged) -> str:
    """The same in Markdown."""
    frame, left_out = shown(judged)
    rule = [":--" if name in WORDS else "--:" for name in frame.columns]
    rows = [[wording.escaped(cell) for cell in row] for row in frame.to_numpy().tolist()]
    heads = [wording.escaped(str(name)) for name in frame.columns]
    notes = [*([left_out] if left_out else []), *legend(judged)]
    lines = [f"| {' | '.join(line)} |" for line in (heads, rule, *rows)]
    return "\n".join([*lines, "", *(f"- {note}" for note in notes)])


def _number(value: float, form: str) -> str:
    return "-" if math.isnan(value) else f"{value:{form}}"


def _p(value: float) -> str:
    return "-" if math.isnan(value) else wording.p_text(value)[1:].removeprefix(" = ").strip()
