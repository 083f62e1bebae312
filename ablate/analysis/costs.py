"""What networks cost beside how accurate they are: latency, Pareto fronts, the shares of stages."""

import math

import numpy as np
import pandas as pd

from ablate.analysis.summary import Summary

COUNTS = ("macs", "params", "activations")  # exact, for one image
COSTS = (*COUNTS, "latency")


def against_cost(summary: Summary) -> pd.DataFrame:
    """The summary with the latency of each cell, and whether it is on the front of each cost.

    Returns:
        Its table, and `latency`: inference time an image, in microseconds, with its interquartile
        range from `latency_low` to `latency_high`, which has no end (infinity) where half the
        range of the images/s is as much as their median; and `COST_front` for each of `COSTS`: no
        other cell has both a higher mean accuracy and a lower cost. There is no front of latency
        where the control of the timing was off.
    """
    rate, half = summary.table["infer_images_per_s"], summary.table["infer_images_per_s_iqr"] / 2
    slowest = (1e6 / (rate - half)).mask(rate <= half, math.inf)
    table = summary.table.assign(
        latency=1e6 / rate, latency_low=1e6 / (rate + half), latency_high=slowest
    )
    for cost in COSTS:
        table[f"{cost}_front"] = pareto(table, cost, "mean")
    table["latency_front"] &= not summary.table["throughput_control_off"].any()
    return table


def stage_shares(stages: pd.DataFrame) -> pd.DataFrame:
    """How the costs of each network divide among its stages: `COUNTS` as fractions of its sum.

    Args:
        stages: one row a cell and stage, with `cell`, `stage` and `COUNTS`.
    """
    shares = stages[["cell", "stage", *COUNTS]].copy()
    for cost in COUNTS:
        shares[cost] /= shares.groupby("cell")[cost].transform("sum")
    return shares


def pareto(
    frame: pd.DataFrame, cost: str, outcome: str, maximise_cost: bool = False
) -> "pd.Series[bool]":
    """Which rows no other row dominates: as good in both columns, and better in one.

    Args:
        frame: any; its index is kept.
        cost: name of the column to minimise, or to maximise, as for throughput.
        outcome: name of the column to maximise.
        maximise_cost: whether more of `cost` is better.

    Returns:
        Shape (rows,). Equal rows are on the front together; a row with NaN never is.
    """
    import moocore  # here, since the figures alone need it

    columns = [frame[name].to_numpy(dtype=float, na_value=math.nan) for name in (cost, outcome)]
    points = np.column_stack(columns)
    front = ~np.isnan(points).any(axis=1)
    front[front] = moocore.is_nondominated(
        points[front], maximise=[maximise_cost, True], keep_weakly=True
    )
    return pd.Series(front, index=frame.index, name="pareto")
