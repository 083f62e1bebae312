"""A study from start to end: cost and time its cells, train its trials, write what came of it."""

import contextlib
import math
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ablate.data.dataset import Dataset, load
from ablate.engine.cluster.ray_workers import RayShare, run_on_ray
from ablate.engine.preparation import (
    cell_columns,
    patience,
    pick_cpu_split,
    pick_execution,
    time_batches,
    usual_cpu_split,
)
from ablate.engine.progress import Progress
from ablate.engine.queue import Queue
from ablate.engine.stop_rule import StopRule, stop_rule
from ablate.engine.storage import sqlite_url
from ablate.engine.supervisor import Done, Tracker, supervise
from ablate.engine.tracking.trackers import tracking
from ablate.engine.trial_process import Training
from ablate.engine.weights import say_kept, say_unkept
from ablate.engine.worker import Worker
from ablate.errors import InputError, plural
from ablate.files import sweep
from ablate.processes import DAY_S
from ablate.results.csv import keep_aside, write_table
from ablate.results.manifest import write_looks, write_manifest
from ablate.results.names import CHECKPOINTS, CORRECT, LOCK, STORAGE, TRIALS, TUNING, WEIGHTS
from ablate.results.stopping import Fate, Looks, settled_text
from ablate.results.tables import plan_row, write_sweep, write_tables
from ablate.study.norms import check_norms
from ablate.study.own import own_modules
from ablate.study.plan import Planned, Study
from ablate.study.tuning import (
    Outcomes,
    best_rates,
    named,
    tuned,
    tuning_plan,
    tuning_table,
    warnings,
)
from ablate.training.execution import Execution, set_up
from ablate.training.machine import describe


@dataclass(frozen=True, kw_only=True)
class Setup:
    """Where and on what a study runs; nothing here changes what is learned.

    Args:
        folder: of the run's results.
        data_root, download: where the dataset lies, and whether to fetch it.
        execution: how to run; its threads are those of one process with the machine to itself.
        pick_layout: whether a probe chooses the layout, whatever `execution` says.
        workers: processes that train side by side; None for a probe.
        batches: sizes of batch at which each cell is timed, beside the study's own.
        timing_s: seconds of timing each cell and quantity.
        storage: the URL of the trials' storage; a file in `folder` if None.
        retry: whether to try again what failed, ran out of memory or out of time.
        time_limit_s: of one trial.
        tensorboard, mlflow: as of `trackers.tracking`.
        keep_weights: whether the weights that trials end with are kept in the folder.
        ray: what each task takes where a Ray cluster trains; None for processes of this machine.
    """

    folder: Path
    data_root: Path
    download: bool
    execution: Execution
    pick_layout: bool
    workers: int | None
    batches: tuple[int, ...]
    timing_s: float
    storage: str | None = None
    retry: bool = False
    time_limit_s: float = DAY_S
    tensorboard: Path | None = None
    mlflow: str | None = None
    keep_weights: bool = False
    ray: RayShare | None = None

    @property
    def storage_url(self) -> str:
        """Where the trials are kept."""
        return self.storage or sqlite_url(self.folder / STORAGE)

    @property
    def weights(self) -> Path | None:
        """Where the weights that trials end with are kept; None where they are not."""
        return self.folder / WEIGHTS if self.keep_weights else None

    def tracked(self, study: str) -> AbstractContextManager[Sequence[Tracker]]:
        """The trackers of this process: none where the tasks of a Ray cluster have them."""
        if self.ray is not None:
            return contextlib.nullcontext(())
        return tracking(study, self.tensorboard, self.mlflow)


def run_study(
    study: Study, setup: Setup, say: Callable[[str], None], progress: Progress
) -> tuple[str, ...]:
    """Run what is left of a study's plan and write its tables; a line for each trial that failed.

    Raises:
        InputError: the dataset is missing, or the folder is in use or cannot be written.
        KeyboardInterrupt: after the tables of what is done were written.
    """
    device = set_up(setup.execution)
    data = load(study.data, setup.data_root, setup.download).to(device)
    name = f"{study.name}/{study.data.name}"
    with (
        locked(setup.folder),
        contextlib.closing(Queue(setup.storage_url, name)) as queue,
        setup.tracked(study.name) as trackers,
    ):
        return _run_locked(study, data, setup, queue, trackers, say, progress)


def _run_locked(
    study: Study,
    data: Dataset,
    setup: Setup,
    queue: Queue,
    trackers: Sequence[Tracker],
    say: Callable[[str], None],
    progress: Progress,
) -> tuple[str, ...]:
    say(f"on {describe(setup.execution.device)['device']}")
    for channel in data.constant:
        say(
            f"channel {channel + 1} of the training images is "
            f"{data.mean.flatten()[channel]:.0f} everywhere; it says nothing, and is not scaled"
        )
    for batch in setup.batches:
        check_norms("--batch-sweep", ((cell.name, cell.net, batch) for cell in study.cells))
    usual, threads = usual_cpu_split(setup.execution, setup.workers, len(study.plan()))
    worker = replace(setup.execution, threads=threads)
    time_for = patience(study, len(data.train), worker, usual, setup.timing_s, queue)
    worker, gain = pick_execution(study, worker, setup.pick_layout, time_for, queue, say)
    execution = replace(setup.execution, channels_last=worker.channels_last)
    measured = {
        cell: {**columns, "layout_gain": gain}
        for cell, columns in cell_columns(study, data, worker, time_for, queue, say).items()
    }
    if setup.batches:
        say(f"timing batches of {', '.join(map(str, setup.batches))}")
        write_sweep(setup.folder, time_batches(study, data, worker, setup.batches, setup.timing_s))

    def train(plan: Sequence[Planned], stop: StopRule | None = None) -> None:
        """Train what is left of a plan."""
        missing, spared = queue.submit(plan, setup.retry, stop), queue.spared()
        most = f" at most, {spared} of them not needed" if stop else ""
        say(f"{plural(len(plan), 'trial')}{most}, {len(plan) - missing - spared} done already")
        if setup.retry and (bound := queue.bound()):
            say(
                f"--retry: {len(bound)} failed trials are not tried again, for a look that has "
                "been made has seen them as they are"
            )
        if not missing:
            return
        if setup.workers is None:
            # The baseline comes first. Where it could not be timed, no probe could either.
            rate = next(iter(measured.values()))["epoch_images_per_s"] or math.inf
            epochs = sum(planned.spec.train.epochs for planned in plan) / len(plan)
            left_s = missing * epochs * len(data.train) / rate / usual
            workers, threads = pick_cpu_split(
                study, left_s, missing, execution, time_for, setup.data_root, queue, say
            )
        else:
            workers, threads = usual_cpu_split(execution, setup.workers, missing)
        say(f"{plural(workers, 'worker')} x {plural(threads, 'thread')}, {execution.memory_format}")
        training = Training(
            data=study.data,
            data_root=setup.data_root,
            execution=replace(execution, threads=threads),
            mechanism=study.mechanism and not plan[0].explore,
            checkpoints=setup.folder / CHECKPOINTS,
            weights=setup.weights,
            imports=tuple(own_modules(tomllib.loads(study.source))),
        )
        for _ in progress(_train(training, workers, setup, queue, trackers), missing, "trial"):
            pass

    # Workers elsewhere wait between the phases.
    queue.remember("more", study.tune is not None)
    study = tune(study, train, queue.outcomes, setup.folder, say)
    plan = study.plan()
    keys = {planned.spec.key for planned in plan}
    _keep_other_table(setup.folder, queue, keys, say)
    change = write_manifest(setup.folder, study, queue.outcomes())
    if change is not None:
        say(str(change))
        if change.extended:
            say(change.extended)
    if study.mechanism:
        _say_unmeasured(queue, keys, say)
    _say_unrecorded(queue, keys, say)
    say_unkept(setup.weights, keys, queue.outcomes(), say)
    try:
        queue.remember("more", False)
        train(plan, stop_rule(study, measured))
    finally:
        failures = _write(study, setup.folder, queue, measured, say)
    say_kept(setup.weights, keys, queue.outcomes(), say)
    return failures


def _train(
    training: Training, workers: int, setup: Setup, queue: Queue, trackers: Sequence[Tracker]
) -> Iterator[Done]:
    """Run what is queued, on this machine or on a Ray cluster."""
    queue.remember("job", training.to_job() | {"time_limit_s": setup.time_limit_s})
    if setup.ray is None:
        return supervise(queue, training, workers, setup.time_limit_s, trackers)
    worker = Worker(
        storage=setup.storage_url,
        study=queue.name,
        data_root=setup.data_root,
        checkpoints=training.checkpoints,
        weights=training.weights or setup.folder / WEIGHTS,
        imports=training.imports,
        tensorboard=setup.tensorboard,
        mlflow=setup.mlflow,
    )
    return run_on_ray(worker, setup.ray, setup.workers, queue)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Have the run's folder to oneself; it is given up with the process, however that ends.

    Within the block it may be taken again. What an earlier process was writing there when it was
    killed is swept away.
    """
    lock = FileLock(folder / LOCK, is_singleton=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise InputError(
            f"{folder}: another run is at work there; wait for it, or give another --out"
        ) from error
    except OSError as error:
        raise InputError(
            f"{error.filename}: cannot be written ({error.strerror}); give another --out"
        ) from error
    try:
        sweep(folder)
        yield
    finally:
        lock.release()


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


def _say_unmeasured(queue: Queue, keys: set[str], say: Callable[[str], None]) -> None:
    """Say how many trials were trained, and so are not trained again, without the mechanism."""
    lacking = sum(
        key in keys and outcome["row"]["state"] == "complete" and not outcome.get("stages")
        for key, outcome in queue.outcomes().items()
    )
    if lacking:
        say(
            f"mechanism: not measured in {lacking} of {len(keys)} trials, trained before it was "
            "asked for; give another --out to train them anew, or go without"
        )


def _say_unrecorded(queue: Queue, keys: set[str], say: Callable[[str], None]) -> None:
    """Say of how many trials an earlier version has not stored which test images were correct."""
    lacking = sum(
        key in keys and outcome["row"]["state"] == "complete" and outcome.get("correct") is None
        for key, outcome in queue.outcomes().items()
    )
    if lacking:
        say(
            f"test images: not recorded in {lacking} of {len(keys)} trials, trained by an earlier "
            f"version, so there is no {CORRECT}; give another --out to train them anew, or go "
            "without"
        )


def _write(
    study: Study,
    folder: Path,
    queue: Queue,
    measured: dict[str, dict[str, Any]],
    say: Callable[[str], None],
) -> tuple[str, ...]:
    """Write the tables of every trial that has ended, and return the failures, a line each.

    Where the study has looks those trials are left out that none of them asked for.
    """
    rows, epochs, mechanism, correct, failures = [], [], [], [], []
    plan = _looked_at(study, folder, queue, say) if study.looks else study.plan()
    outcomes = queue.outcomes()
    for planned in plan:
        outcome = outcomes.get(planned.spec.key)
        if outcome is None:
            continue
        named = {"key": planned.spec.key, "cell": planned.cell.name, "seed": planned.spec.seed}
        row = outcome["row"]
        rows.append(plan_row(study, planned) | measured[planned.cell.name] | row)
        epochs += [named | epoch for epoch in outcome["epochs"]]
        # An outcome stored by an earlier version has no stages.
        mechanism += [named | stage for stage in outcome.get("stages", [])]
        if row["state"] == "complete":
            images, bits = row.get("test_images"), outcome.get("correct")  # nor any of this
            correct.append(named | {"images": images, "correct": bits})
        else:
            failures.append(
                f"{planned.cell.name}, seed {planned.spec.seed}: {row['state']}: {row['failure']}"
            )
    if rows:
        recorded = all(trial["correct"] is not None for trial in correct)
        write_tables(folder, study, rows, epochs, mechanism, correct if recorded else [])
    return tuple(failures)


def _looked_at(
    study: Study, folder: Path, queue: Queue, say: Callable[[str], None]
) -> list[Planned]:
    """Write and say what the looks have come to, and return the trials that they asked for."""
    plan = study.plan()
    looks = queue.looks()
    if looks.planned != study.looks:  # it ended before the plan was submitted
        looks = Looks(planned=study.looks)
    write_looks(folder, looks)
    asked = [
        planned
        for planned in plan
        if looks.fate(planned.cell.name, planned.spec.seed) is Fate.TRAINED
    ]
    # A table made before there were looks may hold more.
    _keep_other_table(folder, queue, {planned.spec.key for planned in asked}, say)
    for look in looks.made:
        on = f"trained on: {', '.join(look.needed)}" if look.needed else "nothing is trained on"
        say(f"look at {look.seeds} seeds: {settled_text(look)}; {on}")
    if looks.over:
        say(f"{len(plan) - len(asked)} of {len(plan)} trials were not needed")
    return asked


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
        write_table(tuning_table(study, outcomes()), folder / TUNING)
    rates = best_rates(tuning_table(study, outcomes()))
    best = [f"{lr:g} for {named(of_lr['cell'])}" for lr, of_lr in rates.groupby("lr")]
    say(f"learning rates: {'; '.join(best)}")
    for line in warnings(rates):
        say(line)
    return tuned(study, outcomes())
