"""One's own run against the published one of the same study: whether it says the same."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from ablate.analysis import wording
from ablate.analysis.findings import Findings
from ablate.analysis.hypotheses import ACCURACIES

SAME = ("val_accuracy", "test_accuracy")
UNDECIDED = "inconclusive"


def reproduction(own: Findings, published: Findings) -> list[str]:
    """What of a published run one's own run reproduces, in lines.

    Args:
        own, published: of the same study on the same dataset.

    Returns:
        First how alike the trials are and what they ran on, then a line for each prediction that
        was published: `reproduced`, `not reproduced` where the two decide otherwise, `open` where
        one of them, or neither, decides.
    """
    return [_trials(own.trials, published.trials), *_verdicts(own, published)]


def _trials(own: pd.DataFrame, published: pd.DataFrame) -> str:
    """How many trials are the same, how many came out the same, and on which processors."""
    both = own.merge(published, on="key", suffixes=("", "_published"))
    equal = pd.Series(True, index=both.index)
    for name in SAME:
        equal &= both[name].eq(both[f"{name}_published"]).fillna(False)
    here, there = (", ".join(frame["device"].unique()) for frame in (own, published))
    where = f"the same processor ({here})" if here == there else f"{here}; published on {there}"
    return (
        f"{len(both)} of {len(published)} published trials were run, {equal.sum()} of them with "
        f"the same accuracies to the last digit; {where}"
    )


def _verdicts(own: Findings, published: Findings) -> Iterator[str]:
    if published.hypotheses.empty:
        yield "the published run has no predictions; its arms are compared in its report"
        return
    ours = own.hypotheses.set_index("name") if not own.hypotheses.empty else pd.DataFrame()
    for theirs in published.hypotheses.to_dict("records"):
        if theirs["name"] not in ours.index:
            yield f"open: {theirs['says']} {_told(theirs)}; not stated in this run"
            continue
        row = ours.loc[theirs["name"]].to_dict()
        verdicts = {row["verdict"], theirs["verdict"]}
        if UNDECIDED in verdicts:
            came = "open"
        else:
            came = "reproduced" if len(verdicts) == 1 else "not reproduced"
        yield f"{came}: {theirs['says']} Published: {_told(theirs)}; here: {_told(row)}"


def _told(row: Mapping[Any, Any]) -> str:
    """A verdict with its estimate, interval and n."""
    n = f"n = {row['n']}"
    if row["kind"] == "interaction":
        return f"{row['verdict']}, {wording.p_text(float(str(row['p'])))}, {n}"
    percent = row["kind"] != "optimum" and row["column"] in ACCURACIES
    scale, form = (100.0, "+z.1f") if percent else (1.0, ".3g")
    mean, low, high = (scale * float(str(row[name])) for name in ("estimate", "low", "high"))
    unit = " points" if percent else ""
    return f"{row['verdict']}, {wording.interval_text(mean, low, high, form)}{unit}, {n}"
