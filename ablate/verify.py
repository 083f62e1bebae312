"""A run's folder verified: tables against each other, hashes, and what is said of them made anew.

Nothing here writes into the folder, and nothing needs torch or Optuna.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from ablate import verify_files, verify_plan, verify_rows
from ablate.record import TRIALS, read
from ablate.remarks import Remark, fault
from ablate.run_folder import Run
from ablate.spec import InputError

CLAIMS, FINDINGS = "claims.csv", "findings"
FOUND = "summary, verdicts and the data of figures are as made anew from the tables"


class Line(NamedTuple):
    """What one check came to: `ok`, or one remark of it."""

    level: Literal["ok", "note", "FAULT"]
    check: str
    text: str


Check = Callable[[Run], Iterator[Remark]]

# In the order of what the later ones take for granted.
CHECKS: dict[str, tuple[Check, str]] = {
    "specs": (verify_rows.specs, "every key, network and count follows from its row's description"),
    "cells": (verify_rows.cells, "each is one network, with one arm of each axis"),
    "states": (verify_rows.states, "each agrees with the values beside it"),
    "pairs": (verify_rows.pairs, "the cells have the same seeds, recipe and data"),
    "versions": (verify_rows.alike, "equal in all rows, and so is what else decides the numbers"),
    "trials.parquet": (verify_files.parquet, "holds what trials.csv holds"),
    "manifest.json": (verify_plan.manifest, "each of its keys is in the table, once"),
    "epochs.csv": (verify_files.epochs, "whole for every trial, and ends as the trials' rows say"),
    "stages.csv": (verify_files.stages, "has the costs that follow from each cell's network"),
    "mechanism.csv": (verify_files.mechanism, "has every stage of each trial it is about, once"),
    "tuning.csv": (verify_files.tuning, "each cell that was tuned trains at the rate it chose"),
    "study.db": (verify_plan.storage, "each key ended once in the storage, as in the table"),
}


def verify(folder: Path) -> list[Line]:
    """Every check of one run.

    Args:
        folder: RUN_DIR, such as results/STUDY/DATASET; only read.

    Raises:
        InputError: no folder, or none of a run.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected one of a run: results/STUDY/DATASET")
    if not (folder / TRIALS).exists():
        if (folder / CLAIMS).exists():
            return [Line("note", TRIALS, "none: the folder is about claims, and nothing trained")]
        raise InputError(f"{folder}: holds no {TRIALS}; expected a run: results/STUDY/DATASET")
    try:
        run = Run(folder, read(folder / TRIALS))
    except InputError as error:
        return [Line("FAULT", TRIALS, str(error))]
    if run.trials.empty:
        return [Line("FAULT", TRIALS, "holds no trial")]
    lines = [Line("ok", TRIALS, f"{len(run.trials)} rows follow the schema")]
    for name in CHECKS:
        lines += remarks(run, name)
    if any(line.level == "FAULT" and line.check in verify_files.DRAWN_FROM for line in lines):
        return [*lines, Line("note", FINDINGS, "not made anew from tables with such faults")]
    return [*lines, *remarks(run, FINDINGS)]


def remarks(run: Run, name: str) -> list[Line]:
    """What one of the checks has to say of a run: one `ok`, or its remarks."""
    check, says = CHECKS[name] if name != FINDINGS else (verify_files.findings, FOUND)
    try:
        found = list(check(run))
    except InputError as error:
        found = [fault(str(error))]
    return [Line(level, name, text) for level, text in found] or [Line("ok", name, says)]
