"""What it would take to settle what is open: seeds, and the time to train them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ablate.analysis.findings import Findings
from ablate.analysis.growth import FEWEST_GROWTHS
from ablate.analysis.verdicts.clauses import Clause
from ablate.analysis.wording import margin_text, plural
from ablate.processes import duration
from ablate.statistics.family import MIN_SEEDS
from ablate.statistics.power import MOST_SEEDS

TOO_MANY = 300  # seeds of each arm


def settling(
    found: Findings, clauses: Mapping[str, Clause], answering: Sequence[str], settled: bool
) -> str:
    """What would settle what is open, in a sentence; empty where nothing is.

    Seeds are those that show a difference as large as the margin, at the spread that was seen;
    time is of training alone, one trial after the other. They are those of a new run: seeds that
    are added to this one, once its result was seen, make its intervals hold less than they say.
    Only a run with too few seeds to tell anything is to be given more.

    Args:
        found: what a run shows.
        clauses: what became of each prediction.
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
        which = f"{others} of {plural(len(table), 'prediction')}"
        return f"Still open: {which}; {_what(found, clauses, undecided)}"
    asked = undecided[undecided["name"].isin(answering)]
    if asked.empty:
        return (
            f"To settle it: they are equal within {margin_text(found.file.margin)}; to tell them "
            "apart, make a new run with a smaller margin and more seeds."
        )
    return f"To settle it: {_what(found, clauses, asked)}"


def _what(found: Findings, clauses: Mapping[str, Clause], rows: pd.DataFrame) -> str:
    """What open predictions need."""
    table = found.summary.table.set_index("cell")
    cells = {cell for name in rows["name"] for cell in clauses[name].cells if cell in table.index}
    lost = [str(cell) for cell in table.index if cell in cells and table.loc[cell, "n"] == 0]
    if lost and (table.loc[lost, ["diverged", "failed"]].sum(axis=1) > 0).any():
        return f"a recipe with which {' and '.join(lost)} can be trained: no trial came to an end."
    have = int(table.loc[sorted(cells), "n"].min()) if cells else 0
    if have < MIN_SEEDS:
        more = MIN_SEEDS - have
        time = _time(found, more, ", ")
        return f"at least {MIN_SEEDS} {found.unit}s of each arm: {more} more{time}."
    growths = [found.file.hypotheses[name].optimum is not None for name in rows["name"]]
    if all(growths) and rows["estimate"].isna().all():
        return f"{FEWEST_GROWTHS} growths or more, each with {MIN_SEEDS} {found.unit}s or more."
    without = rows[rows["margin"].isna() & ~pd.Series(growths, index=rows.index)]
    if len(without):
        columns = " and ".join(sorted(set(without["column"])))
        return f"a `margin` for {columns} in the study file, in its own unit."
    return _seeds(found, rows, have) + (_beyond(found) if any(growths) else "")


def _beyond(found: Findings) -> str:
    """That the best growth may lie beyond what was tried."""
    ends = [fit.points["growth"] for fit in found.fits if fit.edge]
    if not ends:
        return ""
    least, most = min(map(min, ends)), max(map(max, ends))
    return f" Growths below {least:.2g} or above {most:.2g} may be better still."


def _seeds(found: Findings, rows: pd.DataFrame, have: int) -> str:
    unit, margin = found.unit, margin_text(found.file.margin)
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
    if most > TOO_MANY:
        return (
            f"about {most:,} {unit}s of each arm would tell {margin}, more than is worth it: "
            "train longer, or ask for a larger difference, as `margin` in the study file."
        )
    time = _time(found, most, "; ")
    return f"a new run of about {most:,} {unit}s of each arm, which can tell {margin}{time}."


def _needed(found: Findings, name: str, own: Any) -> int | None:
    """Seeds that a prediction needs; of an optimum, those that tell a middling arm."""
    if found.file.hypotheses[name].optimum is None:
        return None if pd.isna(own) else int(own)
    numbers = found.summary.table["seeds_needed"].dropna()
    return None if numbers.empty else int(numbers.median())


def _time(found: Findings, number: int, after: str) -> str:
    """How long so many seeds of every arm train, `after` first; empty where that is not known."""
    each = found.trials.groupby("cell")["train_seconds"].median().astype(float).sum()
    if found.file.sample is not None:  # a draw is one network of each arm
        each *= len(found.summary.table) / max(1, found.trials["cell"].nunique())
    if math.isnan(each) or each <= 0:
        return ""
    return f"{after}some {duration(number * each)} of training"
