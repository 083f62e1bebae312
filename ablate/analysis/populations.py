"""Sampled networks as evidence: the draw takes the place of the seed, and the arm of the cell.

What is compared are the distributions of errors over an arm's networks, so a network counts once,
however often it was trained.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from ablate.analysis.summary import THROUGHPUTS
from ablate.errors import InputError
from ablate.results.schema import axis_columns
from ablate.spec.choices import AXIS_PREFIX
from ablate.statistics import intervals
from ablate.statistics.intervals import Interval
from ablate.study.draws import NETWORK

UNIT = "draw"
OUTCOMES = ("test_accuracy", "val_accuracy", "val_loss", "train_loss")
COLUMNS = (
    *("arm", "networks", "n", "mean_error", "mean_low", "mean_high"),
    *("median_error", "median_low", "median_high"),
    *("threshold", "share", "share_low", "share_high", "best", "best_error"),
)


def by_draw(trials: pd.DataFrame) -> pd.DataFrame:
    """One row a network: its arm as `cell`, the number of its draw as `seed`, means over trainings.

    The results table of a sampled study becomes one that `summary.summarise` takes, in which the
    arms are the cells and draws pair them. A network of which a training did not complete has that
    one's state. Images/s are left out: those of one network say nothing of its arm.

    Args:
        trials: as `schema.to_frame` makes it, of one sampled study.

    Returns:
        The columns of `trials`, but for that of the network's number.

    Raises:
        InputError: the table does not say which arm and which draw a row is of.
    """
    axis, number = _axes(trials)
    lost = trials[trials["state"] != "complete"].drop_duplicates("cell")
    states = dict(zip(lost["cell"], lost["state"], strict=True))
    found = trials.drop_duplicates("cell").copy()
    found["state"] = [states.get(cell, "complete") for cell in found["cell"]]
    found["state"] = found["state"].astype(trials["state"].dtype)
    for name in OUTCOMES:
        found[name] = found["cell"].map(trials.groupby("cell")[name].mean())
    found[list(THROUGHPUTS)] = math.nan
    found["throughput_control_off"] = False
    return found.assign(cell=found[axis], seed=found[number].astype(int)).drop(columns=number)


def by_arm(frame: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    """A table about the networks, such as `epochs.csv`, with arms for cells and draws for seeds.

    Args:
        frame: with a column `cell`, and `seed` where it is about trials.
        trials: as in `by_draw`.
    """
    axis, number = _axes(trials)
    cells = trials.drop_duplicates("cell").set_index("cell")
    found = frame.assign(cell=frame["cell"].map(cells[axis]))
    if "seed" in frame:
        found["seed"] = frame["cell"].map(cells[number].astype(int))
    return found


def mean_stages(stages: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    """Costs of each stage of each arm, as means over its networks.

    Args:
        stages: as `stages.csv` has it.
        trials: as in `by_draw`.
    """
    keys = ["cell", "stage", "out_size"]
    costs = ["params", "macs", "activations"]
    return by_arm(stages, trials).groupby(keys, sort=False)[costs].mean().reset_index()


def describe(
    trials: pd.DataFrame, threshold: float | None = None, level: float = 0.95
) -> pd.DataFrame:
    """What is known of each arm's errors over its networks.

    Args:
        trials: as in `by_draw`.
        threshold: an error, as a fraction, that networks are counted below.
        level: confidence of each interval by itself.

    Returns:
        One row an arm, errors as fractions: `arm`; `networks` drawn; `n` complete ones;
        `mean_error` on test with the limits `mean_low` and `mean_high`
        (`intervals.mean_interval`); `median_error` with those that order statistics give
        (Conover 1999, section 3.2; NaN for too few);
        `threshold`, and the `share` of networks below it with Clopper and Pearson's limits;
        `best`, the network with the highest validation accuracy, and its test error: it is not
        chosen by the test images.
    """
    networks = by_draw(trials)
    names = trials.drop_duplicates("cell")["cell"].to_numpy()
    rows = []
    for arm in networks["cell"].unique():
        of_arm = networks[networks["cell"] == arm].assign(name=names[networks["cell"] == arm])
        complete = of_arm[of_arm["state"] == "complete"]
        errors = np.sort(1 - complete["test_accuracy"].to_numpy(dtype=float))
        mean, median = intervals.mean_interval(errors, level), _median(errors, level)
        share = _share(errors, threshold, level)
        best = complete.sort_values("val_accuracy", ascending=False, kind="stable").head(1)
        rows.append(
            {
                "arm": arm,
                "networks": len(of_arm),
                "n": len(errors),
                **{"mean_error": mean.mean, "mean_low": mean.low, "mean_high": mean.high},
                "median_error": median.mean,
                **{"median_low": median.low, "median_high": median.high},
                "threshold": math.nan if threshold is None else threshold,
                **{"share": share.mean, "share_low": share.low, "share_high": share.high},
                "best": best["name"].item() if len(best) else "",
                "best_error": 1 - best["test_accuracy"].item() if len(best) else math.nan,
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _axes(trials: pd.DataFrame) -> tuple[str, str]:
    """The columns that say which arm and which number a network has."""
    number = AXIS_PREFIX + NETWORK
    axes = [name for name in axis_columns(trials) if name != number]
    digits = trials[number].str.fullmatch("[0-9]+") if number in trials else pd.Series([False])
    if len(axes) != 1 or not digits.all():
        raise InputError(
            f"the results table: expected one axis, and whole numbers in {number}, as a study of "
            "sampled networks has"
        )
    return axes[0], number


def _median(values: npt.NDArray[np.float64], level: float) -> Interval:
    if len(values) == 0:
        return Interval(math.nan, math.nan, math.nan)
    limits: Any = stats.quantile_test(values, p=0.5).confidence_interval(level)
    return Interval(float(np.median(values)), float(limits.low), float(limits.high))


def _share(errors: npt.NDArray[Any], threshold: float | None, level: float) -> Interval:
    if threshold is None or len(errors) == 0:
        return Interval(math.nan, math.nan, math.nan)
    good = int((errors < threshold).sum())
    limits = stats.binomtest(good, len(errors)).proportion_ci(level, "exact")
    return Interval(good / len(errors), float(limits.low), float(limits.high))
