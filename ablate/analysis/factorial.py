"""Studies with two axes or more: their axes, and whether the effect of one depends on another."""

import itertools
from collections.abc import Sequence

import pandas as pd

from ablate.results.schema import axis_columns
from ablate.spec import AXIS_PREFIX
from ablate.statistics import intervals


def axes_of(trials: pd.DataFrame) -> list[str]:
    """Names of the study's axes that have two arms or more, without the columns' prefix."""
    return [
        name.removeprefix(AXIS_PREFIX)
        for name in axis_columns(trials)
        if trials[name].nunique() > 1
    ]


def contrasts(
    trials: pd.DataFrame, axes: Sequence[str], baseline: str
) -> dict[str, dict[str, float]]:
    """The combinations of cells that say how the effect of an arm changes with another axis.

    For arms a and b other than the baseline's a0 and b0, at the baseline's arms of further axes:
    (ab - a0b) - (ab0 - a0b0).

    Args:
        trials: as `schema.to_frame` makes it, of one study.
        axes: two of the study's.
        baseline: the cell that has a0 and b0.

    Returns:
        By `a / b`: four cells with their coefficients, where the table has all four.
    """
    columns = [AXIS_PREFIX + axis for axis in axes]
    cells = trials.drop_duplicates("cell")
    base = cells[cells["cell"] == baseline].iloc[0]
    for axis in axes_of(trials):
        if axis not in axes:
            cells = cells[cells[AXIS_PREFIX + axis] == base[AXIS_PREFIX + axis]]
    places = zip(*(cells[column] for column in columns), strict=True)
    named = dict(zip(places, cells["cell"], strict=True))
    a0, b0 = (base[column] for column in columns)
    arms_a, arms_b = (trials[column].unique() for column in columns)
    found = {}
    for a, b in itertools.product(arms_a, arms_b):
        four = {(a, b): 1.0, (a0, b): -1.0, (a, b0): -1.0, (a0, b0): 1.0}
        if a != a0 and b != b0 and all(place in named for place in four):
            found[f"{a} / {b}"] = {named[place]: factor for place, factor in four.items()}
    return found


def cell_means(trials: pd.DataFrame, outcome: str = "test_accuracy") -> pd.DataFrame:
    """Mean of each cell of a factorial study over its complete trials.

    Returns:
        A column an axis, as in the trials; `n`; and `mean`, `low`, `high` of
        `intervals.mean_interval` (fractions). Cells in order of first appearance.
    """
    axes = [AXIS_PREFIX + axis for axis in axes_of(trials)]
    rows = []
    for arms, of_cell in trials.groupby(axes, sort=False):
        values = of_cell.loc[of_cell["state"] == "complete", outcome].astype(float)
        interval = intervals.mean_interval(values)
        rows.append((*arms, len(values), interval.mean, interval.low, interval.high))
    return pd.DataFrame(rows, columns=[*axes, "n", "mean", "low", "high"])
