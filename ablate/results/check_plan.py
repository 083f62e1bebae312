"""Checks of what was planned and stored against the trials table: each key once, none lost."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pandas as pd

from ablate.results.folder import Run
from ablate.results.names import STUDY
from ablate.results.remarks import Remark, fault, note, some

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
    extra, missing = rows - set(run.planned), set(run.planned) - rows
    if extra:
        yield fault(f"the table has what was not planned: {some(sorted(extra))}")
    lost = [trial for trial in sorted(missing) if trial[0] not in run.unfinished]
    if lost:
        yield fault(f"planned and not in the table: {some(lost)}")
    if len(missing) > len(lost):
        yield note(f"unfinished: {len(missing) - len(lost)} of {len(run.planned)} trials")


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
