"""What the complete trials of a results table came to, one row a seed."""

import pandas as pd

from ablate.errors import InputError


def by_seed(trials: pd.DataFrame, outcome: str = "test_accuracy") -> pd.DataFrame:
    """Outcomes of the complete trials, one row a seed, one column a cell.

    Args:
        trials: as `schema.to_frame` makes it.
        outcome: name of a column.

    Returns:
        Shape (seeds, cells), as fractions; NaN where a cell lacks the seed. Cells come in order
        of first appearance, and one without a complete trial is a column of NaN.

    Raises:
        InputError: a cell has a seed twice, as in a table of two studies.
    """
    twice = trials[trials.duplicated(["cell", "seed"])]
    if not twice.empty:
        cell, seed = twice[["cell", "seed"]].iloc[0]
        raise InputError(f"cell {cell!r} has seed {seed} twice: expected the trials of one study")
    complete = trials[trials["state"] == "complete"]
    wide = complete.pivot(index="seed", columns="cell", values=outcome)
    return wide.reindex(columns=trials["cell"].unique()).astype(float)
