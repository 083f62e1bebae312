"""What speaks most against a verdict: one sentence, the first of a fixed order that applies."""

from collections.abc import Callable, Sequence

import pandas as pd

from ablate.analysis import wording
from ablate.analysis.findings import Findings
from ablate.analysis.growth import SURE
from ablate.analysis.verdicts.clauses import Clause
from ablate.analysis.verdicts.names import Names
from ablate.statistics.family import MIN_SEEDS

LOST = 0.1  # the share of an arm's trials without an accuracy, from which on it is said
APART = 1.1  # times as much of what is not held equal, from which on it is said
FAR_APART = 1.5  # where something else is held equal
CEILING = 0.97  # accuracy of every arm, from which on there is little left to tell apart
LARGE = 1_000_000  # parameters
LONG = 100  # epochs
COSTS = {"macs": "MACs", "params": "parameters", "activations": "activations"}
_Caveat = Callable[[Findings, Names, Sequence[Clause]], str]


def caveat(found: Findings, names: Names, clauses: Sequence[Clause]) -> str:
    """The one thing to know before a verdict is quoted.

    In this order: seeds that were added after a result was seen; trials that are lost; arms that
    differ in compute though nothing is held equal; arms that train for more epochs; a best growth
    at an end of what was tried; a curve that misses the means; another verdict on other test
    images; accuracies near the ceiling; costs that differ beside the one that is held equal; small
    networks.

    Args:
        found: what a run shows.
        names: of its arms.
        clauses: that answer its question.
    """
    order: tuple[_Caveat, ...] = (
        _extended,
        _lost,
        _compute,
        _longer,
        _end,
        _misfit,
        _images,
        _ceiling,
        _other_costs,
        _small,
    )
    return next(text for one in order if (text := one(found, names, clauses)))


def _about(found: Findings, clauses: Sequence[Clause]) -> pd.DataFrame:
    """The rows of the summary that the clauses are about; all of them where there are none."""
    cells = {cell for clause in clauses for cell in clause.cells}
    table = found.summary.table
    rows = table[table["cell"].isin(cells)]
    return rows if len(rows) else table


def _extended(found: Findings, names: Names, clauses: Sequence[Clause]) -> str:
    if max(found.extended_from, default=0) < MIN_SEEDS:  # with fewer, nothing was told before
        return ""
    return "Seeds were added after a result was seen: intervals hold less than they say."


def _lost(found: Findings, names: Names, clauses: Sequence[Clause]) -> str:
    rows = _about(found, clauses)
    lost = rows["diverged"] + rows["failed"]
    share = lost / (lost + rows["n"]).clip(lower=1)
    if share.empty or share.max() < LOST:
        return ""
    worst = rows.iloc[int(share.argmax())]
    number = int(worst["diverged"] + worst["failed"])
    return (
        f"{number} of {number + int(worst['n'])} trials of {names.cells[worst['cell']]} have no "
        "accuracy, and are not counted."
    )


def _compute(found: Findings, names: Names, clauses: Sequence[Clause]) -> str:
    return "" if _held(found) else _differs(_about(found, clauses), "macs", names, APART)


def _longer(found: Findings, names: Names, clauses: Sequence[Clause]) -> str:
    about = _about(found, clauses)["cell"]
    trials = found.compared[found.compared["cell"].isin(about)]
    epochs = trials.groupby("cell", sort=False)["epochs"].first()
    if epochs.nunique() < 2:
        return ""
    most, fewest = str(epochs.idxmax()), str(epochs.idxmin())
    return (
        f"The arms differ in epochs: {names.cells[most]} trains for {epochs.max()}, "
        f"{names.cells[fewest]} for {epochs.min()}."
    )


def _other_costs(found: Findings, names: Names, clauses: Sequence[Clause]) -> str:
    held, rows = _held(found), _about(found, clauses)
    ratios = {cost: rows[cost].max() / max(1, rows[cost].min()) for cost in COSTS if cost != held}
    widest = max(ratios, key=lambda cost: float(ratios[cost]))
    return _differs(rows, widest, names, FAR_APART, held)


def _held(found: Findings) -> str:
    """What the study holds equal; empty for nothing."""
    match = found.trials["match"].iloc[0]
    return "" if pd.isna(match) else str(match)


def _differs(rows: pd.DataFrame, cost: str, names: Names, least: float, held: str = "") -> str:
    most, fewest = rows.iloc[int(rows[cost].argmax())], rows.iloc[int(rows[cost].argmin())]
    ratio = most[cost] / max(1, fewest[cost])
    if ratio < least:
        return ""
    apart = "compute" if cost == "macs" else COSTS[cost]
    what = f"Only {wording.MEASURES[held]} are equal" if held else f"The arms differ in {apart}"
    return (
        f"{what}: {names.cells[most['cell']]} has {ratio:.1f} times the {COSTS[cost]} of "
        f"{names.cells[fewest['cell']]}."
    )


def _end(found: Findings, names: Names, clauses: Sequence[Clause]) -> str:
    for fit in found.fits:
        if fit.edge and any(set(fit.points["cell"]) <= set(own.cells) for own in clauses):
            least, most = fit.points["growth"].min(), fit.points["growth"].max()
            return f"The best growth may lie beyond what was tried, {least:.2g} to {most:.2g}."
    return ""


def _misfit(found: Findings, names: Names, clauses: Sequence[Clause]) -> str:
    cells = {cell for clause in clauses for cell in clause.cells}
    if any(fit.misfit_p < SURE and cells & set(fit.points["cell"]) for fit in found.fits):
        return "The curve over growth misses some arms' means: trust the arms before the curve."
    return ""


def _images(found: Findings, names: Names, clauses: Sequence[Clause]) -> str:
    table = found.summary.table
    about = _about(found, clauses)["cell"]
    wide = table[table["wide_p"].notna() & table["cell"].isin(about)]
    if (wide["wide_finding"] != wide["finding"]).any():
        return "It holds for these test images; others of their kind could decide otherwise."
    return ""


def _ceiling(found: Findings, names: Names, clauses: Sequence[Clause]) -> str:
    means = _about(found, clauses)["mean"].dropna()
    if not any(clause.accuracy for clause in clauses) or means.empty or means.min() < CEILING:
        return ""
    return (
        f"Every arm is above {100 * CEILING:g}% on {found.trials['dataset'].iloc[0]}, where little "
        "is left to tell apart."
    )


def _small(found: Findings, names: Names, clauses: Sequence[Clause]) -> str:
    rows = _about(found, clauses)
    params, epochs = rows["params"].max(), found.trials["epochs"]
    if params >= LARGE and epochs.min() >= LONG:
        return "One data set and one recipe: another may decide otherwise."
    return (
        f"Networks of at most {wording.si(float(params))} parameters, trained for "
        f"{wording.plural(wording.range_of(epochs), 'epoch')}: larger ones may differ."
    )
