"""Accuracy over the learning rates that were tried, with intervals."""

import numpy as np
import pandas as pd

from ablate.statistics import intervals
from ablate.study.tuning import best_rates, scores


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
        means = {lr: intervals.t_interval(own["score"]) for lr, own in of_rates.items()}
        for lr, interval in means.items():
            rows.append(
                {
                    "cell": cell,
                    "lr": lr,
                    "mean": interval.mean,
                    "low": float(np.clip(interval.low, 0, 1)),
                    "high": float(np.clip(interval.high, 0, 1)),
                    "n": len(of_rates[lr]),
                    "lost": int((of_rates[lr]["state"] != "complete").sum()),
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
