"""Means over seeds: epoch by epoch, stage by stage, and over the learning rates that were tried."""

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd

from ablate.statistics import intervals
from ablate.study.tuning import best_rates, scores


def epoch_intervals(epochs: pd.DataFrame, value: str, level: float = 0.95) -> pd.DataFrame:
    """Mean over seeds of a learning curve, with Student's t interval, epoch by epoch.

    Args:
        epochs: one row a trial and epoch, with the columns `cell`, `epoch` and `value`.
        value: name of the column; values that are missing or infinite are left out of `n`.
        level: confidence of each interval by itself.

    Returns:
        Columns `cell`, `epoch`, `n`, `mean`, `low`, `high`; cells in order of first appearance,
        epochs ascending, in the units of `value`.
    """
    finite = epochs[np.isfinite(epochs[value].to_numpy(dtype=float, na_value=math.nan))]
    rows = []
    for cell in finite["cell"].unique():
        for epoch, of_epoch in finite[finite["cell"] == cell].groupby("epoch"):
            interval = intervals.t_interval(np.sort(of_epoch[value].to_numpy(dtype=float)), level)
            rows.append((cell, epoch, len(of_epoch), interval.mean, interval.low, interval.high))
    curves = pd.DataFrame(rows, columns=["cell", "epoch", "n", "mean", "low", "high"])
    floats = dict.fromkeys(("mean", "low", "high"), float)
    return curves.astype({"epoch": int, "n": int, **floats})


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


def by_rate(table: pd.DataFrame) -> pd.DataFrame:
    """The validation accuracy of each cell at each rate: its mean over the trials.

    Args:
        table: as `tuning.tuning_table` makes it, or `tuning.csv` has it.

    Returns:
        One row a cell and rate, cells in order of first appearance, rates ascending: `cell`, `lr`;
        `mean`, `low`, `high` and `n` of the accuracies, as fractions (Student's t, 95%, within 0
        and 1; a trial that did not complete counts as zero); `lost`, trials that did not complete;
        `chosen`, whether it is the cell's rate (`tuning.best_rates`).
    """
    scored = table.assign(score=scores(table))
    best = best_rates(table).set_index("cell")["lr"]
    rows = []
    for cell, of_cell in scored.groupby("cell", sort=False):
        of_rates = {float(str(lr)): trials for lr, trials in of_cell.groupby("lr")}
        for lr, own in of_rates.items():
            interval = intervals.t_interval(own["score"])
            rows.append(
                {
                    "cell": cell,
                    "lr": lr,
                    "mean": interval.mean,
                    "low": float(np.clip(interval.low, 0, 1)),
                    "high": float(np.clip(interval.high, 0, 1)),
                    "n": len(own),
                    "lost": int((own["state"] != "complete").sum()),
                    "chosen": lr == best[cell],
                }
            )
    columns = ["cell", "lr", "mean", "low", "high", "n", "lost", "chosen"]
    return pd.DataFrame(rows, columns=columns)


def chosen(rates: pd.DataFrame) -> pd.DataFrame:
    """The learning rate of each cell.

    Args:
        rates: as `by_rate` makes it.

    Returns:
        Its chosen rows; there, `lost` is over all rates of the cell, and `end` says whether the
        rate is the least or the greatest tried: `lowest`, `highest`, or nothing.
    """
    ends = {rates["lr"].min(): "lowest", rates["lr"].max(): "highest"}
    best = rates[rates["chosen"].astype(bool)].drop(columns="chosen")
    return best.assign(
        lost=best["cell"].map(rates.groupby("cell")["lost"].sum()),
        end=[ends.get(lr, "") for lr in best["lr"]],
    ).reset_index(drop=True)
