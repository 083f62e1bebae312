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

from ablate.errors import InputError
from ablate.results.schema import RETRIED
from ablate.statistics import intervals

OUTCOMES = {"test_accuracy": "test accuracy", "val_accuracy": "validation accuracy"}
THROUGHPUTS = tuple(
    f"{timed}_{name}"
    for timed in ("train", "infer", "epoch")
    for name in ("images_per_s", "images_per_s_iqr", "ratio", "ratio_low", "ratio_high")
)
SUMMARY_COLUMNS = (
    *("cell", "n", "diverged", "failed", "mean", "low", "high", "params", "macs", "activations"),
    *THROUGHPUTS,
    *("throughput_control_off", "diff", "diff_low", "diff_high", "pairs"),
    *("effect", "p", "p_equal", "detectable", "pairs_needed", "finding"),
)


@dataclass(frozen=True)
class Summary:
    """A study's cells, each with its accuracy, its costs and its difference from the baseline.

    Args:
        table: one row a cell: see `summarise`.
        outcome: the column that is summarised, one of `OUTCOMES`.
        level: confidence of the intervals, between 0 and 1.
        margin: difference, as a fraction, below which two cells count as equal.
        unit: what is counted and pairs the cells, in words: `seed` or `draw`.
    """

    table: pd.DataFrame
    outcome: str
    level: float
    margin: float
    unit: str

    @property
    def cells(self) -> list[str]:
        """Names of the cells, in order."""
        return list(self.table["cell"])

    @property
    def outcome_name(self) -> str:
        """What is summarised, in words."""
        return OUTCOMES[self.outcome]

    @property
    def level_name(self) -> str:
        """The confidence of the intervals, as `95%`."""
        return f"{100 * self.level:g}%"


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


def summarise(
    trials: pd.DataFrame,
    baseline: str,
    outcome: str = "test_accuracy",
    level: float = 0.95,
    margin: float = 0.005,
    unit: str = "seed",
) -> Summary:
    """One row a cell: its accuracy, its cost and its difference from the baseline.

    Args:
        trials: as `schema.to_frame` makes it, of one study.
        baseline: the cell that the others are compared with.
        outcome: `test_accuracy` or `val_accuracy`.
        level: confidence of the intervals.
        margin: difference, as a fraction, below which two cells count as equal.
        unit: what the numbers in `seed` are of, in words: it pairs the cells.

    Returns:
        A table of the cells in order of first appearance, with the columns

        - `cell`; `n`, complete trials with an outcome; `diverged`, trials; `failed`, trials that
          failed, or ran out of memory or time;
        - `mean`, `low`, `high`: accuracy as a fraction, with `intervals.mean_interval` over
          seeds, within 0 and 1; no limits (NaN) below two seeds;
        - `params`; `macs` and `activations` for one image, the median where a cell's networks
          are several; `train_`, `infer_` and `epoch_` with
          `images_per_s`, `images_per_s_iqr`, `ratio`, `ratio_low`, `ratio_high`: the median of
          what the cell's rows carry, which is one measurement; `throughput_control_off`, whether
          any of them says that the timings are not to be trusted;
        - `diff`, `diff_low`, `diff_high`: cell minus baseline as a fraction, over the `pairs`
          seeds complete in both, with `intervals.difference_interval`. Each is widened to the
          level 1 - (1 - level) / (cells - 1), so that all of them hold together at `level`
          (Bonferroni; Dunn 1961). NaN for the baseline;
        - `effect`: Hedges' g of the paired differences;
        - `p`: of the sign-flip test, and `p_equal`: that the difference is not within the margin;
          both adjusted over the cells (Holm 1979);
        - `detectable`: the difference, as a fraction, that so many pairs would show with a
          probability of `intervals.POWER`; `pairs_needed`: the pairs that would show one as
          large as the margin; both at the level of the intervals;
        - `finding`: `baseline`; `equivalent` where `p_equal` is below 1 - level, however sure the
          difference; `higher` or `lower` where `p` is; `too few seeds` where no p-value could be,
          or with fewer than `MIN_PAIRS` pairs; else `inconclusive`.

    Raises:
        InputError: no such cell or outcome, or a cell has a seed twice.
    """
    if outcome not in OUTCOMES:
        raise InputError(f"outcome = {outcome!r}: expected {' or '.join(OUTCOMES)}", "outcome")
    accuracies = by_seed(trials, outcome)
    if baseline not in accuracies.columns:
        names = ", ".join(accuracies.columns)
        raise InputError(f"baseline = {baseline!r}: expected one of {names}", "baseline")
    comparisons = max(1, len(accuracies.columns) - 1)
    joint = 1 - (1 - level) / comparisons
    rows = []
    for cell, rows_of_cell in trials.groupby("cell", sort=False):
        accuracy = accuracies[cell]
        differences = accuracy - accuracies[baseline] if cell != baseline else accuracy.iloc[:0]
        rows.append(
            _level_of(accuracy.dropna(), level)
            | _counts_and_costs(rows_of_cell)
            | _comparison(differences.dropna().to_numpy(), joint, margin)
        )
    table = pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))
    for name in ("p", "p_equal"):
        table[name] = intervals.holm(list(table[name]))
    table["pairs_needed"] = table["pairs_needed"].astype("Int64")
    table["finding"] = [
        "baseline"
        if row["cell"] == baseline
        else finding(row["diff"], row["p"], row["p_equal"], row["pairs"], comparisons, level)
        for _, row in table.iterrows()
    ]
    return Summary(table, outcome, level, margin, unit)


def finding(
    difference: float, p: float, p_equal: float, pairs: int, comparisons: int, level: float
) -> str:
    """What adjusted p-values say of a difference: see `summarise`.

    Args:
        difference: its sign alone counts.
        p, p_equal: of the sign-flip test and of equivalence, adjusted over the comparisons.
        pairs, comparisons: how many.
        level: confidence.
    """
    alpha = 1 - level + 1e-9
    if pairs < intervals.MIN_PAIRS:
        return "too few seeds"
    if p_equal <= alpha:
        return "equivalent"
    if p <= alpha:
        return "higher" if difference > 0 else "lower"
    few = pairs < intervals.fewest_pairs(comparisons, level)
    return "too few seeds" if few else "inconclusive"


def _level_of(accuracy: pd.Series, level: float) -> dict[str, Any]:
    interval = intervals.mean_interval(accuracy, level)
    return {
        "n": len(accuracy),
        "mean": interval.mean,
        "low": float(np.clip(interval.low, 0, 1)),
        "high": float(np.clip(interval.high, 0, 1)),
    }


def _counts_and_costs(rows: pd.DataFrame) -> dict[str, Any]:
    throughputs = rows[list(THROUGHPUTS)].astype(float).median()
    return {
        "cell": str(rows["cell"].iloc[0]),
        "diverged": int((rows["state"] == "diverged").sum()),
        "failed": int(rows["state"].isin(RETRIED).sum()),
        **{name: int(rows[name].median()) for name in ("params", "macs", "activations")},
        **{name: float(throughputs[name]) for name in THROUGHPUTS},
        "throughput_control_off": bool(rows["throughput_control_off"].fillna(False).any()),
    }


def _comparison(
    differences: npt.NDArray[np.float64], joint: float, margin: float
) -> dict[str, Any]:
    """A cell against the baseline, by itself: the p-values are yet to be adjusted."""
    interval = intervals.difference_interval(differences, joint)
    return {
        "diff": interval.mean,
        "diff_low": interval.low,
        "diff_high": interval.high,
        "pairs": len(differences),
        "effect": intervals.hedges_g(differences),
        "p": intervals.sign_flip_p(differences),
        "p_equal": intervals.equivalence_p(differences, margin),
        "detectable": intervals.detectable(differences, joint),
        "pairs_needed": intervals.pairs_to_detect(differences, margin, joint),
    }


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
