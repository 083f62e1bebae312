"""Studies with two axes or more: what each axis does, and whether one's effect depends on another.

Seeds are blocks: what all cells of a seed share (order of images, augmentation) is taken out.
"""

import itertools
import math
from collections.abc import Sequence

import pandas as pd

from ablate.results.schema import axis_columns
from ablate.spec.choices import AXIS_PREFIX
from ablate.statistics import intervals

FEWEST_SEEDS = 2


def axes_of(trials: pd.DataFrame) -> list[str]:
    """Names of the study's axes that have two arms or more, without the columns' prefix."""
    return [
        name.removeprefix(AXIS_PREFIX)
        for name in axis_columns(trials)
        if trials[name].nunique() > 1
    ]


def anova(trials: pd.DataFrame, outcome: str = "test_accuracy") -> pd.DataFrame:
    """How the variance of a factorial study divides among its axes, seeds as blocks.

    Type II sums of squares (Langsrud 2003, Statistics and Computing 13), so that a cell whose
    trial failed does no harm. Interactions are of two axes. The shares describe; what is sure of
    an axis or an interaction, the comparisons say, which allow for unequal spreads.

    Args:
        trials: as `schema.to_frame` makes it, of one study.
        outcome: name of a numeric column.

    Returns:
        One row an effect (`axis`, or `axis x axis`): `effect`, `partial_eta2` (share of what
        blocks and other effects leave), `n` (trials), `seeds`. No rows with one axis, or where a
        combination of arms has fewer than `FEWEST_SEEDS` complete trials.
    """
    from statsmodels.formula.api import ols  # here, since a run needs none of it
    from statsmodels.stats.anova import anova_lm

    columns = ["effect", "partial_eta2", "n", "seeds"]
    axes = axes_of(trials)
    complete = trials[trials["state"] == "complete"]
    per_cell = complete.groupby("cell").size().reindex(trials["cell"].unique(), fill_value=0)
    cells = math.prod(trials[AXIS_PREFIX + axis].nunique() for axis in axes)
    if len(axes) < 2 or len(per_cell) < cells or per_cell.min() < FEWEST_SEEDS:
        return pd.DataFrame(columns=columns)
    names = {f"a{number}": axis for number, axis in enumerate(axes)}
    frame = pd.DataFrame(
        {
            **{short: complete[AXIS_PREFIX + axis].astype(str) for short, axis in names.items()},
            "seed": complete["seed"].astype(str),
            "y": complete[outcome].astype(float),
        }
    ).sort_values([*names, "seed"])
    pairs = [f"{first}:{second}" for first, second in itertools.combinations(names, 2)]
    table = anova_lm(ols(f"y ~ seed + {' + '.join([*names, *pairs])}", frame).fit(), typ=2)
    left = table.loc["Residual"]
    return pd.DataFrame(
        [
            {
                "effect": " x ".join(names[part] for part in term.split(":")),
                "partial_eta2": table.loc[term, "sum_sq"]
                / (table.loc[term, "sum_sq"] + left["sum_sq"]),
                "n": len(frame),
                "seeds": frame["seed"].nunique(),
            }
            for term in [*names, *pairs]
        ],
        columns=columns,
    )


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
