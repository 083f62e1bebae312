"""What the trials say: accuracies become means, intervals and verdicts; no drawing, no files.

The seed is the unit of evidence. A trial that did not complete is counted, never dropped in
silence.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ablate.analysis import comparisons
from ablate.analysis.comparisons import Comparisons
from ablate.errors import InputError
from ablate.results.outcomes import by_seed
from ablate.results.schema import RETRIED
from ablate.statistics import family, intervals, power
from ablate.statistics.family import Family
from ablate.study.file import HypothesisTable

OUTCOMES = {"test_accuracy": "test accuracy", "val_accuracy": "validation accuracy"}
THROUGHPUTS = tuple(
    f"{timed}_{name}"
    for timed in ("train", "infer", "epoch")
    for name in ("images_per_s", "images_per_s_iqr", "ratio", "ratio_low", "ratio_high")
)
SUMMARY_COLUMNS = (
    *("cell", "n", "diverged", "failed", "mean", "low", "high", "params", "macs", "activations"),
    *THROUGHPUTS,
    *("throughput_control_off", "diff", "diff_low", "diff_high", "equal_low", "equal_high"),
    *("seeds", "effect", "p", "p_equal", "detectable", "seeds_needed", "finding"),
)


@dataclass(frozen=True)
class Summary:
    """A study's cells, each with its accuracy, its costs and its difference from the baseline.

    Args:
        table: one row a cell: see `summarise`.
        outcome: the column that is summarised, one of `OUTCOMES`.
        level: confidence of the intervals, between 0 and 1.
        margin: difference, as a fraction, below which two cells count as equal.
        unit: what is counted, in words: `seed` or `draw`.
        together: how many comparisons hold together, those of predictions included.
    """

    table: pd.DataFrame
    outcome: str
    level: float
    margin: float
    unit: str
    together: int

    @property
    def cells(self) -> list[str]:
        """Names of the cells, in order."""
        return list(self.table["cell"])

    @property
    def outcome_name(self) -> str:
        """What is summarised, in words."""
        return OUTCOMES[self.outcome]

    @property
    def equal_level_name(self) -> str:
        """The confidence of the intervals that two one-sided tests go by, as `90%`."""
        return f"{100 * (2 * self.level - 1):g}%"

    @property
    def level_name(self) -> str:
        """The confidence of the intervals, as `95%`."""
        return f"{100 * self.level:g}%"


def summarise(
    trials: pd.DataFrame,
    baseline: str,
    outcome: str = "test_accuracy",
    level: float = 0.95,
    margin: float = 0.005,
    unit: str = "seed",
    predictions: Mapping[str, HypothesisTable] | None = None,
    mechanism: pd.DataFrame | None = None,
) -> Summary:
    """One row a cell: its accuracy, its cost and its difference from the baseline.

    Args:
        trials: as `schema.to_frame` makes it, of one study.
        baseline: the cell that the others are compared with.
        outcome: `test_accuracy` or `val_accuracy`.
        level: confidence of the intervals.
        margin: difference, as a fraction, below which two cells count as equal.
        unit: what the numbers in `seed` are of, in words.
        predictions, mechanism: what else the comparisons hold together with: see
            `comparisons.compare`.

    Raises:
        InputError: no such cell or outcome, or a cell has a seed twice.
    """
    check(trials, baseline, outcome)
    compared = comparisons.compare(trials, baseline, predictions, mechanism, outcome, level)
    return of_comparisons(trials, baseline, compared, outcome, margin, unit)


def check(trials: pd.DataFrame, baseline: str, outcome: str = "test_accuracy") -> None:
    """Raise `InputError` for an outcome or a baseline that the table does not have."""
    if outcome not in OUTCOMES:
        raise InputError(f"outcome = {outcome!r}: expected {' or '.join(OUTCOMES)}", "outcome")
    names = list(trials["cell"].unique())
    if baseline not in names:
        raise InputError(f"baseline = {baseline!r}: expected one of {', '.join(names)}", "baseline")


def of_comparisons(
    trials: pd.DataFrame,
    baseline: str,
    compared: Comparisons,
    outcome: str = "test_accuracy",
    margin: float = 0.005,
    unit: str = "seed",
) -> Summary:
    """The summary of trials whose comparisons have been made.

    Args:
        trials, baseline, outcome, margin, unit: as in `summarise`.
        compared: of `comparisons.compare`.

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
        - `diff`, `diff_low`, `diff_high`: cell minus baseline as a fraction, and the limits
          within which all comparisons of the run lie together (`statistics.family`); `equal_low`
          and `equal_high`, the limits that two one-sided tests go by; `seeds`, the fewer of the
          two cells' complete trials. NaN for the baseline;
        - `effect`: the difference over the two cells' pooled deviation, Hedges' g;
        - `p`: of no difference, and `p_equal`: that the difference is not within the margin;
          both of the same family;
        - `detectable`: the difference, as a fraction, that so many seeds would show with a
          probability of `power.POWER`; `seeds_needed`: the seeds that would show one as large as
          the margin; both at the two cells' mean spread, in the same family;
        - `finding`: `baseline`, or what `family.finding` says.
    """
    accuracies = by_seed(trials, outcome)
    planning = power.coefficients_of(compared.coefficients)
    rows = []
    for name, rows_of_cell in trials.groupby("cell", sort=False):
        cell = str(name)
        accuracy = accuracies[cell].dropna()
        row = _level_of(accuracy, compared.family.level) | _counts_and_costs(rows_of_cell)
        if cell == baseline:
            rows.append(row | {"seeds": 0, "finding": "baseline"})
            continue
        one = compared.against[cell]
        values = accuracy.to_numpy(), accuracies[baseline].dropna().to_numpy()
        rows.append(
            row
            | {
                **{"diff": one.estimate, "diff_low": one.low, "diff_high": one.high},
                **{"equal_low": one.equal_low, "equal_high": one.equal_high},
                **{"seeds": one.n, "effect": intervals.hedges_g(*values), "p": one.p},
                "p_equal": compared.family.p_equal(one, margin),
                **_power(values, one.n, planning, compared.place(cell), margin, compared.family),
                "finding": family.finding(one, compared.family, margin),
            }
        )
    table = pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))
    table["seeds_needed"] = table["seeds_needed"].astype("Int64")
    together = len(compared.family.comparisons)
    return Summary(table, outcome, compared.family.level, margin, unit, together)


def _power(
    values: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]],
    seeds: int,
    coefficients: power.Coefficients,
    which: int,
    margin: float,
    judged: Family,
) -> dict[str, Any]:
    """What so many seeds would show, and how many would show the margin."""
    if seeds < 2:
        return {"detectable": math.nan, "seeds_needed": None}
    spread = math.sqrt(sum(float(own.var(ddof=1)) for own in values) / 2)
    return {
        "detectable": power.detectable(spread, seeds, coefficients, which, judged.level),
        "seeds_needed": power.seeds_needed(spread, margin, coefficients, which, judged.level),
    }


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
