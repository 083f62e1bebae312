"""A run's folder verified: tables against each other, hashes, and what is said of them made anew.

Nothing here writes into the folder, and nothing needs torch or Optuna.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from ablate.errors import InputError
from ablate.results import names
from ablate.results.checks import files, plan, rows
from ablate.results.checks.remarks import Remark, fault
from ablate.results.csv import read_trials
from ablate.results.folder import Run

FINDINGS, LOOKS = "findings", "looks"  # no files
FOUND = "summary, verdicts and the data of figures are as made anew from the tables"


class Line(NamedTuple):
    """What one check came to: `ok`, or one remark of it."""

    level: Literal["ok", "note", "FAULT"]
    check: str
    text: str


Check = Callable[[Run], Iterator[Remark]]
# In the order of what the later ones take for granted.
CHECKS: dict[str, tuple[Check, str]] = {
    "specs": (rows.specs, "every key, network and count follows from its row's description"),
    "cells": (rows.cells, "each is one network, with one arm of each axis"),
    "states": (rows.states, "each agrees with the values beside it"),
    "pairs": (rows.pairs, "the cells have the same seeds and data, and the recipes of their arms"),
    "versions": (rows.alike, "equal in all rows, and so is what else decides the numbers"),
    names.PARQUET: (files.parquet, "holds what trials.csv holds"),
    names.MANIFEST: (plan.manifest, "each of its keys is in the table, once"),
    LOOKS: (plan.looks, "each is as the trials decide it, and none lies beyond"),
    names.EPOCHS: (files.epochs, "whole for every trial, and ends as the trials' rows say"),
    names.STAGES: (files.stages, "has the costs that follow from each cell's network"),
    names.MECHANISM: (files.mechanism, "has every stage of each trial it is about, once"),
    names.CORRECT: (files.correct, "each complete trial's test images give its accuracy"),
    names.TUNING: (files.tuning, "each cell that was tuned trains at the rate it chose"),
    names.STORAGE: (plan.storage, "each key ended once in the storage, as in the table"),
}


def verify(folder: Path, remake: files.Remake) -> list[Line]:
    """Every check of one run.

    Args:
        folder: RUN_DIR, such as results/STUDY/DATASET; only read.
        remake: writes into a copy of the folder what its tables show: `report.write.write_copy`.

    Raises:
        InputError: no folder, or none of a run.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected one of a run: results/STUDY/DATASET")
    if not (folder / names.TRIALS).exists():
        if (folder / names.CLAIMS).exists():
            return [
                Line("note", names.TRIALS, "none: the folder is about claims, and nothing trained")
            ]
        raise InputError(
            f"{folder}: holds no {names.TRIALS}; expected a run: results/STUDY/DATASET"
        )
    try:
        run = Run(folder, read_trials(folder / names.TRIALS))
    except InputError as error:
        return [Line("FAULT", names.TRIALS, str(error))]
    if run.trials.empty:
        return [Line("FAULT", names.TRIALS, "holds no trial")]
    lines = [Line("ok", names.TRIALS, f"{len(run.trials)} rows follow the schema")]
    for name in CHECKS:
        lines += remarks(run, name, remake)
    if any(line.level == "FAULT" and line.check in files.DRAWN_FROM for line in lines):
        return [*lines, Line("note", FINDINGS, "not made anew from tables with such faults")]
    return [*lines, *remarks(run, FINDINGS, remake)]


def remarks(run: Run, name: str, remake: files.Remake) -> list[Line]:
    """What one of the checks has to say of a run: one `ok`, or its remarks."""
    check, says = CHECKS.get(name, (lambda run: files.findings(run, remake), FOUND))
    try:
        found = list(check(run))
    except InputError as error:
        found = [fault(str(error))]
    return [Line(level, name, text) for level, text in found] or [Line("ok", name, says)]
