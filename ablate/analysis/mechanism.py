"""Measurements of trained networks, stage by stage, as means over seeds."""

from collections.abc import Iterable

import pandas as pd

from ablate.statistics import intervals


def stage_means(mechanism: pd.DataFrame, quantities: Iterable[str]) -> pd.DataFrame:
    """Mean of each measurement over seeds, by cell and stage.

    Args:
        mechanism: columns `cell`, `seed` and `schema.MECHANISM_COLUMNS`.
        quantities: names of the columns that are wanted.

    Returns:
        `quantity`, `cell`, `stage`, `n`, `mean`, `low`, `high` (`intervals.mean_interval`), in
        the units of the table; what no seed has is left out.
    """
    rows = []
    for (cell, stage), of_stage in mechanism.groupby(["cell", "stage"], sort=False):
        for quantity in quantities:
            values = of_stage[quantity].dropna().to_numpy(dtype=float)
            if len(values):
                interval = intervals.mean_interval(values)
                limits = (interval.mean, interval.low, interval.high)
                rows.append((quantity, cell, stage, len(values), *limits))
    return pd.DataFrame(rows, columns=["quantity", "cell", "stage", "n", "mean", "low", "high"])
