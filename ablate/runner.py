"""A study from start to end: cost and time its cells, train its trials, write what came of it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
import torch
from filelock import FileLock, Timeout

from ablate.cost import count
from ablate.count import total
from ablate.data import load
from ablate.machine import cpu_count, describe
from ablate.record import TRIALS, keep_aside
from ablate.report import write_findings, write_tables
from ablate.search import Queue
from ablate.spec import InputError, NetSpec, content_hash
from ablate.study import Study, plan_row
from ablate.throughput import measure
from ablate.workers import Done, Job, run_queue


@dataclass(frozen=True, kw_only=True)
class Setup:
    """Where and on what a study runs; nothing here changes what is learned.

    Args:
        folder: of the run's results.
        data_root, download: where the dataset lies, and whether to fetch it.
        device: as torch names it.
        workers, threads: processes that train side by side, and CPU threads of each.
    """

    folder: Path
    data_root: Path
    download: bool
    device: str
    workers: int
    threads: int


@dataclass(frozen=True)
class Result:
    """What a study shows: its summary, one row a cell, the answer in words, what failed."""

    summary: pd.DataFrame
    answer: str
    failures: tuple[str, ...]


class Progress(Protocol):
    """Shows trials as they end."""

    def __call__(self, items: Iterable[Done], total: int, unit: str) -> Iterator[Done]:
        """Pass the items on."""


def run_study(study: Study, setup: Setup, say: Callable[[str], None], progress: Progress) -> Result:
    """Run what is left of a study's plan and write its tables, figures and summary.

    Raises:
        InputError: the dataset is missing, or the folder is in use or cannot be written.
        KeyboardInterrupt: after the tables of what is done were written.
    """
    load(study.data, setup.data_root, setup.download)
    with _locked(setup.folder):
        queue = Queue(setup.folder / "study.db", study.name)
        try:
            return _run_locked(study, setup, queue, say, progress)
        finally:
            queue.close()


def _run_locked(
    study: Study, setup: Setup, queue: Queue, say: Callable[[str], None], progress: Progress
) -> Result:
    plan = study.plan()
    _keep_other_table(setup.folder, queue, {planned.spec.key for planned in plan}, say)
    missing = queue.submit(plan)
    say(f"{study.name} on {study.data.name}: {study.question}")
    say(
        f"{len(study.cells)} cells x {study.seeds} seeds = {len(plan)} trials, "
        f"{len(plan) - missing} done already; {setup.workers} workers x {setup.threads} threads "
        f"on {describe(setup.device)['device']}"
    )
    measured = {cell.net: _measure(cell.net, study, setup, queue) for cell in study.cells}
    job = Job(
        storage=setup.folder / "study.db",
        study=study.name,
        data=study.data,
        data_root=setup.data_root,
        device=setup.device,
        threads=setup.threads,
    )
    try:
        if missing:
            done = run_queue(job, min(setup.workers, missing), queue)
            for _ in progress(done, missing, "trial"):
                pass
    finally:
        failures = _write(study, setup.folder, queue, measured)
    summary, answer = write_findings(setup.folder, study.question, study.baseline)
    return Result(summary, answer, failures)


def _locked(folder: Path) -> FileLock:
    """A lock on the run's folder that ends with the process, however it ends."""
    lock = FileLock(folder / "study.lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise InputError(
            f"{folder}: another run is at work there; wait for it, or give another --out"
        ) from error
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written ({error.strerror}); give another --out"
        ) from error
    return lock


def _keep_other_table(
    folder: Path, queue: Queue, keys: set[str], say: Callable[[str], None]
) -> None:
    """Move a table away that holds what this run will not write again."""
    stored = {(key, outcome["row"]["finished"]) for key, outcome in queue.outcomes().items()}
    kept = keep_aside(
        folder / TRIALS,
        lambda row: row["key"] in keys and (row["key"], row["finished"]) in stored,
    )
    if kept:
        say(f"{folder / TRIALS} holds trials that this run does not: kept as {kept.name}")


def _measure(net: NetSpec, study: Study, setup: Setup, queue: Queue) -> dict[str, Any]:
    """Cost and throughput columns of a cell, measured once and kept with the study."""
    threads = cpu_count()
    device = describe(setup.device)["device"]
    name = f"cell:{content_hash(net)}:{study.train.batch_size}:{device}:{threads}"
    kept = queue.recall(name)
    if kept is None:
        cost = count(net)
        rates = measure(net, study.train, torch.device(setup.device), threads)
        kept = asdict(cost) | {"unsupported_ops": cost.unsupported_json} | rates.row()
        kept["activations"] = total(net).activations
        queue.remember(name, kept)
    return kept


def _write(
    study: Study, folder: Path, queue: Queue, measured: dict[NetSpec, dict[str, Any]]
) -> tuple[str, ...]:
    """Write the tables of every trial that has ended, and return the failures, a line each."""
    rows, epochs, failures = [], [], []
    outcomes = queue.outcomes()
    for planned in study.plan():
        outcome = outcomes.get(planned.spec.key)
        if outcome is None:
            continue
        named = {"key": planned.spec.key, "cell": planned.cell.name, "seed": planned.spec.seed}
        row = outcome["row"]
        rows.append(plan_row(study, planned) | measured[planned.cell.net] | row)
        epochs += [named | epoch for epoch in outcome["epochs"]]
        if row["state"] != "complete":
            failures.append(
                f"{planned.cell.name}, seed {planned.spec.seed}: {row['state']}: {row['failure']}"
            )
    if rows:
        write_tables(folder, study, rows, epochs)
    return tuple(failures)
