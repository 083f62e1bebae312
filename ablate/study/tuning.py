"""Each cell's learning rate, tuned alike for all before the study runs.

The best rate moves with a network's width, so one rate for all cells may favour some. Every cell
tries the same rates with the same number of trials, by its own recipe and with seeds that the
study never uses; the rate is chosen by validation accuracy, and no test image is evaluated.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from ablate.study.plan import Planned, Study

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
        outcomes: by key, as `queue.Queue.outcomes` gives them.
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


def best_rates(table: pd.DataFrame) -> pd.DataFrame:
    """The learning rate of each cell: that of the highest mean, and of equal ones the smallest.

    A trial that did not complete counts as no accuracy at all (zero), so that a rate at which one
    diverges is not chosen for its luck in another.

    Args:
        table: as `tuning_table` makes it, or `tuning.csv` has it.

    Returns:
        `cell`, `lr`, and `end`: `lowest` or `highest` where the rate is an end of what was tried,
        else empty.
    """
    scored = table.assign(score=scores(table))
    ends = {table["lr"].min(): "lowest", table["lr"].max(): "highest"}
    rows = []
    for cell, of_cell in scored.groupby("cell", sort=False):
        # Ascending: of equal means `max` takes that of the smaller rate.
        means = {float(str(lr)): of.to_numpy().mean() for lr, of in of_cell.groupby("lr")["score"]}
        lr = max(means, key=lambda lr: means[lr])
        rows.append({"cell": cell, "lr": lr, "end": ends.get(lr, "")})
    return pd.DataFrame(rows, columns=["cell", "lr", "end"])


def scores(table: pd.DataFrame) -> "pd.Series[float]":
    """The accuracy by which a tuning trial is judged: zero where it did not complete."""
    return table["val_accuracy"].where(table["state"] == "complete", 0.0)


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
    rates = best_rates(tuning_table(study, outcomes)).set_index("cell")["lr"]
    cells = []
    for cell in study.cells:
        train = replace(study.recipe(cell), lr=float(rates[cell.name]))
        cells.append(replace(cell, train=train))
    return replace(study, cells=tuple(cells))


def warnings(rates: pd.DataFrame) -> list[str]:
    """A sentence for each end of the list at which a cell's rate was chosen.

    Args:
        rates: as `best_rates` makes it.
    """
    found = []
    for end, further in (("lowest", "lower"), ("highest", "higher")):
        at_end = rates[rates["end"] == end]
        if not at_end.empty:
            found.append(
                f"The {end} learning rate of the list, {at_end['lr'].iloc[0]:g}, was chosen for "
                f"{named(at_end['cell'])}: a {further} one may be better still."
            )
    return found


def named(cells: "pd.Series[str]") -> str:
    """Cells by name, the first few of many."""
    more = len(cells) - MOST_NAMED
    return ", ".join(cells[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
