"""Checks of what was planned and stored against the trials table: each key once, none lost."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import pandas as pd

from ablate.results.checks.remarks import Remark, fault, note, some
from ablate.results.folder import Run
from ablate.results.looks import replay
from ablate.results.manifest import extended_from
from ablate.results.names import MANIFEST, STUDY
from ablate.results.stopping import (
    Fate,
    extended_text,
    looks_to_json,
    not_needed,
    settled_text,
)
from ablate.study.file import read_study_file
from ablate.study.stop import as_run, planned_looks

SETTLED = ("complete", "diverged")  # not tried again, whatever is asked for
STORED = ("state", "test_accuracy", "val_accuracy", "started", "finished")


def manifest(run: Run) -> Iterator[Remark]:
    """The manifest is whole, is of this study file, and lists the trials of the table, once."""
    if run.manifest is None:
        yield note("none: the run was made before there was one")
        return
    source = run.folder / STUDY
    if not source.exists():
        yield fault(f"{STUDY} is missing")
    elif hashlib.sha256(source.read_bytes()).hexdigest() != run.manifest.get("study_file_sha256"):
        yield fault(f"{STUDY} is not the file that was planned")
    for name in ("study", "dataset"):
        told = set(run.trials[name])
        if told != {run.manifest.get(name)}:
            yield fault(f"{name} = {run.manifest.get(name)}: the table's is {some(sorted(told))}")
    times = Counter(key for key, _, _ in run.planned)
    twice = [key for key, number in times.items() if number > 1]
    if twice:
        yield fault(f"lists {some(twice)} more than once")
    rows = set(run.trials[["key", "cell", "seed"]].itertuples(index=False, name=None))
    needed = {trial for trial in run.planned if run.fate(*trial[1:]) is not Fate.NOT_NEEDED}
    extra, missing = rows - set(run.planned), needed - rows
    if extra:
        yield fault(f"the table has what was not planned: {some(sorted(extra))}")
    lost = [trial for trial in sorted(missing) if trial[0] not in run.unfinished]
    if lost:
        yield fault(f"planned and not in the table: {some(lost)}")
    if len(missing) > len(lost):
        yield note(f"unfinished: {len(missing) - len(lost)} of {len(run.planned)} trials")
    if len(needed) < len(run.planned):
        spared = len(run.planned) - len(needed)
        yield note(f"not needed, for looks settled them: {spared} of {len(run.planned)} trials")
    numbers = extended_from(run.manifest, run.folder / MANIFEST)
    if numbers:
        yield note(extended_text(numbers, run.manifest["seeds"]))


def looks(run: Run) -> Iterator[Remark]:
    """Each look is as the trials decide it, and no trial was trained that none asked for."""
    source = run.folder / STUDY
    file = read_study_file(source) if source.exists() else None
    if file is None or (file.stop is None and run.looks is None):
        return
    if file.stop is None:
        yield fault(f"{MANIFEST} lists looks, but {STUDY} has no [stop]")
        return
    if run.looks is None or run.manifest is None:
        yield fault(f"{STUDY} has [stop], but no {MANIFEST} lists looks")
        return
    seeds = run.looks.planned[-1]
    if run.looks.planned != planned_looks(file.stop, seeds) or seeds != run.manifest["seeds"]:
        yield fault(f"planned at {some(run.looks.planned)} seeds: the study file has others")
        return
    for cell, seed in run.trials[["cell", "seed"]].itertuples(index=False, name=None):
        fate = run.looks.fate(cell, seed)
        if fate is Fate.NOT_NEEDED:
            yield fault(f"{cell}, seed {seed}: trained, but {not_needed(run.looks, cell, seed)}")
        elif fate is Fate.WAITS:
            yield fault(f"{cell}, seed {seed}: trained before the look that it waits for")
    told = run.manifest["stop"]
    cells = dict.fromkeys(cell for _, cell, _ in run.planned)
    if told != looks_to_json(run.looks, cells):
        yield fault("the seeds used and the trials saved do not follow from the looks")
    again = replay(as_run(file, seeds), _complete(run.trials))
    for made, remade in zip_longest(run.looks.made, again):
        if made == remade or (made is None and run.unfinished):
            continue
        if made is None or remade is None:
            which, other = ("missing", remade) if made is None else ("not asked for", made)
            yield fault(f"the look at {other.seeds} seeds is {which}")
        else:
            yield fault(
                f"the look at {made.seeds} seeds: {settled_text(made)}; from the trials follows: "
                f"{settled_text(remade)}"
                if made.settled != remade.settled
                else f"the look at {made.seeds} seeds: trained on were {some(made.needed)}; from "
                f"the trials follows: {some(remade.needed)}"
            )
        return  # those after it follow from it


def _complete(trials: pd.DataFrame) -> pd.DataFrame:
    return trials[trials["state"] == "complete"].reset_index(drop=True)


def storage(run: Run) -> Iterator[Remark]:
    """Each key has ended once in the storage, with what the table says."""
    if run.attempts is None:
        yield note("none here: the storage is elsewhere")
        return
    for key, rows in run.ended.items():
        times = sum(row.get("state") in SETTLED for row in rows)
        if times > 1:
            yield fault(f"{key}: ended {times} times")
    for row in run.trials.to_dict("records"):
        where = f"{row['cell']}, seed {row['seed']} ({row['key']})"
        stored = run.ended.get(row["key"])
        if stored is None:
            yield fault(f"{where}: in the table, but never ended in the storage")
            continue
        last = next((one for one in stored if one.get("state") in SETTLED), stored[-1])
        wrong = [name for name in STORED if not _same(last.get(name), row[name])]
        if wrong:
            says = some(f"{name} = {last.get(name)}, not {row[name]}" for name in wrong)
            yield fault(f"{where}: the storage has {says}")
    explored = {attempt.key for attempt in run.attempts if attempt.explore}
    others = set(run.ended) - set(run.trials["key"]) - explored
    if others:
        yield note(f"{len(others)} trials ended in the storage that are not in this table")
    if run.unfinished:
        yield note(f"{len(run.unfinished)} trials have not ended")


def _same(stored: Any, told: Any) -> bool:
    if stored is None or pd.isna(told):
        return stored is None and bool(pd.isna(told))
    return bool(stored == told)
