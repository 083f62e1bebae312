"""How the variance of a study with two axes or more divides among them.

Seeds are blocks: what all cells of a seed share (order of images, augmentation) is taken out.
"""

import itertools
import math

import pandas as pd
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from ablate.analysis.factorial import axes_of
from ablate.spec import AXIS_PREFIX

FEWEST_SEEDS = 2


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
