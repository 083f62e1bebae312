"""Each cell's learning rate, tuned alike for all before the study runs.

The best rate moves with a network's width, so one rate for all cells may favour some. Every cell
tries the same rates with the same number of trials, by the study's own recipe and with seeds that
the study never uses; the rate is chosen by validation accuracy, and no test image is evaluated.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ablate import record, statistics
from ablate.study import Planned, Study

TUNING = "tuning.csv"
FIRST_SEED = 2**31  # tuning has the seeds from here on, which no study's plan reaches
MOST_NAMED = 5
COLUMNS = ("cell", "lr", "seed", "val_accuracy", "key", "state")

Outcomes = Mapping[str, Mapping[str, Any]]


def tuning_plan(study: Study) -> list[Planned]:
    """The trials that tune a study's cells, seed by seed; none where the study does not tune.

    They explore: they evaluate no test image.
    """
    if study.tune is None:
        return []
    return [
        Planned(cell, study.trial(cell, FIRST_SEED + number, lr), explore=True)
        for number in range(study.tune.seeds)
        for lr in study.tune.lr
        for cell in study.cells
    ]


def tuning_table(study: Study, outcomes: Outcomes) -> pd.DataFrame:
    """One row a tuning trial that has ended, with `COLUMNS`, in the order of the plan.

    Args:
        study: before it was tuned, or after: the table is the same.
        outcomes: by key, as `trial_queue.Queue.outcomes` gives them.
    """
    rows = []
    for planned in tuning_plan(study):
        if planned.spec.key in outcomes:
            row = outcomes[planned.spec.key]["row"]
            rows.append(
                {
                    "cell": planned.cell.name,
                    "lr": planned.spec.train.lr,
                    "seed": planned.spec.seed,
                    "val_accuracy": row.get("val_accuracy"),
                    "key": planned.spec.key,
                    "state": row["state"],
                }
            )
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"val_accuracy": float})


def by_rate(table: pd.DataFrame) -> pd.DataFrame:
    """The validation accuracy of each cell at each rate: its mean over the trials.

    A trial that did not complete counts as no accuracy at all (zero), so that a rate at which one
    diverges is not chosen for its luck in another.

    Args:
        table: as `tuning_table` makes it, or `tuning.csv` has it.

    Returns:
        One row a cell and rate, cells in order of first appearance, rates ascending: `cell`, `lr`;
        `mean`, `low`, `high` and `n` of the accuracies, as fractions (Student's t, 95%, within 0
        and 1); `lost`, trials that did not complete; `chosen`, whether it is the cell's rate: that
        of the highest mean, and of equal ones the smallest.
    """
    scored = table.assign(score=table["val_accuracy"].where(table["state"] == "complete", 0.0))
    rows = []
    for cell, of_cell in scored.groupby("cell", sort=False):
        # Ascending: of equal means `max` takes that of the smaller rate.
        of_rates = {float(str(lr)): trials for lr, trials in of_cell.groupby("lr")}
        intervals = {lr: statistics.t_interval(own["score"]) for lr, own in of_rates.items()}
        best = max(intervals, key=lambda lr: intervals[lr].mean)
        for lr, interval in intervals.items():
            rows.append(
                {
                    "cell": cell,
                    "lr": lr,
                    "mean": interval.mean,
                    "low": float(np.clip(interval.low, 0, 1)),
                    "high": float(np.clip(interval.high, 0, 1)),
                    "n": len(of_rates[lr]),
                    "lost": int((of_rates[lr]["state"] != "complete").sum()),
                    "chosen": lr == best,
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


def tuned(study: Study, outcomes: Outcomes) -> Study:
    """The study with each cell at the learning rate that tuning chose; itself if it tunes none.

    Args:
        study: whose `tuning_plan` has been run.
        outcomes: by key; of every trial of that plan, for tuning that is cut short is not equal.
    """
    plan = tuning_plan(study)
    if not plan:
        return study
    assert all(planned.spec.key in outcomes for planned in plan)
    rates = chosen(by_rate(tuning_table(study, outcomes))).set_index("cell")["lr"]
    return replace(
        study, cells=tuple(replace(cell, lr=float(rates[cell.name])) for cell in study.cells)
    )


def tune(
    study: Study,
    train: Callable[[list[Planned]], object],
    outcomes: Callable[[], Outcomes],
    folder: Path,
    say: Callable[[str], object],
) -> Study:
    """Tune a study before its plan is run; itself if it tunes nothing.

    Writes `tuning.csv` in any case, also where `train` is stopped; takes an earlier one away that
    this study does not have.

    Args:
        study: as its file has it.
        train: runs what is left of a plan, to its end.
        outcomes: what has ended, by key.
        folder: of the run.
        say: prints a line.
    """
    plan = tuning_plan(study)
    if not plan:
        (folder / TUNING).unlink(missing_ok=True)
        return study
    try:
        train(plan)
    finally:
        record.write(tuning_table(study, outcomes()), folder / TUNING)
    rates = chosen(by_rate(tuning_table(study, outcomes())))
    best = [f"{lr:g} for {_named(of_lr['cell'])}" for lr, of_lr in rates.groupby("lr")]
    say(f"learning rates: {'; '.join(best)}")
    for line in warnings(rates):
        say(line)
    return tuned(study, outcomes())


def warnings(rates: pd.DataFrame) -> list[str]:
    """A sentence for each end of the list at which a cell's rate was chosen.

    Args:
        rates: as `chosen` makes it.
    """
    found = []
    for end, further in (("lowest", "lower"), ("highest", "higher")):
        at_end = rates[rates["end"] == end]
        if not at_end.empty:
            found.append(
                f"The {end} learning rate of the list, {at_end['lr'].iloc[0]:g}, was chosen for "
                f"{_named(at_end['cell'])}: a {further} one may be better still."
            )
    return found


def _named(cells: "pd.Series[str]") -> str:
    """Cells by name, the first few of many."""
    more = len(cells) - MOST_NAMED
    return ", ".join(cells[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
