"""What it would take to settle what is open: seeds, and the time to train them."""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from ablate.analysis.findings import Findings
from ablate.processes import duration
from ablate.statistics.family import MIN_SEEDS
from ablate.statistics.power import MOST_SEEDS


def settling(found: Findings, answering: Sequence[str], settled: bool) -> str:
    """What would settle what is open, in a sentence; empty where nothing is.

    Seeds are those that show a difference as large as the margin, at the spread that was seen;
    time is of training alone, one trial after the other.

    Args:
        found: what a run shows.
        answering: predictions that answer its question.
        settled: whether they do.
    """
    table = found.hypotheses
    if table.empty:
        if found.file.sample is None and len(found.summary.table) < 2:
            return ""
        return (
            "To settle it: state what you expect in the study file, as a prediction; the next run "
            "can then answer yes or no."
        )
    undecided = table[table["verdict"] == "inconclusive"]
    if settled:
        others = len(undecided[~undecided["name"].isin(answering)])
        if not others:
            return ""
        which = f"{others} of {len(table)} predictions"
        return f"Still open: {which}; {_seeds(found, undecided)}"
    asked = undecided[undecided["name"].isin(answering)]
    if asked.empty:
        return (
            f"To settle it: a margin below {100 * found.file.margin:g} points, and seeds for it; "
            "within this one they are equal."
        )
    return f"To settle it: {_seeds(found, asked)}"


def _seeds(found: Findings, rows: pd.DataFrame) -> str:
    unit, have = found.unit, int(found.summary.table["n"].min())
    if have < MIN_SEEDS:
        return f"at least {MIN_SEEDS} {unit}s of each arm, {_more(found, MIN_SEEDS, have)}."
    margin = f"{100 * found.file.margin:g} points"
    needed = [_needed(found, row["name"], row["seeds_needed"]) for row in rows.to_dict("records")]
    known = [number for number in needed if number is not None]
    if not known:
        return (
            f"no number of {unit}s up to {MOST_SEEDS:,} would be enough to tell {margin}: ask for "
            "a larger difference, as `margin` in the study file."
        )
    most = max(known)
    if most <= have:
        return (
            f"{have} {unit}s can be expected to tell {margin}; the difference is close to that, "
            "and only many more would settle on which side."
        )
    return f"about {most:,} {unit}s of each arm to tell {margin}, {_more(found, most, have)}."


def _needed(found: Findings, name: str, own: Any) -> int | None:
    """Seeds that a prediction needs; of an optimum, those that tell a middling arm."""
    if found.file.hypotheses[name].optimum is None:
        return None if pd.isna(own) else int(own)
    numbers = found.summary.table["seeds_needed"].dropna()
    return None if numbers.empty else int(numbers.median())


def _more(found: Findings, needed: int, have: int) -> str:
    """How many more that are, and how long they train."""
    each = found.trials.groupby("cell")["train_seconds"].median().astype(float).sum()
    if found.file.sample is not None:  # a draw is one network of each arm
        each *= len(found.summary.table) / max(1, found.trials["cell"].nunique())
    more = max(1, needed - have)
    if math.isnan(each) or each <= 0:
        return f"{more:,} more"
    return f"{more:,} more, some {duration(more * each)} of training"
