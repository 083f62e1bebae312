"""What the trials say: accuracies become means, intervals and verdicts; no drawing, no files.

The seed is the unit of evidence. A cell is compared with the baseline seed by seed, since trials of
one seed see the same batches; a trial that did not complete is counted, never dropped in silence.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from ablate.spec import InputError

OUTCOMES = {"test_accuracy": "test accuracy", "val_accuracy": "validation accuracy"}
MIN_PAIRS = 6
THROUGHPUTS = tuple(
    f"{timed}_{name}"
    for timed in ("train", "infer", "epoch")
    for name in ("images_per_s", "images_per_s_iqr", "ratio", "ratio_low", "ratio_high")
)


@dataclass(frozen=True)
class Interval:
    """A mean and the limits of its confidence interval, in the units of the values."""

    mean: float
    low: float
    high: float


def t_interval(values: npt.ArrayLike, level: float = 0.95) -> Interval:
    """The mean of independent values with Student's t interval (Student 1908).

    Args:
        values: shape (n,). All NaN for n = 0, no limits for n = 1; values without spread give an
            interval of no width.
        level: confidence, between 0 and 1.
    """
    array = np.asarray(values, dtype=float)
    n = len(array)
    if n == 0:
        return Interval(math.nan, math.nan, math.nan)
    mean = float(array.mean())
    if n == 1:
        return Interval(mean, math.nan, math.nan)
    standard_error = float(array.std(ddof=1)) / math.sqrt(n)
    half = float(stats.t.ppf((1 + level) / 2, n - 1)) * standard_error
    return Interval(mean, mean - half, mean + half)


def by_seed(trials: pd.DataFrame, outcome: str = "test_accuracy") -> pd.DataFrame:
    """Outcomes of the complete trials, one row a seed, one column a cell.

    Args:
        trials: as `record.to_frame` makes it.
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


def summarise(
    trials: pd.DataFrame, baseline: str, outcome: str = "test_accuracy", level: float = 0.95
) -> pd.DataFrame:
    """One row a cell: its accuracy, its cost and its difference from the baseline.

    Args:
        trials: as `record.to_frame` makes it, of one study.
        baseline: the cell that the others are compared with.
        outcome: `test_accuracy` or `val_accuracy`.
        level: confidence of the intervals.

    Returns:
        Cells in order of first appearance, with the columns

        - `cell`; `n`, complete trials with an outcome; `diverged`, `failed`, trials;
        - `mean`, `low`, `high`: accuracy as a fraction, with Student's t interval over seeds, cut
          off at 0 and 1; no limits (NaN) below two seeds;
        - `params`; `macs` for one image; `train_`, `infer_` and `epoch_` with `images_per_s`,
          `images_per_s_iqr`, `ratio`, `ratio_low`, `ratio_high`: the median of what the cell's
          rows carry, which is one measurement; `throughput_control_off`, whether any of them says
          that the timings are not to be trusted;
        - `diff`, `diff_low`, `diff_high`: cell minus baseline as a fraction, over the `pairs`
          seeds complete in both, with the t interval of the paired differences. Each is widened
          to the level 1 - (1 - level) / (cells - 1), so that all of them hold together at `level`
          (Bonferroni; Dunn 1961). NaN for the baseline;
        - `verdict`: `baseline`; `higher` or `lower`; `inconclusive` where that interval holds
          zero; `too few seeds` below `MIN_PAIRS` pairs, since a two-sided permutation test of
          five pairs cannot go below p = 0.0625.

        `attrs` holds `outcome` and `level`, for whoever prints or draws the frame.

    Raises:
        InputError: no such cell or outcome, or a cell has a seed twice.
    """
    if outcome not in OUTCOMES:
        raise InputError(f"outcome = {outcome!r}: expected {' or '.join(OUTCOMES)}", "outcome")
    accuracies = by_seed(trials, outcome)
    if baseline not in accuracies.columns:
        names = ", ".join(accuracies.columns)
        raise InputError(f"baseline = {baseline!r}: expected one of {names}", "baseline")
    adjusted = 1 - (1 - level) / max(1, len(accuracies.columns) - 1)
    rows = []
    for cell, rows_of_cell in trials.groupby("cell", sort=False):
        accuracy = accuracies[cell]
        differences = (accuracy - accuracies[baseline]).dropna()
        rows.append(
            _level_of(accuracy.dropna(), level)
            | _counts_and_costs(rows_of_cell)
            | (_no_comparison() if cell == baseline else _comparison(differences, adjusted))
        )
    columns = ["cell", "n", "diverged", "failed", "mean", "low", "high", "params", "macs"]
    columns += [
        *THROUGHPUTS,
        "throughput_control_off",
        "diff",
        "diff_low",
        "diff_high",
        "pairs",
        "verdict",
    ]
    summary = pd.DataFrame(rows, columns=columns)
    summary.attrs = {"outcome": outcome, "level": level}
    return summary


def _level_of(accuracy: pd.Series, level: float) -> dict[str, Any]:
    interval = t_interval(accuracy, level)
    return {
        "n": len(accuracy),
        "mean": interval.mean,
        "low": float(np.clip(interval.low, 0, 1)),
        "high": float(np.clip(interval.high, 0, 1)),
    }


def _counts_and_costs(rows: pd.DataFrame) -> dict[str, Any]:
    first = rows.iloc[0]
    throughputs = rows[list(THROUGHPUTS)].astype(float).median()
    return {
        "cell": str(first["cell"]),
        "diverged": int((rows["state"] == "diverged").sum()),
        "failed": int((rows["state"] == "failed").sum()),
        "params": int(first["params"]),
        "macs": int(first["macs"]),
        **{name: float(throughputs[name]) for name in THROUGHPUTS},
        "throughput_control_off": bool(rows["throughput_control_off"].fillna(False).any()),
    }


def _comparison(differences: pd.Series, level: float) -> dict[str, Any]:
    interval = t_interval(differences, level)
    if len(differences) < MIN_PAIRS:
        verdict = "too few seeds"
    elif interval.low > 0:
        verdict = "higher"
    elif interval.high < 0:
        verdict = "lower"
    else:
        verdict = "inconclusive"
    return {
        "diff": interval.mean,
        "diff_low": interval.low,
        "diff_high": interval.high,
        "pairs": len(differences),
        "verdict": verdict,
    }


def _no_comparison() -> dict[str, Any]:
    nothing = dict.fromkeys(("diff", "diff_low", "diff_high"), math.nan)
    return nothing | {"pairs": 0, "verdict": "baseline"}


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
    price = frame[cost].to_numpy(dtype=float, na_value=math.nan) * (-1 if maximise_cost else 1)
    value = frame[outcome].to_numpy(dtype=float, na_value=math.nan)
    # Entry [i, j] asks about row j against row i; a comparison with NaN is false.
    as_good = (price <= price[:, None]) & (value >= value[:, None])
    better = (price < price[:, None]) | (value > value[:, None])
    dominated = (as_good & better).any(axis=1)
    missing = np.isnan(price) | np.isnan(value)
    return pd.Series(~dominated & ~missing, index=frame.index, name="pareto")


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
            interval = t_interval(np.sort(of_epoch[value].to_numpy(dtype=float)), level)
            rows.append((cell, epoch, len(of_epoch), interval.mean, interval.low, interval.high))
    curves = pd.DataFrame(rows, columns=["cell", "epoch", "n", "mean", "low", "high"])
    floats = dict.fromkeys(("mean", "low", "high"), float)
    return curves.astype({"epoch": int, "n": int, **floats})
